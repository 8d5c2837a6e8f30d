"""What only a person can know is asked of one: it is there, or it is done again, once, and never by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, cast

import pytest

from tieout.connectors.contract import Claim, Guarantee, Operation, OutcomeUnknown, Receipt, Sink, Write
from tieout.domain.firm import Firm
from tieout.engine.effects import Effects
from tieout.engine.execution import Executor
from tieout.engine.operator import Operator, Refused
from tieout.engine.run import Run, flow
from tieout.store import crosswalk, effects, holds, runs
from tieout.store.database import Tx, rows
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
ANNA = "anna.fischer@kestrel.example"
RUN = "post_bill:BILL-1:1"


@dataclass
class OldLedger:
    """A target of class E, whose answer is lost as often as the test says; what arrived stays there."""

    losses: int = 1
    arrives: bool = True
    bills: list[bytes] = field(default_factory=list[bytes])
    sent: int = 0
    name: str = "erp-us"

    def operation(self, name: str) -> Operation:
        return Operation(name, Guarantee.NONE, "post the bill of", creates="bill", money=Claim.UNTOUCHED, undo="")

    async def prepare(self, write: Write) -> bytes:
        return f"{write.subject} {write.version}".encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        self.sent += 1
        if self.sent <= self.losses:
            if self.arrives:
                self.bills.append(request)
            raise OutcomeUnknown("the line went dead")
        self.bills.append(request)
        return Receipt(f"B-{len(self.bills)}")

    async def find(self, write: Write) -> Receipt | None:
        raise AssertionError("this ledger cannot be asked")


@dataclass
class Desk:
    books: Books
    ledger: OldLedger
    sabotage: frozenset[str] = frozenset()

    @property
    def operator(self) -> Operator:
        return Operator(self.books.database, self.books.now)

    async def post(self) -> None:
        async with self.books.database.transaction() as tx:
            await runs.queue(tx, RUN, flow="post_bill", subject="BILL-1", version="1", lane="b", now=self.books.now())
        await self.work()

    async def work(self) -> None:
        """Executes what is due, hours later, until nothing is."""

        @flow(version=1, title="A bill")
        async def post_bill(run: Run, made: Effects) -> None:
            async def teach(tx: Tx, receipt: Receipt) -> None:
                await crosswalk.link(tx, "invoice", run.subject, "erp-us", receipt.id, self.books.now())

            await made.perform(cast(Sink, self.ledger), Write("bill.post", run.subject, "1", {}), teach)

        executor = Executor(
            self.books.database, self.books.now, lambda: date(2026, 11, 2), [post_bill], lambda made, *_: made,
            lambda: Firm.model_construct(name="Kestrel"), "w", self.sabotage,
        )  # fmt: skip
        for _ in range(4):
            self.books.moment += timedelta(hours=1)
            async with self.books.database.transaction() as tx:
                due = await runs.due(tx, self.books.now(), 50)
            for each in due:
                await executor.execute(each["id"], each["generation"])

    async def hold(self) -> dict[str, Any]:
        (found,) = await self._rows("select * from hold order by id")
        return found

    async def effect(self) -> dict[str, Any]:
        (found,) = await self._rows("select * from effect")
        return found

    async def known(self) -> Sequence[str]:
        return [each["record_id"] for each in await self._rows("select record_id from crosswalk")]

    async def _rows(self, sql: Any) -> list[dict[str, Any]]:
        async with self.books.database.transaction() as tx:
            return await rows(tx, sql)


@pytest.fixture
def desk(books: Books) -> Desk:
    return Desk(books, OldLedger())


async def test_what_is_there_is_taken_for_done_and_taught_to_our_own_books(desk: Desk) -> None:
    await desk.post()
    hold = await desk.hold()
    assert (hold["code"], hold["state"]) == ("target.unknown", "open")
    released = await desk.operator.settle(hold["id"], there=True, record="B-4711", reason="seen it", actor=ANNA)
    assert released.runs == (RUN,)
    await desk.work()
    assert desk.ledger.bills == [b"BILL-1 1"]
    effect = await desk.effect()
    assert (effect["state"], effect["receipt"]["id"], await desk.known()) == ("done", "B-4711", ["B-4711"])
    hold = await desk.hold()
    assert (hold["resolved_by"], hold["resolution"]) == (ANNA, "it is there: B-4711: seen it")
    (entry,) = await desk._rows("select * from audit where action = 'hold.settle'")
    assert (entry["actor"], entry["detail"]["record"]) == (ANNA, "B-4711")


async def test_what_is_not_there_is_sent_again_once_with_the_same_bytes(books: Books) -> None:
    desk = Desk(books, OldLedger(arrives=False))
    await desk.post()
    await desk.operator.settle((await desk.hold())["id"], there=False, actor=ANNA)
    await desk.work()
    assert desk.ledger.bills == [b"BILL-1 1"]
    assert ((await desk.effect())["state"], (await desk.hold())["resolution"]) == (
        "done",
        "it is not there: to be done again",
    )
    assert (await desk.known()) == ["B-1"]


async def test_an_answer_is_for_one_sending_and_the_next_lost_answer_asks_again(books: Books) -> None:
    desk = Desk(books, OldLedger(losses=2, arrives=False))
    await desk.post()
    await desk.operator.settle((await desk.hold())["id"], there=False, actor=ANNA)
    await desk.work()
    hold = await desk.hold()
    assert (desk.ledger.sent, hold["state"], hold["times"]) == (2, "open", 2)
    await desk.operator.settle(hold["id"], there=True, record="B-1", actor=ANNA)
    await desk.work()
    assert (desk.ledger.sent, (await desk.hold())["state"]) == (2, "resolved")


async def test_the_saboteur_that_believes_an_answer_twice_sends_what_may_be_there(books: Books) -> None:
    """The first sending was lost on its way, the second one arrived and its answer was lost."""
    desk = Desk(books, OldLedger(losses=2, arrives=False), frozenset({"believe_twice"}))
    await desk.post()
    await desk.operator.settle((await desk.hold())["id"], there=False, actor=ANNA)
    desk.ledger.arrives = True
    await desk.work()
    assert desk.ledger.bills == [b"BILL-1 1", b"BILL-1 1"], "the saboteur was not caught: one bill, as it must be"


async def test_two_people_who_answer_at_once_have_one_effect(books: Books) -> None:
    desk = Desk(books, OldLedger(arrives=False))
    await desk.post()
    number = (await desk.hold())["id"]
    await desk.operator.settle(number, there=False, actor=ANNA)
    with pytest.raises(Refused, match="answered before"):
        await desk.operator.settle(number, there=False, actor="carlos@kestrel.example")
    await desk.work()
    assert len(desk.ledger.bills) == 1


async def test_nobody_answers_while_a_worker_is_at_it(books: Books) -> None:
    desk = Desk(books, OldLedger(arrives=False))
    await desk.post()
    async with books.database.transaction() as tx:
        await tx.execute("update run set state = 'running'")
    with pytest.raises(Refused, match="answered before: Tieout is on it"):
        await desk.operator.settle((await desk.hold())["id"], there=False, actor=ANNA)


async def test_what_is_not_in_doubt_is_not_answered(desk: Desk) -> None:
    await desk.post()
    number = (await desk.hold())["id"]
    with pytest.raises(Refused, match="which record"):
        await desk.operator.settle(number, there=True, record=" ", actor=ANNA)
    async with desk.books.database.transaction() as tx:
        await effects.settled(tx, (await desk.effect())["key"], "refused", now=desk.books.now())
    with pytest.raises(Refused, match="in doubt any more"):
        await desk.operator.settle(number, there=False, actor=ANNA)
    async with desk.books.database.transaction() as tx:
        await tx.execute("update hold set code = 'run.failed'")
    with pytest.raises(Refused, match="not about an outcome"):
        await desk.operator.settle(number, there=False, actor=ANNA)


async def test_a_hold_in_doubt_shows_who_looks_what_was_sent(desk: Desk) -> None:
    await desk.post()
    facts = (await desk.hold())["facts"]
    assert {"first_sent", "last_sent", "digest"} <= facts.keys()
    async with desk.books.database.transaction() as tx:
        told = await holds.events(tx, (await desk.hold())["id"])
    assert (
        told[0]["what"] == "opened: We do not know whether erp-us did post the bill of BILL-1, and it cannot be asked."
    )
