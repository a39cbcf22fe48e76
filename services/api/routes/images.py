"""A data set's images: who they are, and their bytes passed on from the object store, never as signed addresses that
expire."""

import io
import mimetypes
from functools import lru_cache
from typing import Annotated, Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.api.routes.dependencies import PROBLEMS, Limit, PartsDep, dataset_named
from shared.artefacts import Part, read_manifest, read_rows
from shared.errors import InvalidInput, NotFound
from shared.objects import ObjectStore
from shared.types.records import Example, Split

router = APIRouter(prefix="/datasets/{dataset_id}/images", tags=["datasets"], responses=PROBLEMS)


class ImagePage(BaseModel):
    """`next`: give it as `after`; None at the end."""

    items: list[Example]
    next: str | None


@router.get("")
def list_images(
    dataset_id: str,
    parts: PartsDep,
    class_: Annotated[str | None, Query(alias="class")] = None,
    split: Split | None = None,
    after: str = "0.0",
    limit: Limit = 100,
) -> ImagePage:
    """In the data set's order."""
    with parts.database.snapshot() as session:
        examples = dataset_named(session, dataset_id).examples
    wanted = {"label": class_, "split": split}
    found: list[dict[str, Any]] = []
    part_number, row = _cursor(after)
    files = read_manifest(parts.store, examples).parts if examples else ()
    for number, part in enumerate(files[part_number:], part_number):
        for at, example in _rows(parts.store, part, wanted, row if number == part_number else 0):
            if len(found) == limit:
                return ImagePage(items=found, next=f"{number}.{at}")
            found.append(example)
    return ImagePage(items=found, next=None)


@router.get("/{example_id:path}", response_class=Response)
def get_image(dataset_id: str, example_id: str, parts: PartsDep) -> Response:
    with parts.database.snapshot() as session:
        examples = dataset_named(session, dataset_id).examples
    key = _image_keys(parts.store, examples).get(example_id) if examples else None
    if key is None:
        raise NotFound(
            f"the data set {dataset_id!r} has no example {example_id!r}",
            remedy="GET /datasets/{id}/images lists their ids.",
        )
    kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
    headers = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(parts.store.get(key), media_type=kind, headers=headers)


def _rows(
    store: ObjectStore, part: Part, wanted: dict[str, str | None], begin: int
) -> list[tuple[int, dict[str, Any]]]:
    """The part's rows that have the wanted values, from row `begin` on, with their numbers."""
    table = pq.read_table(io.BytesIO(store.get(part.key)))
    table = table.append_column("at", [range(len(table))]).slice(begin)
    for column, value in wanted.items():
        if value is not None:
            table = table.filter(pc.equal(table[column], value))
    return [(row.pop("at"), row) for row in table.to_pylist()]


def _cursor(after: str) -> tuple[int, int]:
    part, _, row = after.partition(".")
    if not (part.isdecimal() and row.isdecimal() and len(after) < 20):
        raise InvalidInput(f"the cursor {after!r} is none of ours", remedy="Give `next` of the last answer, or none.")
    return int(part), int(row)


@lru_cache(maxsize=8)
def _image_keys(store: ObjectStore, manifest_key: str) -> dict[str, str]:
    """Image keys by example id. Artefacts never change, so this may be kept."""
    return {row.id: row.image_key for row in read_rows(store, [manifest_key], Example)}
