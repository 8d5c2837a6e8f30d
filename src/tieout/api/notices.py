"""Who is told of what: the rules, how their channels do, and what was said last."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from tieout.api.problem import documented
from tieout.api.shapes import picked
from tieout.api.visit import Reading, Visit
from tieout.domain.notification import NotificationRule
from tieout.store import outbox

_NEWEST = 100


class ChannelState(BaseModel):
    """One channel; `waiting` messages are on their way, `oldest_at` is since when."""

    name: str
    kind: str
    owner: str
    state: Literal["well", "failing", "broken"]
    reason: str = Field(description="Why it fails; empty when it does not")
    failing_since: datetime | None
    not_before: datetime | None = Field(description="When it is tried again")
    last_sent_at: datetime | None
    waiting: int
    sent: int
    oldest_at: datetime | None


class Said(BaseModel):
    """One message. Messages about one cause by one rule are one conversation, counted by `sequence`."""

    rule: str
    channel: str
    cause: str
    reason: Literal["unowned", "promise", "unknown", "silence", "escalated", "digest", "crowd"]
    sequence: int
    event: Literal["opened", "changed", "ended", "digest"]
    title: str
    link: str
    state: Literal["waiting", "sending", "sent", "dropped"]
    attempts: int
    detail: str
    decided_at: datetime
    settled_at: datetime | None


class Notices(BaseModel):
    """The rules of the firm in force, every channel, and the newest messages, the newest first."""

    channels: list[ChannelState]
    rules: list[NotificationRule]
    messages: list[Said]


def routes() -> APIRouter:
    router = APIRouter(prefix="/notices", tags=["notices"], responses=documented(401, 403, 422, 429))
    router.add_api_route("", listed, summary="Notification rules, channels and what was said last")
    return router


async def listed(visit: Annotated[Visit, Depends(Reading("look"))]) -> Notices:
    firm = visit.hub.firm()
    async with visit.hub.database.transaction() as tx:
        states = {each["name"]: each for each in await outbox.channels(tx)}
        said = await outbox.recent(tx, _NEWEST)
    channels = [
        picked(ChannelState, {**outbox.UNUSED, **states.get(name, {}), "name": name, "kind": each.kind, "owner": each.owner})
        for name, each in firm.channels.items()
    ]  # fmt: skip
    return Notices(channels=channels, rules=list(firm.notifications), messages=[picked(Said, each) for each in said])
