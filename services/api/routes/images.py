"""A data set's images: who they are, and their bytes passed on from the object store, never as signed addresses that
expire."""

import mimetypes
from functools import lru_cache
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.api.database.models import Dataset
from services.api.datasets.instructions import LAYOUT as INSTRUCTIONS
from services.api.named import dataset_named
from services.api.part_pages import BEGIN, page_of
from services.api.routes.dependencies import PROBLEMS, Limit, PartsDep
from shared.artefacts import read_manifest, read_rows
from shared.errors import NotFound
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
    after: str = BEGIN,
    limit: Limit = 100,
) -> ImagePage:
    """In the data set's order."""
    with parts.database.snapshot() as session:
        examples = _examples(dataset_named(session, dataset_id))

    def keep(table: pa.Table) -> pa.Table:
        for column, value in (("label", class_), ("split", split)):
            if value is not None:
                table = table.filter(pc.equal(table[column], value))
        return table

    files = read_manifest(parts.store, examples).parts if examples else ()
    items, next_ = page_of(parts.store, files, after, limit, keep)
    return ImagePage(items=[Example.model_validate(item) for item in items], next=next_)


@router.get("/{example_id:path}", response_class=Response)
def get_image(dataset_id: str, example_id: str, parts: PartsDep) -> Response:
    with parts.database.snapshot() as session:
        examples = _examples(dataset_named(session, dataset_id))
    key = _image_keys(parts.store, examples).get(example_id) if examples else None
    if key is None:
        raise NotFound(
            f"the data set {dataset_id!r} has no example {example_id!r}",
            remedy="GET /datasets/{id}/images lists their ids.",
        )
    kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
    headers = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(parts.store.get(key), media_type=kind, headers=headers)


def _examples(dataset: Dataset) -> str | None:
    """Where they are listed. General instructions are no examples."""
    return None if dataset.layout == INSTRUCTIONS else dataset.examples


@lru_cache(maxsize=8)
def _image_keys(store: ObjectStore, manifest_key: str) -> dict[str, str]:
    """Image keys by example id. Artefacts never change, so this may be kept."""
    return {row.id: row.image_key for row in read_rows(store, [manifest_key], Example)}
