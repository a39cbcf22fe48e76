"""transformers' Trainer with what ours adds: a validation loss of our own, and an end to losses that are no numbers."""

import math
from typing import Any

import torch

from services.trainer.token_pair import TokenPair
from services.trainer.tuning.diverging import NotFinite, bad_ones
from services.trainer.tuning.early_stopping import VALIDATION
from services.trainer.tuning.feeding import PassTrainer, filler
from services.trainer.tuning.weighting import LOSS_WEIGHTS, unweighted, weighted_loss


class TuningTrainer(PassTrainer):
    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if any(self.train_dataset[turn].weights for turn in self._passes[0]):
            self.compute_loss_func = self._weigh

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """As ever, but where tokens have weights the model's own loss gives way to the weighted one."""
        self._weights: torch.Tensor | None = inputs.get(LOSS_WEIGHTS)
        return super().compute_loss(model, unweighted(inputs), return_outputs, num_items_in_batch)

    def _weigh(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any) -> torch.Tensor:
        return weighted_loss(outputs.logits, labels, self._weights, num_items_in_batch)

    def evaluate(self, *args: Any, **more: Any) -> dict[str, float]:
        """The loss of the held-out pairs (`eval_dataset`), a mean over their answer tokens as in training."""
        loss = self._validation_loss()
        if not math.isfinite(loss):
            raise self._not_finite(f"the validation loss is {loss}", self.eval_dataset)
        metrics = {VALIDATION: loss}
        self.log(dict(metrics))
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _validation_loss(self) -> float:
        """Every process takes its share of the passes, and as many as the others."""
        held, size = self.eval_dataset, self.args.per_device_eval_batch_size
        passes = [held[start : start + size] for start in range(0, len(held), size)]
        while len(passes) % self.args.world_size:
            passes.append([filler(held[0])])
        answers = sum(len(pair.ids) - pair.prompt_length for pair in held)
        total = torch.zeros((), dtype=torch.float64, device=self.args.device)
        self.model.eval()
        with torch.no_grad():
            for pairs in passes[self.args.process_index :: self.args.world_size]:
                inputs = self._prepare_inputs(unweighted(self.data_collator(pairs)))
                total += self.model(**inputs, num_items_in_batch=answers).loss
        self.model.train()
        return float(self.accelerator.reduce(total, "sum"))

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        """Called before the optimiser takes its step, while the weights are still those that gave the loss."""
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        loss = float(self._tr_loss)
        # DeepSpeed says -1 for a norm that is no number.
        if not math.isfinite(loss + float(norm)) or float(norm) < 0:
            step = self.state.global_step + 1
            what = f"the training loss is {loss} and its gradient's norm {float(norm)} at optimiser step {step}"
            raise self._not_finite(what, self.pairs_of_step(step))
        return norm

    def _not_finite(self, what: str, pairs: list[TokenPair]) -> NotFinite:
        if self.is_deepspeed_enabled:
            # Its step is taken already, and of shared-out weights no process can compute alone.
            return NotFinite(what, pairs, None)
        self.model.eval()
        return NotFinite(what, pairs, bad_ones(pairs, self._own_loss))

    def _own_loss(self, pair: TokenPair) -> float:
        with torch.no_grad():
            return float(self.model(**self._prepare_inputs(unweighted(self.data_collator([pair])))).loss)
