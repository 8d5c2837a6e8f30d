"""Where a deed leads: to the plan that it asks for, or back with a word about what it set in motion."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from tieout.console import wording
from tieout.console.visit import Visit
from tieout.engine.deeds import Released
from tieout.engine.replay import Wanted
from tieout.store import plans


async def ask(visit: Visit, wanted: Wanted, notice: str = "") -> Response:
    """Asks what a replay would do, and goes to the plan."""
    visit.require("run.replay")
    where = f"/plans/P-{await visit.setting.replays.ask(wanted, actor=visit.me)}"
    return visit.done(where, notice) if notice else RedirectResponse(where, 303)


async def onward(visit: Visit, back: str, said: str, released: Released) -> Response:
    """Back after a deed; where it frees so many documents that they wait to be confirmed, to their plan."""
    if released.plan is None:
        return visit.done(back, f"{said} {_continued(released)}".strip())
    async with visit.setting.database.transaction() as tx:
        waiting = (await plans.progress(tx, released.plan))["items"]
    said = f"{said} {wording.count(waiting, 'document waits', 'documents wait')} for your confirmation."
    return visit.done(f"/plans/P-{released.plan}", said.strip())


def _continued(released: Released) -> str:
    if not released.runs:
        return ""
    return f"{wording.count(len(released.runs), 'document')} {'goes' if len(released.runs) == 1 else 'go'} on."
