"""Holds open once, close by themselves, come back with their history; approvals are for exactly the terms that were asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.store import holds
from tieout.store.database import Tx, rows
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
RUN = {
    "id": "R1",
    "flow": "opportunity_to_project",
    "subject": "salesforce/opportunity/006A",
    "entity": "US",
    "engagement": "ENG-1",
}


def package(code: str) -> Problem:
    return Problem("package.unknown", {"package": code, "deal": "Globex", "link": ""})


async def opened(tx: Tx, books: Books, problems: Sequence[Problem]) -> list[dict[str, Any]]:
    await holds.open_holds(tx, RUN, problems, title="Globex", amount=Money.of("12.34", "USD"), now=books._tick())
    return await rows(tx, "select * from hold order by id")


async def test_the_same_problem_again_is_the_same_hold(books: Books) -> None:
    async with books.database.transaction() as tx:
        (first,) = await opened(tx, books, [package("A")])
        (again,) = await opened(tx, books, [package("A")])
        assert (again["id"], again["times"], again["opened_at"]) == (first["id"], 2, first["opened_at"])
        assert (first["amount_minor"], first["currency"], first["owner"]) == (1234, "USD", "delivery operations")
        assert len(await holds.events(tx, first["id"])) == 1


async def test_a_problem_that_is_gone_closes_its_hold_and_leaves_the_others(books: Books) -> None:
    async with books.database.transaction() as tx:
        await opened(tx, books, [package("A"), package("B")])
        a, b = await opened(tx, books, [package("B")])
        assert (a["state"], a["resolved_by"], b["state"]) == ("resolved", "source", "open")
        assert [each["id"] for each in await holds.listed(tx)] == [b["id"]]


async def test_a_problem_that_comes_back_opens_a_new_hold_beside_its_history(books: Books) -> None:
    async with books.database.transaction() as tx:
        await opened(tx, books, [package("A")])
        await opened(tx, books, [])
        old, new = await opened(tx, books, [package("A")])
        assert (old["state"], new["state"], new["times"]) == ("resolved", "open", 1)
        assert [each["id"] for each in await holds.of_cause(tx, old["cause"])] == [new["id"]]


async def test_an_approval_is_for_exactly_its_terms(books: Books) -> None:
    async def asked(terms: Sequence[str]) -> dict[str, Any]:
        return await holds.request_approval(
            tx, RUN, title="Finance accepts the terms", terms=terms, terms_hash="/".join(terms), amount=None,
            requested_by="margaret@kestrel.example", now=books.now(),
        )  # fmt: skip

    async with books.database.transaction() as tx:
        first = await asked(["Net 60"])
        assert (await asked(["Net 60"]))["id"] == first["id"]
        assert await holds.answer_approval(tx, first["id"], "approved", actor="anna", reason="", now=books.now())
        assert not await holds.answer_approval(
            tx, first["id"], "rejected", actor="carlos", reason="no", now=books.now()
        )
        assert (await asked(["Net 60"]))["state"] == "approved"
        other = await asked(["Net 90"])
        assert (other["id"] != first["id"], other["state"]) == (True, "open")


async def test_the_database_itself_refuses_one_s_own_request(books: Books) -> None:
    deal = await books.deal(1)
    number = await books.approval(deal, ["Net 60"], requested_by="margaret@kestrel.example")
    with pytest.raises(Exception, match="check"):
        async with books.database.transaction() as tx:
            await holds.answer_approval(
                tx, number, "approved", actor="margaret@kestrel.example", reason="", now=books.now()
            )


async def test_the_last_answer_to_a_question_counts(books: Books) -> None:
    async with books.database.transaction() as tx:
        for choice in ("create", "same:17"):
            await holds.decide(tx, "S", "Q", choice, reason="", actor="anna", now=books.now())
        assert await holds.decision(tx, "S", "Q") == "same:17"
        assert await holds.decision(tx, "S", "other") is None
