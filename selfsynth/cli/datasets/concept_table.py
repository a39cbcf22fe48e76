"""A concept bank as tables and lines. Pure: the API's JSON in, something to print out."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Column, Table

Json = Mapping[str, Any]


def bank_table(bank: Json, label: str | None = None) -> Table:
    names = {source["id"]: _named(source) for source in bank["sources"]}
    seen = any(each["images"] is not None for concepts in bank["concepts"].values() for each in concepts)
    table = Table("class", "concept", "from", *([Column("images", justify="right")] if seen else []), box=None)
    for name, concepts in bank["concepts"].items():
        if label is not None and name != label:
            continue
        for number, each in enumerate(concepts):
            images = [] if not seen else ["" if each["images"] is None else str(each["images"])]
            table.add_row(name if number == 0 else "", each["concept"], names.get(each["source"], ""), *images)
        if not concepts:
            table.add_row(name, "-", "", *([""] if seen else []), style="red")
    return table


def removed_table(bank: Json, label: str | None = None) -> Table:
    table = Table("class", "taken out", "why", "instead", box=None)
    for each in bank["removed"]:
        if label is None or each["label"] == label:
            table.add_row(each["label"], each["concept"], each["reason"], each.get("instead") or "")
    return table


def summary_lines(bank: Json) -> Iterator[tuple[str, str]]:
    """(style, line): version, counts and cost, then what its owner should know."""
    counts, cost = bank["counts"], bank["cost"]
    tokens = cost["prompt_tokens"] + cost["completion_tokens"]
    parts = [f"version {bank['version']}: {sum(counts.values())} concepts for {len(counts)} classes"]
    parts += [f"{len(bank['removed'])} taken out"] if bank["removed"] else []
    parts += [f"{tokens} tokens ({cost['completion_tokens']} of them written)"] if tokens else []
    yield "bold", ", ".join(parts)
    made = bank["made"]
    for label in bank["missing"]:
        yield "red", f"no concept for {label}: {made.get('empty', {}).get(label, 'none was given')}"
    if made.get("short"):
        yield "yellow", f"few concepts for: {', '.join(made['short'][:10])}"
    for finding in made.get("findings", []):
        if finding["code"] != "classes_without_concepts":
            yield "yellow", finding["message"]


def _named(source: Json) -> str:
    what = source["model"] or source["name"]
    where = f" at {source['host']}" if source["host"] else ""
    return f"{source['kind']}{f' {what}' if what else ''}{where}"
