"""What the verbs of a person share: what they refuse, what they set in motion, and the entry that each leaves in the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tieout.domain.plan import How
from tieout.engine.run import Clock
from tieout.store import audit, holds, messages, plans, runs
from tieout.store.database import Database, Tx
from tieout.store.scope import scope, widen


class Refused(Exception):
    """The verb cannot be carried out; the text says why, for the person who asked."""


class Unknown(Refused):
    """What the verb is about is not there."""


class OwnRequest(Refused):
    """Nobody answers their own request."""


@dataclass(frozen=True, slots=True)
class Released:
    """What a verb set in motion: the runs that begin again; or, when they are many, the plan that waits to be confirmed."""

    runs: tuple[str, ...]
    plan: int | None = None


class Deeds:
    """Verbs on one database; those of a kind stand in a class of their own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def _release(self, tx: Tx, run_ids: list[str], *, finished: bool = False) -> Released:
        released = tuple(
            [each for each in dict.fromkeys(run_ids) if await runs.release(tx, each, self._clock(), finished)]
        )
        await messages.release(tx, released)
        return Released(released)

    async def _plan(
        self, tx: Tx, run_ids: Sequence[str], what: str, *, actor: str, how: How = "as_it_is_now", step: str = "",
        asked: Mapping[str, Any],
    ) -> int:  # fmt: skip
        """The number of a new plan to let these runs begin again, of those that are over. Raises Refused when none is."""
        ready = await self._over(tx, run_ids)
        if not ready:
            raise Refused("Nothing to replay: " + ("it is at work already." if run_ids else "no run fits."))
        await widen(tx)
        if how == "as_it_was" and any(each["firm_version"] is None for each in ready):
            raise Refused("It cannot be replayed as it was: its configuration was not recorded then.")
        plan = await plans.ask(
            tx, [each["id"] for each in ready], asked=asked, what=what, how=how, again=step, actor=actor,
            now=self._clock(),
        )  # fmt: skip
        await self._audit(tx, actor, "plan.ask", f"P-{plan['id']}", {"what": what, "how": how, "runs": len(ready)})
        return int(plan["id"])

    async def _over(self, tx: Tx, run_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Those of the runs that are not at work."""
        known = [await runs.get(tx, each) for each in dict.fromkeys(run_ids)]
        return [each for each in known if each is not None and each["state"] in plans.ENDED]

    async def _did(self, tx: Tx, about: Sequence[Mapping[str, Any]], actor: str, what: str) -> None:
        await holds.act(tx, [each["id"] for each in about], actor, what, self._clock())

    async def _open_hold(self, tx: Tx, hold_id: int) -> dict[str, Any]:
        hold = await holds.get(tx, hold_id)
        if hold is None:
            raise Unknown(f"There is no hold H-{hold_id}.")
        if hold["state"] != "open":
            raise Refused(f"H-{hold_id} was resolved before, by {hold['resolved_by']}: {hold['resolution']}.")
        await widen(tx)
        return hold

    @staticmethod
    async def _for(tx: Tx, entity: str | None) -> None:
        """Goes on for somebody who may act on this legal entity, None being the firm as a whole. Raises Refused."""
        mine = scope()
        if mine is not None and entity not in mine:
            raise Refused(
                f"This is not {' or '.join(sorted(mine))} alone: it takes somebody who sees every legal entity."
            )
        await widen(tx)

    async def _audit(self, tx: Tx, actor: str, action: str, object_: str, detail: Mapping[str, Any]) -> None:
        await audit.append(tx, actor, action, object_, dict(detail), self._clock())


def because(what: str, reason: str) -> str:
    """What was done, and why where somebody said so."""
    return f"{what}: {reason.strip()}" if reason.strip() else what


def question_of(hold: dict[str, Any]) -> str:
    """The name under which the answer to a hold is remembered: its code, and what it is about where it says so."""
    about = hold["facts"].get("about", "")
    return f"{hold['code']}:{about}" if about else str(hold["code"])
