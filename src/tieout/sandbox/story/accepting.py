"""The delivery leads complete the milestone that a fee waits for when the customer has accepted the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tieout.sandbox.firm import KestrelFirm
from tieout.sandbox.story.deals import deal
from tieout.sandbox.story.delivery import projects_of
from tieout.sandbox.story.desks import WorkDesk
from tieout.sandbox.story.journal import Journal

_WHERE = "Kantata"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A milestone of a deal's project, by the name that the package gives it."""

    deal: str
    milestone: str
    accepted: date


ACCEPTANCES: Sequence[Acceptance] = (Acceptance("nordwind-check", "Report accepted", accepted=date(2026, 10, 28)),)


class Acceptances:
    """Each entity's lead, at a desk of their own."""

    def __init__(self, firm: KestrelFirm, desks: Mapping[str, WorkDesk], journal: Journal) -> None:
        self._firm = firm
        self._desks = desks
        self._journal = journal

    async def act(self, today: date, entity: str) -> None:
        """What is accepted by a day, and not told yet."""
        lead = self._firm.lead(entity)
        for each in ACCEPTANCES:
            if deal(each.deal).entity != entity or each.accepted > today:
                continue
            key, desk = f"milestone/{each.deal}/{each.milestone}", self._desks[lead.number]
            if self._journal.done(key) is not None:
                continue
            projects = await projects_of(desk, self._firm.entity(entity).currency)
            for project in (one for one in projects if one["title"] == deal(each.deal).name):
                for story in await desk.all("stories", workspace_id=project["id"]):
                    if story["title"] == each.milestone:
                        await desk.change("stories", "story", story["id"], {"state": "completed"})
                        what = f"{each.milestone}, as the customer has accepted it"
                        self._journal.write(key, lead.name, "completed", what, _WHERE, story["id"])
