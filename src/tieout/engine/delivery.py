"""Sends what is in the outbox: each message by one hand, again until it has arrived, and no channel waits for another.

At least once. A message whose answer was lost is sent again under the same id; what that means for the reader is the
channel's to say (`ChannelSpec.promise`). A channel that fails keeps its messages, is left alone for a while, and becomes
a hold of whoever answers for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from tieout.channels.contract import Channel, Partly
from tieout.domain.firm import Firm
from tieout.domain.notices.message import Letter, Message
from tieout.domain.problems import Misconfigured, Problem, Transient
from tieout.engine.notices import BROKEN, Notices
from tieout.engine.run import Clock
from tieout.store import holds, outbox
from tieout.store.database import Database, Tx

log = structlog.get_logger(__name__)

# Longer than any attempt lasts: whoever claimed a message so long ago is gone.
_ABANDONED = timedelta(minutes=5)
# A channel that has failed for so long is not just busy: a person must hear of it.
_BROKEN = timedelta(minutes=15)
# A digest that could not be sent for a day tells of yesterday.
_STALE = timedelta(days=1)
_FIRST, _LONGEST = timedelta(seconds=5), timedelta(hours=1)
# What only a person can put right is tried again seldom, and without anybody saying so.
_REFUSED = timedelta(minutes=15)
_POLL = timedelta(seconds=2)
_FLOW = "notices"


class Deliveries:
    """Works off the outbox of the channels that this process has open.

    `sabotage` brings known bugs back, so that the suite can prove that it would catch them: `no_claim` sends without
    claiming first, `record_first` writes a message down as sent before it is, `fresh_id` gives each attempt its own id.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        firm: Callable[[], Firm],
        channels: Mapping[str, Channel],
        sabotage: frozenset[str] = frozenset(),
    ) -> None:
        self._database = database
        self._clock = clock
        self._firm = firm
        self._channels = channels
        self._sabotage = sabotage

    @property
    def channels(self) -> Sequence[str]:
        return tuple(self._channels)

    async def deliver(self) -> int:
        """Sends through every channel what can be sent now; how many messages arrived."""
        return sum([await self.work_off(each) for each in self._channels])

    async def work_off(self, name: str) -> int:
        """The same for one channel."""
        channel, sent = self._channels[name], 0
        while (claimed := await self._claimed(channel.name)) is not None:
            sent += await self._attempt(channel, claimed)
        return sent

    async def _claimed(self, name: str) -> dict[str, Any] | None:
        now = self._clock()
        async with self._database.transaction() as tx:
            if "no_claim" in self._sabotage:
                return await outbox.peek(tx, name, now)
            claimed = await outbox.claim(tx, name, now, abandoned=now - _ABANDONED)
            if claimed is not None and "record_first" in self._sabotage:
                await outbox.settle(tx, claimed["notice"], claimed["sequence"], "sent", now)
            return claimed

    async def _attempt(self, channel: Channel, claimed: Mapping[str, Any]) -> int:
        """One attempt and what became of it, written down together with how the channel does."""
        letter = self._letter(claimed)
        if letter is None:
            await self._dropped(claimed)
            return 0
        try:
            handle = await channel.send(letter)
        except Partly as partly:
            await self._arrived(channel, claimed, "", str(partly))
        except (Transient, Misconfigured) as wrong:
            await self._failed(channel, claimed, wrong)
            return 0
        except Exception as fault:  # a fault of ours must not stop the other messages
            log.exception("a message could not be sent", channel=channel.name)
            await self._failed(channel, claimed, Transient(f"a fault of Tieout ({type(fault).__name__})"))
            return 0
        else:
            await self._arrived(channel, claimed, handle, "")
        return 1

    def _letter(self, claimed: Mapping[str, Any]) -> Letter | None:
        """None when nobody wants it any more: the rule is gone, or it is the digest of another day."""
        firm = self._firm()
        rule = next((each for each in firm.notifications if each.name == claimed["rule"]), None)
        stale = claimed["reason"] == "digest" and self._clock() - claimed["decided_at"] > _STALE
        if rule is None or stale:
            return None
        thread = claimed["thread"] + (f"{claimed['attempts']}" if "fresh_id" in self._sabotage else "")
        return Letter(
            Message.of(claimed["body"]),
            thread,
            claimed["cause"],
            claimed["sequence"],
            claimed["decided_at"],
            claimed["handle"],
            tuple(firm.recipients(rule)),
        )

    async def _dropped(self, claimed: Mapping[str, Any]) -> None:
        async with self._database.transaction() as tx:
            await outbox.settle(
                tx, claimed["notice"], claimed["sequence"], "dropped", self._clock(), detail="nobody wants it any more"
            )

    async def _arrived(self, channel: Channel, claimed: Mapping[str, Any], handle: str, but: str) -> None:
        now = self._clock()
        async with self._database.transaction() as tx:
            await outbox.channel(tx, channel.name)
            await outbox.settle(tx, claimed["notice"], claimed["sequence"], "sent", now, detail=but, handle=handle)
            await outbox.works(tx, channel.name, now)
            await self._stand(tx, channel.name, [_broken(channel.name, but)] if but else [])

    async def _failed(self, channel: Channel, claimed: Mapping[str, Any], wrong: Transient | Misconfigured) -> None:
        now, reason = self._clock(), str(wrong.args[0])
        async with self._database.transaction() as tx:
            before = await outbox.channel(tx, channel.name)
            await outbox.settle(tx, claimed["notice"], claimed["sequence"], "waiting", now, detail=reason)
            since = before["failing_since"] or now
            broken = isinstance(wrong, Misconfigured) or now - since >= _BROKEN
            wait = _back_off(before["failures"], wrong)
            await outbox.fails(tx, channel.name, "broken" if broken else "failing", reason, now, now + wait)
            if broken and (before["state"], before["reason"]) != ("broken", reason):
                await self._stand(tx, channel.name, [_broken(channel.name, reason)])

    async def _stand(self, tx: Tx, channel: str, problems: list[Problem]) -> None:
        row = {"flow": _FLOW, "subject": channel, "id": "", "entity": None, "engagement": None}
        await holds.open_holds(tx, row, problems, title=channel, amount=None, now=self._clock())


async def notify_forever(notices: Notices, deliveries: Deliveries, *, every: timedelta = timedelta(seconds=15)) -> None:
    """Looks every `every`, and sends soon after; a channel that hangs keeps no other one waiting."""
    async with asyncio.TaskGroup() as work:
        work.create_task(_again_and_again(notices.look, every))
        for each in deliveries.channels:
            work.create_task(_again_and_again(partial(deliveries.work_off, each), _POLL))


async def _again_and_again(act: Callable[[], Awaitable[object]], every: timedelta) -> None:
    while True:
        try:
            await act()
        except Exception:  # the database may be restarting; the loop is what brings the notices back
            log.exception("notices stopped and begin again")
        await asyncio.sleep(every.total_seconds())


def _broken(channel: str, reason: str) -> Problem:
    return Problem(BROKEN, {"system": channel, "reason": reason})


def _back_off(failures: int, wrong: Transient | Misconfigured) -> timedelta:
    """Five seconds, doubled with each failure up to an hour; never before the other side asked for."""
    if isinstance(wrong, Misconfigured):
        return min(_REFUSED * 2 ** min(failures, 3), _LONGEST)
    asked = timedelta(seconds=wrong.after or 0.0)
    return max(min(_FIRST * 2 ** min(failures, 12), _LONGEST), min(asked, _LONGEST))
