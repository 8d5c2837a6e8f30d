"""Replay: a person asks what would happen, sees the plan, and confirms exactly that plan; nothing else begins again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tieout.domain.firm import Firm
from tieout.domain.money import Money
from tieout.domain.plan import How, Sums
from tieout.engine.deeds import Deeds, OwnRequest, Refused, Unknown
from tieout.store import holds, messages, plans, runs
from tieout.store.database import Tx
from tieout.store.scope import widen

_MOST = 1000
_OVER = {
    "moved": "the world has moved since it was made",
    "stopped": "it was stopped",
    "discarded": "it was discarded",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall be replayed: a hold (with `cause` everything that waits for the same reason), several holds, a run (with
    `step` that step once more), the runs of a flow that ended in a span of time, or what an earlier plan has left over."""

    hold: int | None = None
    cause: bool = False
    holds: tuple[int, ...] = ()
    plan: int | None = None
    run: str = ""
    step: str = ""
    flow: str = ""
    since: datetime | None = None
    until: datetime | None = None
    states: tuple[str, ...] = ("held",)
    how: How = "as_it_is_now"


class Replays(Deeds):
    """The verbs on plans, behind console, API and command line; they need the database alone."""

    async def ask(self, wanted: Wanted, *, actor: str) -> int:
        """The number of a new plan, which the hub then makes. Raises Refused when there is nothing to replay."""
        async with self._database.transaction() as tx:
            what, run_ids = await self._chosen(tx, wanted)
            return await self._ask(tx, wanted, what, run_ids, actor)

    async def confirm(self, plan_id: int, *, hash_: str, actor: str, first: int | None = None) -> bool:
        """Lets the plan begin after one more look at the world; with `first` only its first items, to try it.

        False when somebody confirmed it before: two people at once have one effect. Raises Refused when it is another
        plan than the person saw, is not ready, lacks an approval, or is over.
        """
        async with self._database.transaction() as tx:
            plan = await self._locked(tx, plan_id)
            if plan["state"] in ("checking", "running", "done"):
                return False
            if plan["state"] in _OVER:
                raise Refused(f"P-{plan_id} cannot be confirmed: {_OVER[plan['state']]}. Make a new plan.")
            if plan["state"] == "making":
                raise Refused(f"P-{plan_id} is still being made.")
            if plan["hash"] != hash_:
                raise Refused(f"P-{plan_id} is not the plan that you saw: look at it again.")
            if plan["needs_approval"] and not plan["approved_by"]:
                raise Refused(f"P-{plan_id} needs the approval of a second person: {plan['needs_approval']}.")
            count = (await plans.progress(tx, plan_id))["items"]
            if first is not None and first < 1:
                raise Refused("Confirm at least the first document.")
            reach = count if first is None else min(count, first)
            await plans.confirm(tx, plan_id, reach=reach, actor=actor, now=self._clock())
            await self._audit(tx, actor, "plan.confirm", f"P-{plan_id}", {"hash": hash_, "documents": reach})
        return True

    async def approve(self, plan_id: int, *, actor: str) -> None:
        async with self._database.transaction() as tx:
            plan = await self._locked(tx, plan_id)
            if plan["state"] != "open" or not plan["needs_approval"] or plan["approved_by"]:
                raise Refused(f"P-{plan_id} does not wait for an approval.")
            if plan["made_by"].casefold() == actor.casefold():
                raise OwnRequest("You made this plan; somebody else must approve it.")
            await plans.approve(tx, plan_id, actor, self._clock())
            await self._audit(tx, actor, "plan.approve", f"P-{plan_id}", {"hash": plan["hash"]})

    async def stop(self, plan_id: int, *, actor: str) -> int:
        """Takes back what has not begun; how many runs. What is at work comes to its end."""
        async with self._database.transaction() as tx:
            plan = await self._locked(tx, plan_id)
            if plan["state"] not in ("checking", "running"):
                raise Refused(f"P-{plan_id} is not at work.")
            stopped = await plans.stop(tx, plan_id, actor, self._clock())
            for each in stopped:
                await messages.take_back(tx, each, f"plan P-{plan_id} was stopped by {actor}")
            await plans.end(tx, plan_id, "stopped", f"by {actor}", self._clock())
            await self._audit(tx, actor, "plan.stop", f"P-{plan_id}", {"runs": stopped})
        return len(stopped)

    async def discard(self, plan_id: int, *, actor: str) -> None:
        async with self._database.transaction() as tx:
            plan = await self._locked(tx, plan_id)
            if plan["state"] not in ("making", "open"):
                raise Refused(f"P-{plan_id} cannot be discarded: it is {plan['state']}.")
            await plans.end(tx, plan_id, "discarded", f"by {actor}", self._clock())
            await self._audit(tx, actor, "plan.discard", f"P-{plan_id}", {})

    # -- what the verbs share

    async def _chosen(self, tx: Tx, wanted: Wanted) -> tuple[str, list[str]]:
        """What it is about, in words, and the runs."""
        if wanted.hold is not None:
            hold = await holds.get(tx, wanted.hold)
            if hold is None:
                raise Unknown(f"There is no hold H-{wanted.hold}.")
            if hold["state"] != "open":
                raise Refused(f"H-{wanted.hold} was resolved before, by {hold['resolved_by']}: {hold['resolution']}.")
            same = await holds.of_cause(tx, hold["cause"]) if wanted.cause else [hold]
            return f"H-{wanted.hold}" + (" and all with its cause" if wanted.cause else ""), _once(same)
        if wanted.holds:
            picked = await holds.some(tx, wanted.holds)
            if missing := set(wanted.holds) - {each["id"] for each in picked}:
                raise Unknown(f"There is no hold H-{min(missing)}.")
            waiting = [each for each in picked if each["state"] == "open"]
            if not waiting:
                raise Refused("Every one of these holds was resolved before.")
            return _named(waiting), _once(waiting)
        if wanted.plan is not None:
            earlier = await plans.get(tx, wanted.plan)
            if earlier is None:
                raise Unknown(f"There is no plan P-{wanted.plan}.")
            left = [each for each in await plans.items(tx, wanted.plan) if each["state"] not in ("done", "ignored")]
            return earlier["what"], _once(left)
        if wanted.run:
            if await runs.get(tx, wanted.run) is None:
                raise Unknown(f"There is no run {wanted.run!r}.")
            return f"step “{wanted.step}” of {wanted.run}" if wanted.step else wanted.run, [wanted.run]
        if wanted.flow and wanted.since and wanted.until:
            if wanted.since >= wanted.until:
                raise Refused("The span of time ends before it begins.")
            found = await plans.runs_between(tx, wanted.flow, wanted.since, wanted.until, wanted.states, _MOST + 1)
            said = ", ".join(wanted.states)
            return f"{wanted.flow}, {said}, {wanted.since:%Y-%m-%d %H:%M} to {wanted.until:%Y-%m-%d %H:%M}", found
        raise Refused("Say what to replay: holds, a run, or a flow with a span of time.")

    async def _ask(self, tx: Tx, wanted: Wanted, what: str, run_ids: Sequence[str], actor: str) -> int:
        if len(run_ids) > _MOST:
            raise Refused(f"That is more than {_MOST:,} documents: take a shorter span of time.")
        asked = {name: getattr(wanted, name) for name in Wanted.__slots__ if getattr(wanted, name)}
        return await self._plan(tx, run_ids, what, actor=actor, how=wanted.how, step=wanted.step, asked=asked)

    async def _locked(self, tx: Tx, plan_id: int) -> dict[str, Any]:
        plan = await plans.locked(tx, plan_id)
        if plan is None:
            raise Unknown(f"There is no plan P-{plan_id}.")
        await widen(tx)
        return plan


def approval_needed(sums: Sums, firm: Firm) -> str:
    """Why a second person must agree, by the firm's rule; empty when nobody needs to."""
    rule = firm.approvals
    if rule.replay_documents_above is not None and sums.documents > rule.replay_documents_above:
        return f"{sums.documents:,} documents are more than {rule.replay_documents_above:,}"
    for currency, amount in sums.money_now.items():
        limit = rule.replay_amount_above.get(currency)
        if limit is not None and Decimal(amount) > limit:
            return f"{Money(Decimal(amount), currency)} are more than {Money(limit, currency)}"
    return ""


def _named(found: Sequence[Mapping[str, Any]]) -> str:
    """H-20401, H-20402 and 12 more."""
    first = ", ".join(f"H-{each['id']}" for each in found[:3])
    return f"{first} and {len(found) - 3:,} more" if len(found) > 3 else first


def _once(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(each["run_id"] for each in found))
