"""An approval that nobody answers goes on by its gate: once a step, never to who asked, and everybody reads where it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from tests.engine.test_notices import Desk, Pager, firm_with, rule

from tieout.domain.escalating import Step
from tieout.domain.money import Money
from tieout.domain.notification import Selection
from tieout.engine.deeds import OwnRequest, Refused
from tieout.engine.operator import Operator
from tieout.store import audit, firm, holds, unanswered
from tieout.store.database import migrate, row, rows
from tieout.testing.books import CONNECTIONS, ENTITIES, Books
from tieout.testing.database import opened

from .test_delegations import ANNA, CARLOS, DAVID, MARGARET, RUN, lent, token

pytestmark = pytest.mark.anyio
KLAUS = "klaus@kestrel.example"
# Wednesday before Thanksgiving.
ASKED = datetime(2026, 11, 25, 15, tzinfo=UTC)
NEXT, LAST = datetime(2026, 11, 30, 15, tzinfo=UTC), datetime(2026, 12, 1, 15, tzinfo=UTC)


async def ruled(
    books: Books, *, days: int = 2, team: tuple[str, ...] = (CARLOS,), board: tuple[str, ...] = (MARGARET, ANNA)
) -> None:
    """The firm folder says so: the partners, after days the board, after one more Klaus."""
    steps = [{"after": days, "to": "board"}, {"after": 1, "to": KLAUS}]
    content = {
        "name": "Kestrel",
        "approvals": {"gates": [{"name": "The partners", "team": "partners", "escalation": steps}]},
        "holds": {"teams": {"partners": {"members": team}, "board": {"members": board}}},
        "calendars": [{"name": "US", "entities": ["US"], "holidays": {"2026-11-26": "Thanksgiving"}}],
    }
    async with books.database.transaction() as tx:
        await firm.apply(
            tx, content=content, entities=ENTITIES, connections=CONNECTIONS, actor="setup", now=books.moment
        )


async def asked(books: Books, *, of: tuple[str, ...] = (CARLOS,), number: int = 1, by: str = MARGARET) -> int:
    async with books.database.transaction() as tx:
        found = await holds.request_approval(
            tx, RUN, title=f"The partners accept the terms ({number} of 2)", terms=["600,000.00 USD"],
            terms_hash="600,000", amount=Money.from_minor(60000000, "USD"), requested_by=by, now=books.moment, of=of,
            gate="The partners",
        )  # fmt: skip
    return int(found["id"])


async def mind(books: Books, at: datetime) -> int:
    books.moment = at
    async with books.database.transaction() as tx:
        return await unanswered.mind(tx, at)


async def stored(books: Books, number: int) -> dict[str, Any]:
    async with books.database.transaction() as tx:
        found = await row(tx, "select * from approval where id = %s", (number,))
    assert found is not None
    return found


@pytest.fixture
async def waiting(books: Books) -> int:
    books.moment = ASKED
    await ruled(books)
    return await asked(books)


async def test_it_says_when_it_goes_to_whom_and_then_goes_there_once(books: Books, waiting: int) -> None:
    found = await stored(books, waiting)
    assert (found["answer_by"], found["goes_to"], found["escalated_to"]) == (NEXT, "board", [])
    assert await mind(books, NEXT - timedelta(seconds=1)) == 0
    assert (await mind(books, NEXT), await mind(books, NEXT)) == (1, 0)
    found = await stored(books, waiting)
    assert (found["answer_by"], found["goes_to"], found["escalated_to"]) == (LAST, KLAUS, ["board"])
    assert found["members"] == [CARLOS, ANNA], "who asked is on the board, and cannot answer"
    assert await mind(books, LAST) == 1
    found = await stored(books, waiting)
    assert (found["answer_by"], found["goes_to"], found["members"]) == (None, "", [CARLOS, ANNA, KLAUS])
    async with books.database.transaction() as tx:
        said = await audit.entries(tx, action="approval.escalate")
        assert (await audit.verify(tx)).first_bad is None
    assert [(each["object"], each["detail"]["to"], each["detail"]["people"]) for each in said] == [
        (f"A-{waiting}", KLAUS, [KLAUS]), (f"A-{waiting}", "board", [ANNA])
    ]  # fmt: skip


async def test_who_is_next_may_answer_then_and_not_before_and_who_was_asked_still_may(
    books: Books, waiting: int
) -> None:
    operator = Operator(books.database, books.now)
    with pytest.raises(Refused, match="to answer"):
        await operator.answer_approval(waiting, approve=True, actor=ANNA)
    second = await asked(books, number=2)
    await mind(books, NEXT)
    with pytest.raises(OwnRequest):
        await operator.answer_approval(waiting, approve=True, actor=MARGARET)
    await operator.answer_approval(waiting, approve=True, actor=ANNA)
    await operator.answer_approval(second, approve=True, actor=CARLOS)
    assert await mind(books, LAST) == 0, "what is answered goes nowhere"


async def test_who_stands_in_for_one_it_went_to_answers_in_that_place(books: Books, waiting: int) -> None:
    await token(books, ANNA)
    await mind(books, NEXT)
    await lent(books, ANNA, DAVID, first=NEXT.date(), last=NEXT.date())
    await Operator(books.database, books.now).answer_approval(waiting, approve=True, actor=DAVID, on_behalf_of=ANNA)
    assert (await stored(books, waiting))["on_behalf_of"] == ANNA


async def test_who_asked_is_alone_in_the_team_so_it_goes_on_at_once(books: Books) -> None:
    books.moment = ASKED
    await ruled(books, team=(CARLOS,), board=(ANNA, CARLOS))
    found = await stored(books, await asked(books, by=CARLOS))
    assert (found["escalated_to"], found["added"], found["goes_to"]) == (["board"], [ANNA], KLAUS)


async def test_the_steps_follow_the_firm_folder_and_keep_whom_it_went_to(books: Books, waiting: int) -> None:
    await ruled(books, days=3)
    assert await mind(books, ASKED) == 0
    assert (await stored(books, waiting))["answer_by"] == NEXT + timedelta(days=1)
    await mind(books, NEXT + timedelta(days=1))
    assert await asked(books, of=(DAVID,)) == waiting
    assert (await stored(books, waiting))["members"] == [DAVID, ANNA]


async def test_the_database_itself_lets_an_escalation_name_nobody_who_asked(
    books: Books, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unanswered, "next_step", lambda *_: Step(ASKED, "board", (MARGARET,)))
    with pytest.raises(psycopg.errors.CheckViolation):
        await mind(books, NEXT)
    assert (await stored(books, waiting))["members"] == [CARLOS]


async def test_each_that_it_went_to_is_told_once_with_nobodys_name(books: Books, waiting: int) -> None:
    pager = Pager(edits=True)
    board = rule(tells=("escalated",), holds=Selection(owners=("board",)))
    dear = rule(name="dear", tells=("escalated",), holds=Selection.model_validate({"amount_above": {"USD": "600000"}}))
    desk = Desk(books, firm_with(board, dear), pager, books.database)
    assert await desk.round(minutes=1) == 0
    await mind(books, NEXT)
    assert await desk.round(minutes=1) == 1
    assert await desk.round(minutes=1) == 0
    assert pager.said == ["Not answered in time: An approval waits for a yes or no"]
    message = pager.letters[0].message
    assert message.link.endswith(f"/approvals/A-{waiting}")
    assert message.lines == ("600,000.00 USD, asked Wed 25 Nov 15:00 UTC; now others may answer it, too.",)
    await mind(books, LAST)
    assert await desk.round(minutes=1) == 0, "Klaus is not of the board"
    await Operator(books.database, books.now).answer_approval(waiting, approve=True, actor=KLAUS)
    assert await desk.round(minutes=1) == 1
    assert pager.letters[-1].message.event == "ended"


async def test_holds_are_due_on_working_days_where_the_firm_says_so(books: Books) -> None:
    from tieout.domain.problems import Problem, explain

    problem = Problem("package.unknown", {"package": "X", "deal": "D", "link": ""})
    friday, within = datetime(2026, 11, 27, 22, tzinfo=UTC), explain(problem).within
    assert within == timedelta(hours=24)
    for working, due in ((False, friday + within), (True, friday + within + timedelta(days=2))):
        async with books.database.transaction() as tx:
            content = {"name": "Kestrel", "holds": {"working_days": working}}
            await firm.apply(tx, content=content, entities=(), connections=(), actor="setup", now=books.now())
            run = {"flow": "f", "subject": str(working), "id": "r", "entity": "US", "engagement": None}
            await holds.open_holds(tx, run, [problem], title="D", amount=None, now=friday)
            (opened,) = await holds.of_subject(tx, "f", str(working))
        assert opened["due_at"] == due
        assert opened["opened_at"].date() == date(2026, 11, 27)


async def test_approvals_that_waited_before_are_of_the_gate_that_their_title_names(database_url: str) -> None:
    async with opened(database_url) as database, database.transaction() as tx:
        await tx.execute("drop schema tieout cascade")
    migrate(database_url, "0039")
    async with opened(database_url) as database, database.transaction() as tx:
        for title, members in (
            ("The partners accept the terms (1 of 2)", [CARLOS]),
            ("The board accept the change order", [ANNA]),
            ("Finance accepts the terms", None),
        ):
            await tx.execute(
                """
                insert into approval (flow, subject, terms_hash, title, terms, requested_by, requested_at, members)
                values ('f', 's', 'h', %s, '[]', %s, now(), %s)
                """,
                (title, MARGARET, members),
            )
    migrate(database_url)
    async with opened(database_url) as database, database.transaction() as tx:
        found = await rows(tx, "select gate from approval order by id")
    assert [each["gate"] for each in found] == ["The partners", "The board", ""]
