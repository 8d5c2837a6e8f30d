"""An approval that a team must give is given by the team, or by who stands in for one of it; the database holds it too."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tieout.engine.deeds import OwnRequest, Refused
from tieout.engine.operator import Operator
from tieout.store import holds
from tieout.testing.books import Books

from .test_delegations import ANNA, CARLOS, DAVID, MARGARET, RUN, lent, token

pytestmark = pytest.mark.anyio


async def asked(books: Books, number: int = 1, of: tuple[str, ...] = (ANNA.title(), CARLOS)) -> dict[str, Any]:
    async with books.database.transaction() as tx:
        return await holds.request_approval(
            tx, RUN, title=f"The partners accept the terms ({number} of 2)", terms=["more than 500,000.00 EUR"],
            terms_hash="500,000", amount=None, requested_by=MARGARET, now=books.now(), of=of,
        )  # fmt: skip


async def test_two_of_a_team_accept_and_nobody_else_does(books: Books) -> None:
    operator, (first, second) = Operator(books.database, books.now), [await asked(books, each) for each in (1, 2)]
    for approve in (True, False):
        with pytest.raises(Refused, match=r"is for anna@kestrel\.example, carlos@kestrel\.example to answer"):
            await operator.answer_approval(first["id"], approve=approve, actor=DAVID, reason="x")
    await operator.answer_approval(first["id"], approve=True, actor=ANNA.upper())
    with pytest.raises(OwnRequest, match="accepted these terms already"):
        await operator.answer_approval(second["id"], approve=True, actor=ANNA)
    await operator.answer_approval(second["id"], approve=True, actor=CARLOS)


async def test_who_stands_in_for_one_of_the_team_takes_that_place_and_no_second_one(books: Books) -> None:
    operator, (first, second) = Operator(books.database, books.now), [await asked(books, each) for each in (1, 2)]
    for each in (ANNA, CARLOS):
        await token(books, each)
        await lent(books, each, DAVID)
    await operator.answer_approval(first["id"], approve=True, actor=DAVID, on_behalf_of=ANNA)
    with pytest.raises(OwnRequest):
        await operator.answer_approval(second["id"], approve=True, actor=DAVID, on_behalf_of=CARLOS)
    await operator.answer_approval(second["id"], approve=True, actor=CARLOS)


async def test_while_it_is_open_the_team_is_that_of_the_firm_folder_now(books: Books) -> None:
    first = await asked(books)
    assert (await asked(books, of=(DAVID,)))["members"] == [DAVID]
    await Operator(books.database, books.now).answer_approval(first["id"], approve=True, actor=DAVID)
    assert (await asked(books, of=(ANNA,)))["members"] == [DAVID], "who answered was of the team of that day"


async def test_the_database_itself_lets_nobody_answer_for_the_team(books: Books) -> None:
    first = await asked(books)
    for state in ("approved", "rejected"):
        with pytest.raises(psycopg.errors.CheckViolation, match="team's to give"):
            async with books.database.transaction() as tx:
                await holds.answer_approval(tx, first["id"], state, actor=DAVID, reason="", now=books.now())
