"""A replay is planned without moving anything, confirmed as it was seen, and does that and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tieout.connectors.contract import Claim, Guarantee, Operation, OutcomeUnknown, Receipt, Write
from tieout.domain.firm import Firm
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.values import ValueRow
from tieout.engine.effects import Effects
from tieout.engine.execution import Executor
from tieout.engine.operator import Operator, OwnRequest, Refused, Unknown
from tieout.engine.planner import Planner
from tieout.engine.rehearsal import Rehearser
from tieout.engine.replay import Replays, Wanted
from tieout.engine.run import Run, flow
from tieout.folder.loading import load
from tieout.store import firm, plans, runs
from tieout.store.database import Database, rows
from tieout.systems.register import Register
from tieout.testing.hand import work_off

pytestmark = pytest.mark.anyio

KESTREL = Path(__file__).parents[2] / "src" / "tieout" / "sandbox" / "firm" / "kestrel"
PRACTICE = "Quantum & Mead"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@dataclass
class Shelf:
    """A target system: notes are made under our key and told about as often as one likes."""

    name: str = "erp-us"
    notes: dict[str, Any] = field(default_factory=dict[str, Any])
    told: list[str] = field(default_factory=list[str])
    silent: bool = False

    def operation(self, name: str) -> Operation:
        return {
            "note.create": Operation(
                "note.create", Guarantee.UNIQUE, "create the note", creates="note", money=Claim.DRAFTED, undo=""
            ),
            "note.tell": Operation(
                "note.tell",
                Guarantee.UPSERT,
                "tell of the note",
                creates="",
                money=Claim.UNTOUCHED,
                undo="tell the earlier state",
            ),
        }[name]

    async def prepare(self, write: Write) -> bytes:
        return f"{write.subject}\n{write.body}".encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        subject = request.decode().partition("\n")[0]
        if self.silent:
            raise OutcomeUnknown("no answer")
        if operation == "note.create":
            self.notes[subject] = request
        else:
            self.told.append(subject)
        return Receipt(f"id of {subject}", answer={"pages": 2})

    async def find(self, write: Write) -> Receipt | None:
        return Receipt(f"id of {write.subject}") if write.subject in self.notes else None


@dataclass
class Systems:
    effects: Effects
    register: Register
    shelf: Shelf
    firm: Firm


@flow(version=1, title="A deal becomes a note")
async def note(run: Run, systems: Systems) -> None:
    await run.about(title=f"note {run.subject}", entity="US", amount=Money(Decimal("1200.00"), "USD"))
    tables = await systems.register.value_tables()
    row = tables.look_up("practice_department", PRACTICE, entity="US", on=run.today())
    if row is None:
        facts = {"table": "practice_department", "value": PRACTICE, "entity": "US", "purpose": "department"}
        await run.hold([Problem("value.missing", facts)])
        return
    made = await run.step("make it", systems.effects.perform, systems.shelf, _write(run, row.value))
    body = {"department": row.value}
    await run.step("tell", systems.effects.keep, systems.shelf, "note.tell", run.subject, body, {"record": made.id})


@flow(version=1, title="Asks what the target made of it")
async def curious(run: Run, systems: Systems) -> None:
    made = await systems.effects.perform(systems.shelf, _write(run, "x"))
    if made.answer["pages"] > 1:
        await systems.effects.perform(systems.shelf, Write("note.create", run.subject + "/2", "1", {}))


@flow(version=1, title="Cannot go well")
async def broken(run: Run, systems: Systems) -> None:
    raise ZeroDivisionError("a fault of ours")


def _write(run: Run, department: str) -> Write:
    return Write("note.create", run.subject, "1", {"department": department})


@dataclass
class Desk:
    """A hub of one flow, worked by hand."""

    database: Database
    shelf: Shelf = field(default_factory=Shelf)
    moment: datetime = NOON
    firm: Firm = field(default_factory=lambda: load(KESTREL))
    sabotage: frozenset[str] = frozenset()
    rehearsed: list[str] = field(default_factory=list[str])

    def clock(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def _systems(self, effects: Effects, database: Database, configuration: Any) -> Systems:
        register = Register(database, self.clock, values_at=configuration.values_at)
        return Systems(effects, register, self.shelf, configuration.firm)

    @property
    def executor(self) -> Executor:
        return Executor(
            self.database, self.clock, lambda: date(2026, 11, 2), [note, curious, broken], self._systems,
            lambda: self.firm, "w", self.sabotage,
        )  # fmt: skip

    @property
    def rounds(self) -> Any:
        return None

    @property
    def replays(self) -> Replays:
        return Replays(self.database, self.clock)

    @property
    def planner(self) -> Planner:
        rehearser = Rehearser(
            self.database, self.clock, lambda: date(2026, 11, 2), [note, curious, broken], self._systems
        )
        return Planner(self.database, self.clock, lambda: self.firm, rehearser)

    async def begin(self, *subjects: str, flow: str = "note") -> None:
        async with self.database.transaction() as tx:
            for each in subjects:
                await runs.queue(
                    tx, f"{flow}:{each}:1", flow=flow, subject=each, version="1", lane=each, now=self.clock()
                )
        await work_off(self)

    async def say(self, department: str) -> None:
        """A row of the value table that lets nothing go by itself: it came with a restore, or before the hold."""
        row = ValueRow("practice_department", PRACTICE, department, "US", date(2026, 1, 1), "anna")
        async with self.database.transaction() as tx:
            await firm.set_value(tx, row, now=self.clock())

    async def plan(self, **wanted: Any) -> dict[str, Any]:
        number = await self.replays.ask(Wanted(**wanted), actor="anna")
        await self.planner.work()
        return await self.of(number)

    async def of(self, number: int) -> dict[str, Any]:
        async with self.database.transaction() as tx:
            found = await plans.get(tx, number)
            assert found is not None
            return {**found, "items": await plans.items(tx, number), "progress": await plans.progress(tx, number)}

    async def confirm(self, plan: Mapping[str, Any], **more: Any) -> bool:
        return await self.replays.confirm(plan["id"], hash_=plan["hash"], actor="bob", **more)

    async def finish(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Looks once more, works off what was released, and writes down what became of it."""
        await self.planner.work()
        await work_off(self)
        await self.planner.work()
        return await self.of(plan["id"])

    async def states(self) -> dict[str, str]:
        async with self.database.transaction() as tx:
            return {
                each["subject"]: each["state"] for each in await rows(tx, "select subject, state from run order by id")
            }

    async def hold(self) -> int:
        async with self.database.transaction() as tx:
            (first, *_) = await rows(tx, "select id from hold where state = 'open' order by id")
        return int(first["id"])


@pytest.fixture
async def desk(database: Database) -> Desk:
    desk = Desk(database)
    await Operator(database, desk.clock).apply_firm(desk.firm, actor="setup")
    return desk


# -- planning


async def test_a_plan_says_what_would_happen_and_moves_nothing(desk: Desk) -> None:
    await desk.begin("a", "b", "c")
    await desk.say("470")
    plan = await desk.plan(hold=await desk.hold(), cause=True)
    assert (plan["state"], plan["what"]) == ("open", f"H-{await desk.hold()} and all with its cause")
    sums = plan["sums"]
    assert sums["lines"] == {"create|erp-us|create the note": 3, "update|erp-us|tell of the note": 3}
    assert sums["irreversible"] == {"erp-us|create the note": 3}
    assert (sums["money_now"], sums["unblocks"]) == ({"USD": "3600.00"}, {"USD": "3600.00"})
    assert sums["ends"] == {"done": 3}
    assert sums["guarantees"] == {"B": 3, "C": 3}
    assert sums["seconds"] > 0
    assert desk.shelf.notes == {}
    assert desk.shelf.told == []
    async with desk.database.transaction() as tx:
        assert await rows(tx, "select 1 from effect") == []
    assert set((await desk.states()).values()) == {"held"}


async def test_a_plan_says_what_would_still_wait(desk: Desk) -> None:
    await desk.begin("a")
    plan = await desk.plan(run="note:a:1")
    assert plan["sums"]["ends"] == {"held": 1}
    assert plan["items"][0]["content"]["problems"] == [
        f"value.missing: practice_department knows no value for “{PRACTICE}” in US."
    ]


async def test_what_depends_on_a_targets_answer_is_not_made_up(desk: Desk) -> None:
    await desk.begin("a", flow="curious")
    async with desk.database.transaction() as tx:
        await tx.execute("delete from effect")
    content = (await desk.plan(run="curious:a:1"))["items"][0]["content"]
    assert content["end"] == "open"
    assert content["why"] == "what the target makes of it (pages) decides what comes next"
    assert [each["act"] for each in content["writes"]] == ["create"]


async def test_a_fault_of_ours_is_told_in_the_plan(desk: Desk) -> None:
    await desk.begin("a", flow="broken")
    async with desk.database.transaction() as tx:
        await tx.execute("update run set state = 'held'")
    assert (await desk.plan(run="broken:a:1"))["items"][0]["content"]["why"] == "ZeroDivisionError: a fault of ours"


async def test_an_unknown_outcome_is_asked_about_first(desk: Desk) -> None:
    await desk.say("470")
    desk.shelf.silent = True
    await desk.begin("a")
    async with desk.database.transaction() as tx:
        await tx.execute("update run set state = 'held'")
    assert (await desk.plan(run="note:a:1"))["items"][0]["content"]["writes"][0]["act"] == "ask"


async def test_a_paused_system_is_seen_in_the_plan(desk: Desk) -> None:
    await desk.begin("a")
    await desk.say("470")
    async with desk.database.transaction() as tx:
        await firm.set_connection_state(tx, "erp-us", "paused", "upgrade")
    content = (await desk.plan(run="note:a:1"))["items"][0]["content"]
    assert (content["end"], content["why"]) == ("later", "erp-us is paused")


async def test_a_planner_that_dies_goes_on_where_it_was(desk: Desk) -> None:
    await desk.begin("a", "b")
    await desk.say("470")
    number = await desk.replays.ask(Wanted(hold=await desk.hold(), cause=True), actor="anna")
    await desk.planner.work()
    async with desk.database.transaction() as tx:
        await tx.execute("update plan set state = 'making', hash = ''")
        await tx.execute("update plan_item set content = null where position = 2")
    before = (await desk.of(number))["items"][0]["content"]
    await desk.planner.work()
    plan = await desk.of(number)
    assert plan["state"] == "open"
    assert plan["items"][0]["content"] == before
    assert plan["sums"]["documents"] == 2


# -- confirming


async def test_what_was_confirmed_happens_once(desk: Desk) -> None:
    await desk.begin("a", "b", "c")
    await desk.say("470")
    plan = await desk.plan(hold=await desk.hold(), cause=True)
    assert await desk.confirm(plan)
    done = await desk.finish(plan)
    assert (done["state"], done["progress"]["done"]) == ("done", 3)
    assert sorted(desk.shelf.notes) == ["a", "b", "c"]
    assert not await desk.confirm(plan)
    await desk.finish(plan)
    assert sorted(desk.shelf.told) == ["a", "b", "c"]


async def test_a_row_that_frees_many_documents_makes_one_plan_and_whoever_confirms_it_has_ended_the_holds(
    desk: Desk,
) -> None:
    many = [f"d{number:02}" for number in range(11)]
    await desk.begin(*many)
    row = ValueRow("practice_department", PRACTICE, "470", "US", date(2026, 1, 1), "anna")
    released = await Operator(desk.database, desk.clock).set_value(row)
    assert released.runs == ()
    assert released.plan is not None
    assert set((await desk.states()).values()) == {"held"}
    await desk.planner.work()
    plan = await desk.of(released.plan)
    assert (plan["made_by"], plan["what"]) == ("anna", f"practice_department {PRACTICE} = 470")
    assert await desk.confirm(plan)
    await desk.finish(plan)
    assert sorted(desk.shelf.notes) == many
    async with desk.database.transaction() as tx:
        ended = await rows(tx, "select distinct state, resolved_by, resolution from hold")
    why = f"replayed with P-{plan['id']}: {plan['what']}"
    assert ended == [{"state": "resolved", "resolved_by": "bob", "resolution": why}]


async def test_a_second_row_is_written_while_what_the_first_one_freed_is_at_work(desk: Desk) -> None:
    await desk.begin(*(f"d{number:02}" for number in range(11)))
    async with desk.database.transaction() as tx:
        await tx.execute("update run set state = 'queued'")
    row = ValueRow("practice_department", PRACTICE, "470", "US", date(2026, 1, 1), "anna")
    released = await Operator(desk.database, desk.clock).set_value(row)
    assert (released.runs, released.plan) == ((), None)
    async with desk.database.transaction() as tx:
        known = await firm.values(tx, "practice_department")
    assert [each.value for each in known if each.key == PRACTICE] == ["470"]


async def test_a_row_that_frees_few_documents_lets_them_go_on_at_once(desk: Desk) -> None:
    await desk.begin("a", "b")
    row = ValueRow("practice_department", PRACTICE, "470", "US", date(2026, 1, 1), "anna")
    released = await Operator(desk.database, desk.clock).set_value(row)
    assert (len(released.runs), released.plan) == (2, None)


async def test_two_people_who_confirm_at_once_have_one_effect(desk: Desk) -> None:
    await desk.begin("a", "b")
    await desk.say("470")
    plan = await desk.plan(hold=await desk.hold(), cause=True)
    answers = await asyncio.gather(*(desk.confirm(plan) for _ in range(5)))
    assert sorted(answers) == [False, False, False, False, True]
    await desk.finish(plan)
    assert sorted(desk.shelf.told) == ["a", "b"]


async def test_a_plan_that_the_person_did_not_see_is_not_confirmed(desk: Desk) -> None:
    await desk.begin("a")
    await desk.say("470")
    plan = await desk.plan(run="note:a:1")
    with pytest.raises(Refused, match="not the plan that you saw"):
        await desk.confirm({**plan, "hash": "another"})


async def test_when_the_world_has_moved_nothing_begins(desk: Desk) -> None:
    await desk.begin("a", "b")
    await desk.say("470")
    plan = await desk.plan(hold=await desk.hold(), cause=True)
    await desk.say("480")
    assert await desk.confirm(plan)
    moved = await desk.finish(plan)
    assert moved["state"] == "moved"
    assert "note.create a in erp-us is not what the plan shows any more" in moved["reason"]
    assert desk.shelf.notes == {}
    assert set((await desk.states()).values()) == {"held"}
    with pytest.raises(Refused, match="the world has moved since it was made"):
        await desk.confirm(plan)


async def test_an_end_that_would_be_another_is_a_world_that_moved(desk: Desk) -> None:
    await desk.begin("a")
    await desk.say("470")
    plan = await desk.plan(run="note:a:1")
    async with desk.database.transaction() as tx:
        await tx.execute("delete from value_row where key = %s", (PRACTICE,))
    await desk.confirm(plan)
    assert "it would end as held, not as done" in (await desk.finish(plan))["reason"]


async def moved_while_it_began(desk: Desk) -> dict[str, Any]:
    """The value changes after the last look and before the run acts."""
    await desk.begin("a")
    await desk.say("470")
    plan = await desk.plan(run="note:a:1")
    await desk.confirm(plan)
    await desk.planner.work()
    await desk.say("480")
    await work_off(desk)
    await desk.planner.work()
    return await desk.of(plan["id"])


async def test_a_run_never_writes_what_its_plan_did_not_show(desk: Desk) -> None:
    plan = await moved_while_it_began(desk)
    assert desk.shelf.notes == {}
    assert plan["items"][0]["state"] == "held"
    async with desk.database.transaction() as tx:
        (hold,) = await rows(tx, "select code, facts from hold where state = 'open'")
    assert (hold["code"], hold["facts"]["plan"]) == ("plan.moved", f"P-{plan['id']}")


async def test_saboteur_a_run_that_forgets_its_plan_writes_something_else(desk: Desk) -> None:
    desk.sabotage = frozenset({"beyond_plan"})
    await moved_while_it_began(desk)
    assert b"480" in desk.shelf.notes["a"]


async def test_a_later_replay_is_not_bound_to_an_old_plan(desk: Desk) -> None:
    await moved_while_it_began(desk)
    plan = await desk.plan(run="note:a:1")
    await desk.confirm(plan)
    assert (await desk.finish(plan))["state"] == "done"
    assert b"480" in desk.shelf.notes["a"]


async def test_the_first_one_is_tried_before_the_rest(desk: Desk) -> None:
    await desk.begin("a", "b", "c")
    await desk.say("470")
    plan = await desk.plan(hold=await desk.hold(), cause=True)
    await desk.confirm(plan, first=1)
    tried = await desk.finish(plan)
    assert (tried["state"], list(desk.shelf.notes)) == ("open", ["a"])
    await desk.confirm(plan)
    assert (await desk.finish(plan))["state"] == "done"
    assert sorted(desk.shelf.told) == ["a", "b", "c"]


async def test_what_has_not_begun_is_stopped(desk: Desk) -> None:
    await desk.begin("a", "b", "c")
    await desk.say("470")
    plan = await desk.plan(hold=await desk.hold(), cause=True)
    await desk.confirm(plan)
    await desk.planner.work()
    async with desk.database.transaction() as tx:
        generation = (await runs.get(tx, "note:b:1") or {})["generation"]
    await desk.executor.execute("note:b:1", generation)
    assert await desk.replays.stop(plan["id"], actor="anna") == 2
    await work_off(desk)
    assert list(desk.shelf.notes) == ["b"]
    assert await desk.states() == {"a": "held", "b": "done", "c": "held"}
    with pytest.raises(Refused, match="is not at work"):
        await desk.replays.stop(plan["id"], actor="anna")


# -- a second person


async def test_a_large_replay_needs_a_second_person(desk: Desk) -> None:
    rule = desk.firm.approvals.model_copy(update={"replay_documents_above": 1})
    desk.firm = desk.firm.model_copy(update={"approvals": rule})
    await desk.begin("a", "b")
    await desk.say("470")
    plan = await desk.plan(hold=await desk.hold(), cause=True)
    assert plan["needs_approval"] == "2 documents are more than 1"
    with pytest.raises(Refused, match="needs the approval of a second person"):
        await desk.confirm(plan)
    with pytest.raises(OwnRequest):
        await desk.replays.approve(plan["id"], actor="Anna")
    async with desk.database.transaction() as tx:
        with pytest.raises(psycopg.errors.CheckViolation):
            await plans.approve(tx, plan["id"], "anna", NOON)
    await desk.replays.approve(plan["id"], actor="carl")
    await desk.confirm(plan)
    assert (await desk.finish(plan))["state"] == "done"


async def test_a_replay_that_moves_much_money_needs_a_second_person(desk: Desk) -> None:
    rule = desk.firm.approvals.model_copy(update={"replay_amount_above": {"USD": Decimal(1000)}})
    desk.firm = desk.firm.model_copy(update={"approvals": rule})
    await desk.begin("a")
    await desk.say("470")
    assert (await desk.plan(run="note:a:1"))["needs_approval"] == "1,200.00 USD are more than 1,000.00 USD"


# -- as it was, and one step again


async def test_as_it_was_and_as_it_is_now_are_told_apart(desk: Desk) -> None:
    await desk.say("470")
    await desk.begin("a")
    await desk.say("480")
    then = await desk.plan(run="note:a:1", how="as_it_was")
    assert then["sums"]["writes"] == {"skip": 2}
    assert then["items"][0]["content"]["differs"] == [
        "it would create the note a in erp-us with another content than today's configuration",
        "it would tell of the note a in erp-us with another content than today's configuration",
    ]
    now = await desk.plan(run="note:a:1")
    assert now["sums"]["writes"] == {"skip": 1, "update": 1}
    await desk.confirm(then)
    assert (await desk.finish(then))["state"] == "done"
    assert desk.shelf.told == ["a"]


async def test_a_held_run_is_replayed_as_it_was_with_the_tables_of_that_time(desk: Desk) -> None:
    await desk.begin("a")
    await desk.say("470")
    then = await desk.plan(run="note:a:1", how="as_it_was")
    assert then["sums"]["ends"] == {"held": 1}
    assert "it would end as held, and as done with today's configuration" in then["items"][0]["content"]["differs"]
    await desk.confirm(then)
    await desk.finish(then)
    assert await desk.states() == {"a": "held"}


async def test_a_run_from_before_this_was_recorded_is_not_replayed_as_it_was(desk: Desk) -> None:
    await desk.begin("a")
    async with desk.database.transaction() as tx:
        await tx.execute("update run set firm_version = null")
    with pytest.raises(Refused, match="its configuration was not recorded"):
        await desk.replays.ask(Wanted(run="note:a:1", how="as_it_was"), actor="anna")


async def test_one_step_is_done_once_more_where_that_makes_no_second(desk: Desk) -> None:
    await desk.say("470")
    await desk.begin("a")
    first = desk.shelf.notes["a"]
    plan = await desk.plan(run="note:a:1", step="tell")
    assert plan["sums"]["writes"] == {"skip": 1, "update": 1}
    await desk.confirm(plan)
    assert (await desk.finish(plan))["state"] == "done"
    assert desk.shelf.told == ["a", "a"]
    assert desk.shelf.notes["a"] is first
    plan = await desk.plan(run="note:a:1", step="make it")
    assert plan["sums"]["writes"] == {"skip": 2}


# -- asking


async def test_runs_of_a_span_of_time(desk: Desk) -> None:
    await desk.begin("a", "b")
    between = desk.clock()
    await desk.begin("c")
    await desk.say("470")
    plan = await desk.plan(flow="note", since=NOON, until=between)
    assert [each["run_id"] for each in plan["items"]] == ["note:a:1", "note:b:1"]
    with pytest.raises(Refused, match="ends before it begins"):
        await desk.replays.ask(Wanted(flow="note", since=between, until=NOON), actor="anna")
    with pytest.raises(Refused, match="no run fits"):
        await desk.replays.ask(Wanted(flow="other", since=NOON, until=between), actor="anna")


async def test_what_cannot_be_planned_is_refused(desk: Desk) -> None:
    for wanted, error in (
        (Wanted(hold=1), Unknown),
        (Wanted(run="nothing"), Unknown),
        (Wanted(), Refused),
    ):
        with pytest.raises(error):
            await desk.replays.ask(wanted, actor="anna")
    async with desk.database.transaction() as tx:
        await runs.queue(tx, "note:z:1", flow="note", subject="z", version="1", lane="z", now=NOON)
    with pytest.raises(Refused, match="it is at work already"):
        await desk.replays.ask(Wanted(run="note:z:1"), actor="anna")
    with pytest.raises(Unknown):
        await desk.replays.discard(1, actor="anna")


async def test_a_plan_that_nobody_wants_is_discarded(desk: Desk) -> None:
    await desk.begin("a")
    plan = await desk.plan(run="note:a:1")
    await desk.replays.discard(plan["id"], actor="anna")
    with pytest.raises(Refused, match="it was discarded"):
        await desk.confirm(plan)
    with pytest.raises(Refused):
        await desk.replays.discard(plan["id"], actor="anna")
