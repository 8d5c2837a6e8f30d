"""Readings as they come in: each right or wrong by itself, all wrongs at once, and never one version that says two things."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tieout.domain.documents.usage import UsageRecord
from tieout.domain.metering import Known, compared, read, table

ROW = {"id": "r1", "engagement": "ENG-1", "meter": "storage", "quantity": "12.50", "unit": "GB", "day": "2026-10-05"}


def record(**facts: Any) -> UsageRecord:
    (found,), faults = read("metering", [{**ROW, **facts}])
    assert faults == []
    return found


def known(*versions: UsageRecord) -> dict[str, Known]:
    said = {each.version: each for each in versions}
    return {versions[0].source_id: Known(max(said), said)}


def test_a_row_is_a_record_of_its_source() -> None:
    found = record(since="2026-10-01", day="2026-10-31T23:30:00+02:00", package="DATA-2", version=3)
    assert (found.key, found.version, found.quantity, found.package) == ("metering/r1", 3, Decimal("12.5"), "DATA-2")
    assert (found.since, found.day) == (date(2026, 10, 1), date(2026, 10, 31)), "the day that the source wrote (T27)"


@pytest.mark.parametrize(
    ("facts", "field", "fix"),
    [
        ({"quantity": "-1"}, "quantity", "Write a number"),
        ({"quantity": "1,5"}, "quantity", "Write a number"),
        ({"quantity": "NaN"}, "quantity", "Write a number"),
        ({"day": "5 October"}, "day", "Write the day"),
        ({"id": " "}, "id", "the same whenever it is sent"),
        ({"engagement": ""}, "engagement", "Name our key"),
        ({"meter": "a\nb"}, "meter", "Correct it"),
        ({"version": "0"}, "version", "Count the versions"),
        ({"since": "2026-09-30"}, "", "Correct it"),
        ({"since": "2026-10-06"}, "", "Correct it"),
        ({"price": "3"}, "price", "Leave it out"),
    ],
)
def test_what_is_wrong_says_where_and_how_to_fix_it(facts: dict[str, Any], field: str, fix: str) -> None:
    found, (fault,) = read("metering", [ROW, {**ROW, "id": "r2", **facts}])
    assert [each.source_id for each in found] == ["r1"]
    assert (fault.row, fault.field) == (2, field)
    assert fix in fault.fix


def test_a_table_is_read_with_commas_or_semicolons_and_every_bad_line_is_named() -> None:
    head = "id,engagement,meter,quantity,unit,day"
    rows, faults = table(
        f"\ufeff{head}\r\nr1,ENG-1,storage,12.50,GB,2026-10-05\r\nr2,ENG-1\r\nr3,E,m,1,GB,2026-10-06,x\r\n"
    )
    assert rows == [ROW]
    assert [(each.row, each.field) for each in faults] == [(2, ""), (3, "")]
    assert table(f"{head}\nr1,ENG-1,storage,12.50,GB,2026-10-05\n".replace(",", ";")) == ([ROW], [])


def test_a_table_without_a_column_or_with_a_strange_one_is_none() -> None:
    rows, faults = table("id,engagement,meter,amount,unit,day\nr1,ENG-1,storage,1,GB,2026-10-05\n")
    assert rows == []
    assert [(each.field, each.what) for each in faults] == [
        ("quantity", "there is no column quantity"), ("amount", "nobody knows a column “amount”")
    ]  # fmt: skip
    assert [each.field for each in table("")[1]] == ["id", "engagement", "meter", "quantity", "unit", "day"]


def test_what_was_told_before_is_the_same_and_what_says_more_is_its_next_version() -> None:
    before = known(record(version=1))
    assert compared([record()], before) == ([(record(version=1), "same")], [])
    assert compared([record(quantity="12.500")], before)[0][0][1] == "same", "12.5 and 12.500 are one quantity"
    assert compared([record(quantity="13")], before) == ([(record(quantity="13", version=2), "corrected")], [])
    assert compared([record()], {}) == ([(record(version=1), "new")], [])


def test_versions_may_leave_gaps_and_come_in_any_order() -> None:
    before = known(record(version=5))
    told = [record(quantity="9", version=3), record(quantity="11", version=8)]
    assert [outcome for _, outcome in compared(told, before)[0]] == ["older", "corrected"]


def test_one_version_never_says_two_things() -> None:
    before = known(record(version=1), record(quantity="13", version=2))
    found, (fault,) = compared([record(quantity="14", version=1)], before)
    assert found == []
    assert (fault.row, fault.what, fault.fix) == (
        1, "version 1 of “r1” says quantity 14, and said 12.5 before", "Send it as version 3."
    )  # fmt: skip
    overwritten, none = compared([record(quantity="14", version=1)], before, sabotage=frozenset({"overwrite"}))
    assert none == []
    assert overwritten[0][1] == "same", "a hub that does not look would lose the difference without a word"


@pytest.mark.parametrize(
    ("first", "second"), [({}, {}), ({}, {"version": 2}), ({"version": 2}, {}), ({"version": 2}, {"version": 2})]
)
def test_a_page_says_each_reading_once_or_each_of_its_versions(first: dict[str, Any], second: dict[str, Any]) -> None:
    _, (fault,) = compared([record(**first), record(**second)], {})
    assert (fault.row, fault.field, fault.what) == (2, "id", "“r1” stands here twice, in row 1 before")
    assert compared([record(version=1), record(version=2)], {})[1] == []
