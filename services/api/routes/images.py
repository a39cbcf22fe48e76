"""A data set's images, passed on from the object store: pages never hold signed addresses that expire."""

import mimetypes
from functools import lru_cache

from fastapi import APIRouter
from starlette.responses import Response

from services.api.routes.dependencies import PROBLEMS, PartsDep, dataset_named
from shared.artefacts import read_rows
from shared.errors import NotFound
from shared.objects import ObjectStore
from shared.types.records import Example

router = APIRouter(tags=["datasets"], responses=PROBLEMS)


@router.get("/datasets/{dataset_id}/images/{example_id:path}", response_class=Response)
def get_image(dataset_id: str, example_id: str, parts: PartsDep) -> Response:
    with parts.database.snapshot() as session:
        examples = dataset_named(session, dataset_id).examples
    key = _image_keys(parts.store, examples).get(example_id) if examples else None
    if key is None:
        raise NotFound(
            f"the data set {dataset_id!r} has no example {example_id!r}", remedy="Ids stand in its artefact."
        )
    kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
    headers = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(parts.store.get(key), media_type=kind, headers=headers)


@lru_cache(maxsize=8)
def _image_keys(store: ObjectStore, manifest_key: str) -> dict[str, str]:
    """Image keys by example id. Artefacts never change, so this may be kept."""
    return {row.id: row.image_key for row in read_rows(store, [manifest_key], Example)}
