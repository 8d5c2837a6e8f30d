"""Decides what is to be said and to whom, from what stands in the books now, and puts it into the outbox.

Not from events: a hold that is open and due is the reason for a notice however it came about, so nothing is missed when
the hub was down, and nothing is said of what is over (docs/decisions/0008).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tieout.channels.contract import Channel
from tieout.domain.firm import Firm
from tieout.domain.notices import decision
from tieout.domain.notices.decision import Said, Standing, word
from tieout.domain.notices.message import Event, Message, thread_name
from tieout.domain.notices.wording import Words
from tieout.domain.notification import NotificationRule
from tieout.engine.run import Clock
from tieout.store import firm as firms
from tieout.store import notices, outbox, watching
from tieout.store.database import Database, Tx

# The problem that a channel which fails becomes.
BROKEN = "connection.misconfigured"
# More causes than these at one moment are told in one message.
_CROWD = 10
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Word:
    """Something to say about a cause: what stands now (None when it is over), and the conversation about it if there is one."""

    event: Event
    standing: Standing | None
    going_on: Mapping[str, Any] | None


class Notices:
    """Looks at the books for every rule. Any number of processes may: one at a time decides.

    `feeds` are the sources that are read, as (connection, kind). `address` is where people reach the console.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        firm: Callable[[], Firm],
        channels: Mapping[str, Channel],
        *,
        feeds: Collection[tuple[str, str]] = (),
        address: str = "",
    ) -> None:
        self._database = database
        self._clock = clock
        self._firm = firm
        self._channels = channels
        self._feeds = feeds
        self._address = address
        self._began = clock()

    async def look(self) -> int:
        """Decides once for every rule; how many messages were put into the outbox."""
        firm, now, said = self._firm(), self._clock(), 0
        async with self._database.transaction() as tx:
            if not await notices.only_one_looks(tx):
                return 0
            await notices.forget_rules_but(tx, [each.name for each in firm.notifications], now)
            await outbox.drop_all_but(tx, list(firm.channels), now)
            for rule in firm.notifications:
                words = Words(firm, self._address, rule)
                said += await self._at_once(tx, rule, words, now)
                said += await self._digest(tx, rule, words, now)
        return said

    async def preview(self) -> list[tuple[NotificationRule, Message]]:
        """What would be said if nothing had been said before and it were every digest's hour. Nothing is written."""
        firm, now, found = self._firm(), self._clock(), list[tuple[NotificationRule, Message]]()
        async with self._database.transaction() as tx:
            for rule in firm.notifications:
                words = Words(firm, self._address, rule)
                urgent = await self._standings(tx, rule, now, ()) if rule.at_once else []
                found += [(rule, words.notice("opened", each, each.reason, now)) for each in urgent if each.reason]
                digest = await self._written_digest(tx, rule, words, now, now) if rule.digest else None
                found += [(rule, digest)] if digest is not None else []
        return found

    # -- at once

    async def _at_once(self, tx: Tx, rule: NotificationRule, words: Words, now: datetime) -> int:
        channel = self._channels.get(rule.channel)
        edits = channel is not None and channel.edits
        known = await notices.going_on(tx, rule.name)
        standings = await self._standings(tx, rule, now, list(known)) if rule.at_once else []
        stand = {each.cause: each for each in standings}
        found: list[_Word] = []
        for cause in [*stand, *(each for each in known if each not in stand)]:
            going_on = known.get(cause)
            event = word(stand.get(cause), _said(going_on) if going_on else None, edits=edits, now=now)
            if event is not None:
                found.append(_Word(event, stand.get(cause), going_on))
        for cause, going_on in known.items():
            if cause not in stand:
                await notices.end(tx, going_on["id"], now)
        crowd = sum(each.event == "opened" for each in found) > _CROWD
        for each in found:
            if each.event == "ended":
                await self._say_over(tx, rule, words, each, now)
            else:
                await self._say(tx, rule, words, each, now, quietly=crowd and each.event == "opened")
        if crowd:
            await self._say_crowd(tx, rule, words, sum(each.event == "opened" for each in found), now)
        return len(found)

    async def _standings(
        self, tx: Tx, rule: NotificationRule, now: datetime, going_on: Sequence[str]
    ) -> list[Standing]:
        """What is urgent for a rule, and what was said before and is not over yet."""
        window = rule.holds.due_within_hours
        soon = timedelta(hours=window) if window is not None else decision.DUE_SOON
        found = await notices.causes(
            tx, rule.holds, now=now, soon=now + soon, promise=now + decision.PROMISE, going_on=going_on
        )
        standings: list[Standing] = []
        for each in found:
            if is_about(each["standing"], rule.channel):
                continue  # a channel cannot tell of its own failure; the rules of other channels do
            reasons = [("promise", each["late"]), ("unowned", each["due_unowned"])]
            reason: Any = next((name for name, true in reasons if true and name in rule.tells), None)
            standings.append(replace(each["standing"], reason=reason))
        if "unknown" in rule.tells:
            standings += await notices.unknown(tx, now - decision.UNKNOWN, rule.holds.entities)
        if "silence" in rule.tells:
            standings += await self._silent(tx, rule, now)
        if "escalated" in rule.tells:
            standings += await notices.escalated(tx, rule.holds, now)
        return standings

    async def _silent(self, tx: Tx, rule: NotificationRule, now: datetime) -> list[Standing]:
        """Sources that should be read and were not. After a start, every source is given the time to be read once."""
        if now - self._began < decision.SILENCE:
            return []
        swept, entities = await watching.swept(tx), rule.holds.entities
        active = {
            each["name"]
            for each in await firms.connections(tx)
            if each["state"] == "active" and (not entities or each["entity"] in (None, *entities))
        }
        silent: dict[str, list[datetime]] = {}
        for connection, kind in self._feeds:
            read = swept.get((connection, kind), self._began)
            if connection in active and now - read >= decision.SILENCE:
                silent.setdefault(connection, []).append(read)
        return [
            Standing(f"silent:{name}", "silence", len(reads), min(reads), facts={"system": name})
            for name, reads in sorted(silent.items())
        ]

    # -- saying it

    async def _say(
        self, tx: Tx, rule: NotificationRule, words: Words, what: _Word, now: datetime, *, quietly: bool
    ) -> None:
        """Remembers what is said and puts it into the outbox; `quietly` it is told with many others."""
        standing, going_on = what.standing, what.going_on
        assert standing is not None
        reason = standing.reason or (going_on["reason"] if going_on else "unowned")
        if going_on is None:
            notice = await notices.begin(
                tx, rule=rule.name, channel=rule.channel, cause=standing.cause,
                thread=thread_name(rule.name, standing.cause, now.isoformat()), reason=reason, count=standing.count,
                amounts=standing.amounts, now=now,
            )  # fmt: skip
        else:
            notice = going_on["id"]
            await notices.go_on(tx, notice, reason=reason, count=standing.count, amounts=standing.amounts, now=now)
        if notice is not None and not quietly:
            await notices.say(tx, notice, rule.channel, words.notice(what.event, standing, reason, now), now)

    async def _say_over(self, tx: Tx, rule: NotificationRule, words: Words, what: _Word, now: datetime) -> None:
        """Only where something was said before; what was never sent needs no end."""
        assert what.going_on is not None
        notice = what.going_on["id"]
        last = await notices.newest_message(tx, notice)
        if last is not None and (last["state"] != "dropped" or last["sequence"] > 1):
            said = Message.of(last["body"])
            await notices.say(tx, notice, rule.channel, words.over(said.title, said.link, said.figures or {}), now)

    async def _say_crowd(self, tx: Tx, rule: NotificationRule, words: Words, number: int, now: datetime) -> None:
        await self._say_once(tx, rule, f"crowd:{now.isoformat()}", "crowd", words.crowd(number), number, now)

    async def _say_once(
        self, tx: Tx, rule: NotificationRule, cause: str, reason: str, message: Message, count: int, now: datetime
    ) -> bool:
        """A conversation of one message; False when it was had before."""
        notice = await notices.begin(
            tx, rule=rule.name, channel=rule.channel, cause=cause, thread=thread_name(rule.name, cause, ""),
            reason=reason, count=count, amounts=(), now=now, ended=True,
        )  # fmt: skip
        if notice is not None:
            await notices.say(tx, notice, rule.channel, message, now)
        return notice is not None

    # -- the digest

    async def _digest(self, tx: Tx, rule: NotificationRule, words: Words, now: datetime) -> int:
        at = rule.digest.newest(now) if rule.digest is not None and rule.cadence != "at_once" else None
        if rule.digest is None or at is None:
            return 0
        message = await self._written_digest(tx, rule, words, at, now)
        if message is None:
            return 0
        count = (message.figures or {}).get("count", 0)
        day = rule.digest.day(at)
        return int(await self._say_once(tx, rule, f"digest:{day}", "digest", message, count, now))

    async def _written_digest(
        self, tx: Tx, rule: NotificationRule, words: Words, at: datetime, now: datetime
    ) -> Message | None:
        """None when nothing waits: silence in the postbox is a good day."""
        assert rule.digest is not None
        found = await notices.causes(tx, rule.holds, now=now, soon=now, promise=now)
        if not found:
            return None
        ended = await notices.ended_since(tx, rule.holds, now - _DAY, now)
        return words.digest([each["standing"] for each in found], ended, rule.digest.day(at))


def is_about(standing: Standing, channel: str) -> bool:
    """Whether it is this channel that fails."""
    return standing.code == BROKEN and standing.facts.get("system") == channel


def _said(notice: Mapping[str, Any]) -> Said:
    return Said(notice["reason"], notice["count"], notices.said_amounts(notice), notice["said_at"])
