"""For Prometheus, without a key: whoever may reach this port may read it, so let no ingress pass it on."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from services.api.routes.dependencies import PartsDep

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
def metrics(parts: PartsDep) -> Response:
    return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_LATEST)
