"""The figures for Prometheus: the same door and the same right as everything else that may be looked at."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import Response

from tieout.api.measures import Vocabulary, written
from tieout.api.problem import Wrong, documented
from tieout.api.visit import Reading, Visit, whole
from tieout.connectors.catalogue import installed
from tieout.flows.catalogue import FLOWS


def routes() -> APIRouter:
    router = APIRouter(tags=["metrics"], responses=documented(401, 403, 422, 429, 503))
    router.add_api_route(
        "/metrics",
        metrics,
        summary="Figures in the text format of Prometheus",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "See docs/metrics.md"}
        },
    )
    return router


async def metrics(visit: Annotated[Visit, Depends(Reading("look"))]) -> Response:
    whole(visit)
    hub = visit.hub
    try:
        found, took = await hub.collected.newest()
    except Exception as away:  # whatever keeps the database from answering, the watcher need not know
        raise Wrong(503, "not-measured", "The figures could not be collected.", detail=type(away).__name__) from away
    words = Vocabulary.of(hub.firm(), installed(), [each.name for each in FLOWS])
    return Response(written(found, hub.database.use(), took, words), media_type=CONTENT_TYPE_PLAIN_0_0_4)
