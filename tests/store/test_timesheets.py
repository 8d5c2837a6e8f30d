"""Whose time waits because the ERP does not employ them, and that this is asked of a page as cheaply as of everybody."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest

from tieout.store import timesheets
from tieout.store.database import Tx, rows
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio


async def problems(tx: Tx) -> dict[str, str]:
    found = await rows(tx, "select source_id, problem from time_entry")
    return {each["source_id"]: each["problem"] for each in found}


async def test_who_is_not_employed_waits_alone_and_goes_on_when_the_erp_knows_them(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 60)])
    await books.time(deal, [("T2", 1, 60), ("T3", 1, 60)], person="K009")
    async with books.database.transaction() as tx:
        await timesheets.unknown_people(tx, "DE", [], "kantata", None)
        assert set((await problems(tx)).values()) == {""}, "another entity's ERP has no say"
        await timesheets.unknown_people(tx, "US", ["K003"], "kantata", ["T1", "T2"])
        assert await problems(tx) == {"T1": "", "T2": "person.unknown", "T3": ""}, "what was not asked for stays"
        await timesheets.unknown_people(tx, "US", ["K003"], "kantata", None)
        assert await problems(tx) == {"T1": "", "T2": "person.unknown", "T3": "person.unknown"}
        await timesheets.unknown_people(tx, "US", ["K003", "K009"], "kantata", ["T2"])
        assert await problems(tx) == {"T1": "", "T2": "", "T3": "person.unknown"}
        await timesheets.unknown_people(tx, "US", ["K003", "K009"], "kantata", None)
        assert set((await problems(tx)).values()) == {""}


class Asked:
    """Keeps the statement instead of asking it."""

    sql = ""

    async def execute(self, sql: str, values: object) -> None:
        self.sql = sql


async def test_a_plan_that_does_not_know_how_many_people_there_are_looks_each_entry_up_among_them(books: Books) -> None:
    """A prepared statement is planned for ten people and ten entries. As a join it would compare 5,000 with 4,700."""
    asked = Asked()
    await timesheets.unknown_people(cast(Tx, asked), "US", [], "kantata", None)
    parameters: dict[str, str] = {}
    sql = re.sub(r"%\((\w+)\)s", lambda found: parameters.setdefault(found[1], f"${len(parameters) + 1}"), asked.sql)
    async with books.database.transaction() as tx:
        told: Any = await rows(tx, "explain (generic_plan, verbose) " + sql)  # type: ignore[operator]
    plan = "\n".join(each["QUERY PLAN"] for each in told)
    assert "hashed SubPlan" in plan, plan
    assert "Materialize" not in plan, plan
