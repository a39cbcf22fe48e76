from services.trainer.tuning.early_stopping import best_step, is_over


def history(*validations: float) -> list[dict[str, float]]:
    losses = [{"step": step, "loss": 1.0} for step in range(1, 11)]
    return [*losses, *({"step": 10 * number, "eval_loss": loss} for number, loss in enumerate(validations, 1))]


def test_the_best_is_the_first_of_the_least() -> None:
    assert best_step(history(3, 1, 2, 1)) == 20
    assert best_step(history()) is None


def test_training_is_over_when_the_last_ones_were_no_better() -> None:
    assert not is_over(history(3, 1, 2), patience=2)
    assert is_over(history(3, 1, 2, 1), patience=2)
    assert not is_over(history(), patience=1)
