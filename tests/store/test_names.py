"""A short name is one record's, for ever; whoever comes second gets a mark, and both are told."""

from __future__ import annotations

import asyncio

import pytest

from tieout.domain.shortening import shortened
from tieout.store import names
from tieout.store.names import Shown
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
LONG = "Aurora Data Platform Programme, Phase One"
OTHER = "Aurora Data Platform Programme, Phase Two"


async def take(books: Books, key: str, full: str, most: int = 30, kind: str = "project") -> Shown:
    async with books.database.transaction() as tx:
        return await names.take(tx, "kantata", kind, key, full, lambda apart: shortened(full, most, apart=apart))


async def test_a_name_that_fits_is_shown_as_it_is(books: Books) -> None:
    assert (await take(books, "P1", "Aurora")).name == "Aurora"
    assert (await take(books, "P2", "Aurora")).rival == ""  # two of one name: that is what they are called
    async with books.database.transaction() as tx:
        assert await names.shown(tx, ["P1", "P2"]) == []


async def test_the_second_of_two_long_names_gets_a_mark_and_says_whose_name_it_would_have_had(books: Books) -> None:
    first, second = await take(books, "P1", LONG), await take(books, "P2", OTHER)
    assert (first.name, first.rival) == ("Aurora Data Platform Programme", "")
    assert second.name.startswith("Aurora Data Platform #")
    assert second.rival == "P1"
    assert await take(books, "P2", OTHER) == second
    assert await take(books, "P1", LONG) == first
    async with books.database.transaction() as tx:
        assert await names.shown(tx, ["P1", "P2", "P3"]) == [first, second]


async def test_a_full_name_that_is_somebody_elses_short_one_is_kept_and_told(books: Books) -> None:
    await take(books, "P1", LONG)
    shown = await take(books, "P2", "AURORA Data Platform Programme")
    assert (shown.name, shown.rival) == ("AURORA Data Platform Programme", "P1")


async def test_clients_and_projects_do_not_take_each_others_names(books: Books) -> None:
    await take(books, "P1", LONG)
    assert (await take(books, "C1", OTHER, kind="client")).rival == ""


async def test_of_many_at_once_no_two_get_one_name(books: Books) -> None:
    taken = await asyncio.gather(*(take(books, f"P{n}", f"{LONG} {n}", most=12) for n in range(8)))
    assert len({each.name for each in taken}) == 8


async def test_saboteur_a_rule_without_a_mark_puts_two_records_under_one_name(books: Books) -> None:
    async with books.database.transaction() as tx:
        taken = [
            await names.take(tx, "kantata", "project", key, full, lambda _, full=full: shortened(full, 30))
            for key, full in (("P1", LONG), ("P2", OTHER))
        ]
    with pytest.raises(AssertionError):
        assert len({each.name for each in taken}) == 2
    assert taken[1].rival == "P1", "and is told all the same"
