"""For whoever watches over the process: is it alive, and should it be given work?"""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from tieout.api.problem import Wrong, documented
from tieout.api.services import Hub
from tieout.store.selfcheck import Unsafe, insist


class Alive(BaseModel):
    """The process answers."""

    alive: bool = True


class Ready(BaseModel):
    """The self-check refuses nothing, and there is room on the disk."""

    ready: bool = True


def routes() -> APIRouter:
    router = APIRouter(tags=["health"])
    router.add_api_route("/live", live, summary="Whether the process answers")
    router.add_api_route("/ready", ready, summary="Whether it can take in anything", responses=documented(503))
    return router


async def live() -> Alive:
    return Alive()


async def ready(hub: Hub) -> Ready:
    reason = ""
    try:
        await insist(hub.database, hub.clock)
    except Unsafe as unsafe:
        reason = str(unsafe)
    except Exception as away:  # whatever keeps the database from answering, the watcher need not know
        reason = f"The database does not answer ({type(away).__name__})."
    if not reason and hub.free_bytes() < hub.limits.least_free:
        reason = "The disk is nearly full."
    if reason:
        raise Wrong(
            503, "not-ready", "Tieout cannot take in anything now.", detail=reason, headers={"Retry-After": "5"}
        )
    return Ready()
