"""Answering in another's place: said by the one who is away, for a time, and never passed on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tieout.domain.access import MAY, who_may
from tieout.engine.deeds import Deeds, OwnRequest, Refused, Unknown
from tieout.store import delegations
from tieout.store.database import Tx
from tieout.store.scope import widen

LONGEST = timedelta(days=366)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


class Delegations(Deeds):
    """Who has the right to answer approvals lends it to somebody for some days; every answer says in whose place it was given."""

    async def delegate(self, to: str, *, first: date, last: date, zone: str, reason: str, actor: str) -> int:
        """The number of a delegation of the actor's own, from the beginning of the first day to the end of the last.

        Days are those of `zone`. Raises Refused with what is wrong.
        """
        to, reason = to.strip().lower(), reason.strip()
        begins, ends = _moment(first, zone), _moment(last + timedelta(days=1), zone)
        now = self._clock()
        if not _EMAIL.fullmatch(to):
            raise Refused("Say to whom: an e-mail address.")
        if to == actor.casefold():
            raise Refused("You cannot stand in for yourself.")
        if not reason:
            raise Refused("Say why: the reason stays in the books.")
        if first > last or ends <= now or ends - begins > LONGEST + timedelta(hours=2):
            raise Refused(f"A delegation ends after it begins, not in the past, and after {LONGEST.days} days at most.")
        async with self._database.transaction() as tx:
            await widen(tx)
            if not await delegations.has_right(tx, actor, sorted(MAY["approval.answer"]), "", now):
                raise Refused(f"{actor} has no right to lend: answering approvals takes {who_may('approval.answer')}.")
            number = await delegations.add(
                tx, owner=actor, delegate=to, begins_at=begins, ends_at=ends, reason=reason, now=now
            )
            said = {"to": to, "first": first, "last": last, "reason": reason}
            await self._audit(tx, actor, "delegation.give", f"D-{number}", said)
            return number

    async def withdraw(self, number: int, *, actor: str) -> None:
        """Ends it now; only who gave it does."""
        async with self._database.transaction() as tx:
            found = await delegations.get(tx, number)
            if found is None:
                raise Unknown(f"There is no delegation D-{number}.")
            if found["owner"].casefold() != actor.casefold():
                raise Refused(f"D-{number} is {found['owner']}'s to withdraw.")
            if found["withdrawn_at"] is not None or found["ends_at"] <= self._clock():
                raise Refused(f"D-{number} is over.")
            await delegations.withdraw(tx, number, self._clock())
            await self._audit(tx, actor, "delegation.withdraw", f"D-{number}", {})


async def stands_in(tx: Tx, asked: Mapping[str, Any], owner: str, delegate: str, now: datetime) -> None:
    """Goes on when somebody may answer this approval in another's place. Raises OwnRequest, or Refused with the reason.

    The other has named exactly them for this moment, and has the right still: nobody passes on what was lent to them.
    """
    if asked["requested_by"].casefold() == owner.casefold():
        raise OwnRequest(f"{owner} asked for this approval; nobody answers it in their place.")
    lent = [each.casefold() for each in await delegations.in_force(tx, delegate, now)]
    if owner.casefold() not in lent:
        raise Refused(f"{owner} has not named you to answer in their place today.")
    if not await delegations.has_right(tx, owner, sorted(MAY["approval.answer"]), asked["entity"], now):
        raise Refused(f"{owner} has no right to answer this any more; it takes {who_may('approval.answer')}.")


def _moment(day: date, zone: str) -> datetime:
    """When a day of a zone begins."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone))
