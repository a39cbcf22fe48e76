"""The model card: front matter that model hubs read, then what the model is, learnt, and scored. Pure."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from services.trainer.export.plan import Comparison
from shared.types.export import ExportJob, RoundFacts

_LIBRARY = {"adapter": "peft", "merged": "transformers"}
_RELATION = {"adapter": "adapter", "merged": "finetune"}
_FIGURES = (
    ("accuracy", "test accuracy"),
    ("validation_accuracy", "validation accuracy"),
    ("repetition_rate", "repetition"),
    ("pairs", "QA pairs"),
)
_CLASSES_SHOWN = 200


def card(job: ExportJob, compared: Comparison | None) -> str:
    """Markdown. What nobody measured or told stands as `unknown` or an empty cell."""
    parts = (_front(job), _what(job), _use(job), _data(job), _figures(job), _merged(compared), _lineage(job), _how(job))
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _front(job: ExportJob) -> list[str]:
    tags = ["lora", "self-synthesised", "fine-grained-classification", "explanations", "vision-language"]
    facts = {
        "base_model": job.base_model,
        "base_model_relation": _RELATION[job.wish.form],
        "library_name": _LIBRARY[job.wish.form],
        "pipeline_tag": "image-text-to-text",
        "license": job.wish.license or "unknown",
        "tags": tags,
    }
    # JSON is YAML; a value that looks like a number stays a text.
    return ["---", *(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in facts.items()), "---"]


def _what(job: ExportJob) -> list[str]:
    noun, name = job.settings.get("noun", job.dataset.noun), _plain(job.dataset.name)
    kind = "LoRA adapter for" if job.wish.form == "adapter" else "merged model made from"
    return [
        f"# {name}: round {job.wish.round} of {job.wish.job}",
        "",
        f"A {kind} `{_plain(job.base_model)}` that names the class of an image ({_plain(noun)}, "
        f"{len(job.dataset.classes)} classes) and the visible features that tell it.",
    ]


def _use(job: ExportJob) -> list[str]:
    return ["## How to load it", "", *(_use_adapter(job) if job.wish.form == "adapter" else _use_merged())]


def _use_adapter(job: ExportJob) -> Iterator[str]:
    base = _plain(job.base_model)
    yield from (
        "```python",
        "from peft import PeftModel",
        "from transformers import AutoModelForImageTextToText, AutoProcessor",
        "",
        f'base = AutoModelForImageTextToText.from_pretrained("{base}", dtype="auto")',
        f'processor = AutoProcessor.from_pretrained("{base}")',
        'model = PeftModel.from_pretrained(base, "THIS_FOLDER")',
        "```",
        "",
        "With vLLM (an adapter on the projector is only applied with both options about the tower and the targets):",
        "",
        "```",
        f"vllm serve {base} --enable-lora --max-lora-rank RANK --enable-tower-connector-lora \\",
        "  --lora-target-modules LAYERS --lora-modules mine=THIS_FOLDER",
        "```",
        "",
        "RANK is `r` of adapter_config.json, or vLLM's next larger one; LAYERS are those of the language model and the "
        "projector.",
    )


def _use_merged() -> Iterator[str]:
    yield from (
        "```python",
        "from transformers import AutoModelForImageTextToText, AutoProcessor",
        "",
        'model = AutoModelForImageTextToText.from_pretrained("THIS_FOLDER", dtype="auto")',
        'processor = AutoProcessor.from_pretrained("THIS_FOLDER")',
        "```",
        "",
        "With vLLM: `vllm serve THIS_FOLDER`. Ask it through the chat template beside the weights, image first.",
    )


def _data(job: ExportJob) -> list[str]:
    data = job.dataset
    splits = ", ".join(f"{name} {count}" for name, count in data.splits.items())
    shown = ", ".join(_plain(label) for label in data.classes[:_CLASSES_SHOWN])
    more = len(data.classes) - _CLASSES_SHOWN
    return [
        "## Data",
        "",
        f"- Data set: {_plain(data.name)} (`{data.id}`, layout {data.layout or 'unknown'}); images: {splits}.",
        f"- {len(data.classes)} classes: {shown}{f', and {more} more' if more > 0 else ''}.",
        f"- Concept bank: version {job.concept_bank_version or 'unknown'}.",
        "- **Synthetic text.** No person wrote the answers that it was trained on: the model that entered each round "
        "wrote them, about the train images, given their labels and the concepts of the bank. Answers that do not name "
        "the right class were left out or replaced; what they say of an image was not checked by a person. The test "
        "split took no part in training or in choosing the round.",
    ]


def _figures(job: ExportJob) -> list[str]:
    head = ["round", *(title for _, title in _FIGURES)]
    rows = [_row(entry, entry.round == job.wish.round) for entry in job.rounds]
    return [
        "## Figures",
        "",
        _line(head),
        _line(["---"] * len(head)),
        *map(_line, rows),
        "",
        "Round 0 is the base model.",
    ]


def _row(entry: RoundFacts, this: bool) -> list[str]:
    cells = [_number(entry.figures.get(name)) for name, _ in _FIGURES]
    if entry.figures.get("accuracy_ci"):
        low, high = entry.figures["accuracy_ci"]
        cells[0] += f" ({low:.3f} to {high:.3f})"
    return [f"{entry.round}{' (this one)' if this else ''}", *cells]


def _merged(compared: Comparison | None) -> list[str]:
    if compared is None:
        return []
    return [
        "## Merged weights",
        "",
        f"Added in float32, kept in {compared.kept_in}. Loaded again from disk and held against base + adapter over "
        f"{compared.places} places of answers: log-probabilities are {compared.mean:.2g} nats apart in the mean, "
        f"{compared.largest:.2g} at most; the adapter is {compared.base:.2g} from its base.",
    ]


def _lineage(job: ExportJob) -> list[str]:
    rows = [_line(["round", "adapter", "SHA-256 of its weights", "trained from"]), _line(["---"] * 4)]
    for entry in job.rounds:
        if entry.adapter and entry.round <= job.wish.round:
            rows.append(_line([str(entry.round), f"`{entry.adapter}`", f"`{entry.sha256}`", _parent(job, entry)]))
    return ["## Lineage", "", f"Job `{job.wish.job}`, base `{_plain(job.base_model)}`.", "", *rows]


def _parent(job: ExportJob, entry: RoundFacts) -> str:
    start = job.settings.get("train", {}).get("start_from", "previous")
    if entry.round == 1 or start == "base":
        return "the base"
    return f"round {entry.round - 1}" + (", merged into the base" if start == "merged" else "")


def _how(job: ExportJob) -> list[str]:
    settings = json.dumps(job.settings, indent=1, sort_keys=True, ensure_ascii=False)
    return ["## Settings", "", f"Method `{job.method}`, seed {job.seed}.", "", "```json", settings, "```"]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    """Names are the user's: nothing in them may be markup, or end a line."""
    return " ".join("".join(" " if c in '`|<>*[]"\\' else c for c in text).split())
