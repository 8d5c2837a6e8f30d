"""A wait that ended because a person did something says so, and by whom; one that the source ended says that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from tieout.domain.firm import ConnectionSettings, Firm, LegalEntity
from tieout.domain.problems import Problem
from tieout.domain.values import ValueRow
from tieout.engine.execution import Executor
from tieout.engine.operator import Operator
from tieout.engine.run import Run, flow
from tieout.store import runs
from tieout.store.database import row, rows
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
ANNA, CARLOS = "anna.fischer@kestrel.example", "carlos.mendes@kestrel.example"
NO_DEPARTMENT = Problem(
    "value.missing",
    {"table": "practice_department", "value": "People & Change", "entity": "US", "purpose": "department"},
)
NO_PACKAGE = Problem("package.unknown", {"package": "X", "deal": "Globex", "link": ""})
PEOPLE = ValueRow("practice_department", "People & Change", "440", author=ANNA, valid_from=date(2026, 1, 1))
FIRM = Firm(
    name="Kestrel",
    entities=(LegalEntity(code="US", name="Kestrel Inc.", currency="USD"),),
    connections={"salesforce": ConnectionSettings(kind="salesforce", role="crm")},
)


@dataclass
class Desk:
    """A deal that waits, and a flow that finds whatever problems the test says it still has."""

    books: Books
    still: list[Problem] = field(default_factory=list[Problem])

    @property
    def operator(self) -> Operator:
        return Operator(self.books.database, self.books.now)

    async def wait(self, *problems: Problem) -> str:
        self.still = list(problems)
        return await self.books.held("006A", problems)

    async def work(self) -> None:
        """Executes what was released, as a worker would."""
        executor = Executor(
            self.books.database, self.books.now, lambda: date(2026, 11, 2), [self._flow()], lambda *_: None,
            lambda: Firm.model_construct(name="Nobody's"), "w",
        )  # fmt: skip
        async with self.books.database.transaction() as tx:
            due = await runs.due(tx, self.books.now(), 50)
        for each in due:
            await executor.execute(each["id"], each["generation"])

    def _flow(self) -> Any:
        @flow(version=1, title="A won deal")
        async def opportunity_to_project(run: Run, systems: Any) -> None:
            await run.hold(self.still)

        return opportunity_to_project

    async def change_at_source(self, *problems: Problem) -> None:
        """A newer state of the deal arrives by itself."""
        self.still = list(problems)
        async with self.books.database.transaction() as tx:
            subject = "salesforce/opportunity/006A"
            await runs.queue(
                tx, f"opportunity_to_project:{subject}:2", flow="opportunity_to_project", subject=subject, version="2",
                lane=subject, now=self.books.now(),
            )  # fmt: skip
        await self.work()

    async def endings(self) -> Sequence[tuple[str, str, str]]:
        async with self.books.database.transaction() as tx:
            found = await rows(tx, "select state, resolved_by, resolution from hold order by id")
        return [(each["state"], each["resolved_by"], each["resolution"]) for each in found]


@pytest.fixture
def desk(books: Books) -> Desk:
    return Desk(books)


async def test_a_value_of_a_person_ends_the_wait_in_their_name(desk: Desk) -> None:
    await desk.wait(NO_DEPARTMENT)
    await desk.operator.set_value(PEOPLE)
    desk.still = []
    await desk.work()
    assert await desk.endings() == [("resolved", ANNA, "practice_department People & Change = 440")]


async def test_the_second_pair_of_eyes_that_puts_a_value_in_force_is_credited(desk: Desk) -> None:
    await desk.wait(NO_DEPARTMENT)
    await desk.operator.set_value(PEOPLE, four_eyes=True)
    async with desk.books.database.transaction() as tx:
        waiting = await row(tx, "select id from value_row where waiting")
    assert waiting
    await desk.operator.approve_value(waiting["id"], actor=CARLOS)
    desk.still = []
    await desk.work()
    assert await desk.endings() == [("resolved", CARLOS, "practice_department People & Change = 440")]


async def test_a_decision_is_its_makers(desk: Desk) -> None:
    await desk.wait(NO_DEPARTMENT)
    (hold,) = await _open(desk)
    await desk.operator.decide(hold, choice="other", reason="another company", actor=ANNA)
    desk.still = []
    await desk.work()
    assert await desk.endings() == [("resolved", ANNA, "decided: other: another company")]


async def test_an_applied_folder_ends_what_it_fixes_in_the_name_of_who_applied_it(desk: Desk) -> None:
    await desk.wait(NO_PACKAGE)
    await desk.operator.apply_firm(FIRM, actor=CARLOS)
    desk.still = []
    await desk.work()
    assert await desk.endings() == [("resolved", CARLOS, "firm folder applied as version 2")]


async def test_a_folder_that_changes_nothing_is_nobodys_deed(desk: Desk) -> None:
    await desk.operator.apply_firm(FIRM, actor=CARLOS)
    await desk.wait(NO_PACKAGE)
    await desk.operator.apply_firm(FIRM, actor=CARLOS)
    desk.still = []
    await desk.work()
    assert await desk.endings() == [("resolved", "source", "the source was corrected")]


async def test_what_the_source_corrected_is_the_source_s(desk: Desk) -> None:
    await desk.wait(NO_PACKAGE)
    await desk.change_at_source()
    assert await desk.endings() == [("resolved", "source", "the source was corrected")]


async def test_a_deed_that_did_not_help_is_forgotten_when_the_source_helps_later(desk: Desk) -> None:
    await desk.wait(NO_PACKAGE)
    (hold,) = await _open(desk)
    await desk.operator.decide(hold, choice="another", reason="", actor=ANNA)
    await desk.work()
    assert (await desk.endings())[0][0] == "open"
    await desk.change_at_source()
    assert await desk.endings() == [("resolved", "source", "the source was corrected")]


async def test_only_what_the_deed_was_about_is_credited(desk: Desk) -> None:
    await desk.wait(NO_DEPARTMENT, NO_PACKAGE)
    await desk.operator.set_value(PEOPLE)
    await desk.change_at_source()
    assert await desk.endings() == [
        ("resolved", ANNA, "practice_department People & Change = 440"),
        ("resolved", "source", "the source was corrected"),
    ]


async def test_an_approval_is_the_deed_that_ends_what_its_run_waited_for(desk: Desk) -> None:
    deal = await desk.books.deal(1)
    number = await desk.books.approval(deal, ["Amount"], requested_by=CARLOS)
    subject = f"salesforce/opportunity/{deal.opportunity}"
    await desk.books.held(deal.opportunity, [NO_PACKAGE])
    async with desk.books.database.transaction() as tx:
        await tx.execute("update run set state = 'waiting' where subject = %s", (subject,))
    await desk.operator.answer_approval(number, approve=True, actor=ANNA)
    await desk.work()
    assert await desk.endings() == [("resolved", ANNA, f"A-{number} approved")]


async def test_an_ignored_hold_is_whoever_ignored_it_whatever_was_done_before(desk: Desk) -> None:
    await desk.wait(NO_DEPARTMENT)
    await desk.operator.set_value(PEOPLE)
    await desk.work()
    (hold,) = await _open(desk)
    await desk.operator.ignore(hold, reason="a test", actor=CARLOS)
    assert await desk.endings() == [("resolved", CARLOS, "ignored: a test")]


async def _open(desk: Desk) -> list[int]:
    async with desk.books.database.transaction() as tx:
        return [each["id"] for each in await rows(tx, "select id from hold where state = 'open' order by id")]
