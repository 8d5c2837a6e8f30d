"""Value tables: rows with a day, added once, looked up as they stood, approved by somebody else."""

from __future__ import annotations

from datetime import date

import pytest

from tieout.domain.values import ValueRow, ValueTables
from tieout.store import firm
from tieout.store.database import rows
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
DAY = date(2026, 10, 1)


def department(value: str, since: date = DAY, author: str = "anna") -> ValueRow:
    return ValueRow("practice_department", "People & Change", value, valid_from=since, author=author)


async def test_a_row_that_says_what_is_in_force_already_is_not_added(books: Books) -> None:
    async with books.database.transaction() as tx:
        assert await firm.set_value(tx, department("440"), now=books.now())
        assert not await firm.set_value(tx, department("440", date(2026, 11, 1)), now=books.now())
        assert await firm.set_value(tx, department("450", date(2026, 11, 1)), now=books.now())
        tables = ValueTables(await firm.values(tx))
        found = [
            tables.look_up("practice_department", " people & change", entity="US", on=day)
            for day in (date(2026, 9, 30), date(2026, 10, 31), date(2026, 11, 1))
        ]
        assert [each and each.value for each in found] == [None, "440", "450"]
        assert len(await rows(tx, "select 1 from audit where action = 'value.set'")) == 2


async def test_a_row_with_four_eyes_is_in_force_only_when_somebody_else_has_looked(books: Books) -> None:
    async with books.database.transaction() as tx:
        await firm.set_value(tx, department("440"), now=books.now(), waiting=True)
        assert await firm.values(tx) == []
        (waiting,) = await firm.waiting_values(tx)
    with pytest.raises(Exception, match="check"):
        async with books.database.transaction() as tx:
            await firm.approve_value(tx, waiting.version, "anna", books.now())
    async with books.database.transaction() as tx:
        await firm.approve_value(tx, waiting.version, "carlos", books.now())
        assert [each.value for each in await firm.values(tx, "practice_department")] == ["440"]
        assert await firm.waiting_value(tx, waiting.version) is None


async def test_the_folder_s_rows_are_added_once_and_undo_nothing_that_people_set(books: Books) -> None:
    shipped = [department("440", author="folder")]
    async with books.database.transaction() as tx:
        assert await firm.ship_values(tx, shipped, books.now()) == 1
        await firm.set_value(tx, department("450"), now=books.now())
        assert await firm.ship_values(tx, shipped, books.now()) == 0
        tables = ValueTables(await firm.values(tx))
        found = tables.look_up("practice_department", "People & Change", entity="US", on=DAY)
    assert found is not None
    assert found.value == "450"


async def test_applying_the_same_folder_again_makes_no_new_version(books: Books) -> None:
    async def apply(name: str) -> int | None:
        return await firm.apply(
            tx, content={"name": name}, entities=[("US", name, "USD")], connections=[], actor="anna", now=books._tick()
        )

    async with books.database.transaction() as tx:
        first = await apply("Kestrel Advisory")
        assert first is not None
        assert await apply("Kestrel Advisory") is None
        assert await apply("Kestrel Group") == first + 1
        assert await apply("Kestrel Advisory") == first  # back to what was in force before
        current = await firm.current(tx)
    assert current is not None
    assert current["version"] == first
