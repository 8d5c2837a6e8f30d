"""What a person may make the hub do: decide, fix, replay, ignore, approve, pause. Every verb leaves an audit entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tieout.domain.access import DECIDES, Verb, to_decide
from tieout.domain.firm import Firm
from tieout.domain.values import ANY, ValueRow
from tieout.engine.corrections import Corrections
from tieout.engine.deeds import Deeds, OwnRequest, Refused, Released, Unknown, because, question_of
from tieout.engine.delegations import Delegations, stands_in
from tieout.engine.lending import Lending
from tieout.engine.overrides import Overrides
from tieout.engine.run import Clock
from tieout.engine.talk import Talk
from tieout.engine.usage import Usage
from tieout.store import approvals, effects, firm, holds, messages, routing, runs, unanswered
from tieout.store.database import Database, Tx
from tieout.store.scope import widen

# Holds that a new version of the firm folder may end.
_FIXED_BY_VALUE = ("value.missing", "expense.rate_missing", "expense.entity_differs")
_FIXED_BY_FOLDER = (
    *_FIXED_BY_VALUE, "package.unknown", "time.rate_missing", "time.rate_differs", "expense.category_unknown",
    "expense.receipt_missing", "billing.cap_currency", "billing.payer_unknown",
)  # fmt: skip
# Holds of work above a limit, which name it.
_ABOVE_LIMIT = ("billing.over_cap", "billing.to_write_off")


class Operator(Deeds):
    """The operator verbs behind console, API and command line. `actor` is the signed-in person's name or address.

    What people say to each other about a hold is in `talk`, what they set in the hub in place of a source in `overrides`.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self.talk = Talk(database, clock)
        self.overrides = Overrides(database, clock)
        self.delegations = Delegations(database, clock)
        self.corrections = Corrections(database, clock)
        self.lending = Lending(database, clock)
        self.usage = Usage(database, clock)

    async def ignore(self, hold_id: int, *, reason: str, actor: str) -> None:
        """Ends the wait without doing anything: the document counts as ignored, with the reason."""
        if not reason.strip():
            raise Refused("Say why it is ignored: the reason stays in the books.")
        async with self._database.transaction() as tx:
            hold = await self._open_hold(tx, hold_id)
            now = self._clock()
            await runs.end(tx, hold["run_id"], "ignored", f"{actor}: {reason}", now)
            await messages.give_up(tx, hold["run_id"], f"{actor}: {reason}", now)
            await holds.close_holds(
                tx, hold["flow"], hold["subject"], by=actor, resolution=f"ignored: {reason}", now=now
            )
            await self._audit(tx, actor, "hold.ignore", f"H-{hold_id}", {"reason": reason})

    async def assign(self, hold_id: int, *, assignee: str, actor: str) -> None:
        """Gives a hold to somebody by hand, which no rule overrules; an empty assignee leaves it to the rules again."""
        async with self._database.transaction() as tx:
            await self._open_hold(tx, hold_id)
            await holds.assign(tx, hold_id, assignee.strip(), actor, self._clock())
            await self._audit(tx, actor, "hold.assign", f"H-{hold_id}", {"assignee": assignee.strip()})

    async def snooze(self, hold_id: int, *, actor: str, days: int = 0, until_changed: bool = False) -> None:
        """Puts a hold out of sight for some days, or until its source changes, which has an end too: nothing sleeps for ever."""
        async with self._database.transaction() as tx:
            await self._open_hold(tx, hold_id)
            most = (await routing.rules_in_force(tx)).snooze_days_most
            days = most if until_changed else days
            if not 1 <= days <= most:
                raise Refused(f"A hold can be snoozed for 1 to {most} days.")
            until = self._clock() + timedelta(days=days)
            await holds.snooze(tx, hold_id, until, on_change=until_changed, actor=actor, now=self._clock())
            detail = {"until": until, "until_changed": until_changed}
            await self._audit(tx, actor, "hold.snooze", f"H-{hold_id}", detail)

    async def right_to_decide(self, hold_id: int) -> Verb:
        """The right that it takes to answer this hold: another one where the answer moves money."""
        async with self._database.transaction() as tx:
            return to_decide((await self._open_hold(tx, hold_id))["code"])

    async def decide(self, hold_id: int, *, choice: str, reason: str, actor: str) -> Released:
        """Answers the question that a hold asks and lets its run go on."""
        async with self._database.transaction() as tx:
            hold = await self._open_hold(tx, hold_id)
            if hold["code"] in DECIDES and not reason.strip():
                raise Refused("Say why: the answer moves money, and the reason stays in the books.")
            await holds.decide(
                tx, hold["subject"], question_of(hold), choice, reason=reason, actor=actor, now=self._clock()
            )
            await self._did(tx, [hold], actor, because(f"decided: {choice}", reason))
            await self._audit(tx, actor, "hold.decide", f"H-{hold_id}", {"choice": choice, "reason": reason})
            await holds.end_answered(tx, hold_id, self._clock())
            return await self._release(tx, [hold["run_id"]])

    async def settle(self, hold_id: int, *, there: bool, record: str = "", reason: str = "", actor: str) -> Released:
        """Says of an effect whose outcome nobody could know whether the target has it, after somebody looked.

        `record` is the target's own id of what is there. What is not there is sent again, once, with the bytes of before.
        """
        if there and not record.strip():
            raise Refused("Say which record it is: its id in the target, as the target shows it.")
        async with self._database.transaction() as tx:
            hold = await self._open_hold(tx, hold_id)
            effect = await self._doubt(tx, hold)
            said = {"there": there, "record": record.strip(), "by": actor, "at": self._clock()}
            await effects.answer(tx, effect["key"], said)
            told = f"it is there: {record.strip()}" if there else "it is not there: to be done again"
            await self._did(tx, [hold], actor, because(told, reason))
            detail = {"effect": effect["key"], "there": there, "record": record.strip(), "reason": reason}
            await self._audit(tx, actor, "hold.settle", f"H-{hold_id}", detail)
            return await self._release(tx, [hold["run_id"]])

    async def set_value(self, row: ValueRow, *, four_eyes: bool = False) -> Released:
        """Adds a row to a value table and lets everything go on that waited for it; many documents wait for a plan's word.

        In a table with four eyes the row waits until somebody else has approved it.
        """
        if not row.key.strip() or not row.value.strip():
            raise Refused("A row of a value table needs a key and a value.")
        row = replace(row, key=row.key.strip(), value=row.value.strip())
        async with self._database.transaction() as tx:
            await self._for(tx, None if row.entity == ANY else row.entity)
            await firm.set_value(tx, row, now=self._clock(), waiting=four_eyes)
            return Released(()) if four_eyes else await self._value_arrived(tx, row, row.author)

    async def approve_value(self, row_id: int, *, actor: str) -> Released:
        async with self._database.transaction() as tx:
            row = await firm.waiting_value(tx, row_id)
            if row is None:
                raise Unknown(f"No row {row_id} waits for approval.")
            if row.author == actor:
                raise OwnRequest("Somebody else must approve your own row: the table has four eyes.")
            await self._for(tx, None if row.entity == ANY else row.entity)
            await firm.approve_value(tx, row_id, actor, self._clock())
            return await self._value_arrived(tx, row, actor)

    async def answer_approval(
        self, approval_id: int, *, approve: bool, actor: str, reason: str = "", on_behalf_of: str = ""
    ) -> Released:
        """Approves or rejects terms; never one's own request, and a rejection says why.

        With `on_behalf_of` it is given in the place of somebody who has named the actor for now, and says so.
        """
        behind = on_behalf_of.strip().lower()
        if not approve and not reason.strip():
            raise Refused("Say why it is rejected: the requester reads it.")
        async with self._database.transaction() as tx:
            asked = await holds.approval(tx, approval_id)
            if asked is None:
                raise Unknown(f"There is no approval A-{approval_id}.")
            await widen(tx)
            if asked["requested_by"].casefold() == actor.casefold():
                raise OwnRequest("You asked for this approval; somebody else must answer it.")
            if behind:
                await stands_in(tx, asked, behind, actor, self._clock())
            team = asked["members"]
            if team is not None and not {actor.casefold(), behind} & set(team):
                raise Refused(f"A-{approval_id} is for {', '.join(team)} to answer.")
            for who in (actor, behind) if approve else ():
                if who and await approvals.accepted_by(tx, asked, who):
                    said = "You have" if who == actor else f"{who} has"
                    raise OwnRequest(
                        f"{said} accepted these terms already; the other approval is somebody else's to give."
                    )
            state = "approved" if approve else "rejected"
            behalf = {"on_behalf_of": behind} if behind else {}
            place = f" in the place of {behind}" if behind else ""
            if not await holds.answer_approval(
                tx, approval_id, state, actor=actor, reason=reason, now=self._clock(), on_behalf_of=behind
            ):
                raise Refused(f"A-{approval_id} was answered before, by {asked['decided_by']}.")
            await self._audit(tx, actor, f"approval.{state}", f"A-{approval_id}", {"reason": reason, **behalf})
            waiting = await holds.of_subject(tx, asked["flow"], asked["subject"])
            await self._did(tx, waiting, actor, because(f"A-{approval_id} {state}{place}", reason))
            return await self._release(tx, await runs.waiting_for(tx, asked["flow"], asked["subject"]))

    async def pause(self, connection: str, *, reason: str, actor: str) -> None:
        async with self._database.transaction() as tx:
            await self._known(tx, connection)
            await firm.set_connection_state(tx, connection, "paused", reason)
            await self._audit(tx, actor, "connection.pause", connection, {"reason": reason})

    async def resume(self, connection: str, *, actor: str) -> Released:
        """Opens a paused connection again and lets everything go on that its failure had stopped."""
        async with self._database.transaction() as tx:
            await self._known(tx, connection)
            await firm.set_connection_state(tx, connection, "active", "")
            await self._audit(tx, actor, "connection.resume", connection, {})
            stopped = await holds.of_code(tx, "connection.misconfigured", {"system": connection})
            await self._did(tx, stopped, actor, f"{connection} resumed")
            return await self._release(tx, [each["run_id"] for each in stopped])

    async def apply_firm(self, wanted: Firm, *, actor: str) -> int | None:
        """Makes the firm folder's content the one in force and lets go on what waited for it; None when it is already."""
        now = self._clock()
        async with self._database.transaction() as tx:
            before = await firm.current(tx)
            version = await firm.apply(
                tx,
                content=wanted.model_dump(mode="json"),
                entities=[(each.code, each.name, each.currency) for each in wanted.entities],
                connections=[(name, each.kind, each.role, each.entity) for name, each in wanted.connections.items()],
                actor=actor,
                now=now,
            )
            await firm.ship_values(tx, wanted.shipped_rows(actor), now)
            await routing.apply(tx, now=now)
            await unanswered.mind(tx, now)
            for code in _FIXED_BY_FOLDER:
                waiting = await holds.of_code(tx, code, {})
                if version is not None:
                    await self._did(tx, waiting, actor, f"firm folder applied as version {version}")
                await self._release(tx, [each["run_id"] for each in waiting], finished=True)
            await self._limits_changed(tx, before["content"] if before else {}, wanted, actor)
        return version

    # -- what the verbs share

    async def _limits_changed(self, tx: Tx, before: Mapping[str, Any], wanted: Firm, actor: str) -> None:
        """Lets go on what waits above a limit of the folder that is another one now, or none."""
        were = {each["name"]: each for each in before.get("caps") or ()}
        are = {each.name: each.model_dump(mode="json") for each in wanted.caps}
        for name in sorted(were):
            if are.get(name) == were[name]:
                continue
            waiting = [hold for code in _ABOVE_LIMIT for hold in await holds.of_code(tx, code, {"about": name})]
            await self._did(tx, waiting, actor, f"the limit “{name}” {'changed' if name in are else 'was removed'}")
            await self._release(tx, [each["run_id"] for each in waiting], finished=True)

    async def _value_arrived(self, tx: Tx, row: ValueRow, actor: str) -> Released:
        """`actor` is who put the row in force: its author, or the second pair of eyes."""
        waiting = [hold for code in _FIXED_BY_VALUE for hold in await holds.of_code(tx, code, {"table": row.table})]
        freed = [
            each
            for each in waiting
            if each["facts"]["value"].strip().casefold() == row.key.strip().casefold()
            and row.entity in (ANY, each["facts"]["entity"])
        ]
        what = f"{row.table} {row.key} = {row.value}"
        await self._did(tx, freed, actor, what)
        waiting = [each["id"] for each in await self._over(tx, [each["run_id"] for each in freed])]
        if len(waiting) <= (await routing.rules_in_force(tx)).plan_above:
            # A page that is over has left its holds behind: it is judged again.
            return await self._release(tx, waiting, finished=True)
        return Released((), await self._plan(tx, waiting, what, actor=actor, asked={"value": row.key}))

    async def _doubt(self, tx: Tx, hold: Mapping[str, Any]) -> Mapping[str, Any]:
        """The effect that a hold is in doubt about, while nobody is at work on it."""
        if hold["code"] != "target.unknown":
            raise Refused(f"H-{hold['id']} is not about an outcome that nobody knows.")
        run = await runs.get(tx, hold["run_id"], lock=True)
        if run is None or run["state"] != "held":
            raise Refused(f"H-{hold['id']} was answered before: Tieout is on it.")
        facts = hold["facts"]
        effect = await effects.in_doubt(tx, facts["system"], facts["subject"], facts.get("digest", ""))
        if effect is None:
            raise Refused(f"Nothing of H-{hold['id']} is in doubt any more; replay it.")
        return effect

    async def _known(self, tx: Tx, connection: str) -> None:
        known = {each["name"]: each["entity"] for each in await firm.connections(tx)}
        if connection not in known:
            raise Unknown(f"There is no connection {connection!r}; there are {', '.join(known)}.")
        await self._for(tx, known[connection])
