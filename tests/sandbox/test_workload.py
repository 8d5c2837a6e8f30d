"""A simulated firm is the same for the same seed, as dirty as it was asked to be, and takes no memory."""

from __future__ import annotations

import csv
import json
import tracemalloc
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tieout.domain.money import Money
from tieout.domain.rating import entry_amount
from tieout.sandbox.workload.entries import told
from tieout.sandbox.workload.files import Format, make
from tieout.sandbox.workload.firm import SimulatedFirm
from tieout.sandbox.workload.shape import Shape
from tieout.sandbox.workload.source import PAGE, SimulatedPsa

SHAPE = Shape(consultants=30, months=2, seed=7)


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path, form: Format) -> None:
    for name, seed in (("one", 7), ("two", 7), ("other", 8)):
        make(SimulatedFirm(Shape(30, 2, seed)), tmp_path / name, form)
    one, two, other = (contents(tmp_path / name) for name in ("one", "two", "other"))
    assert one == two
    assert one[f"time_entries.{form}"] != other[f"time_entries.{form}"]
    assert one[f"projects.{form}"] == other[f"projects.{form}"]


def test_it_says_what_the_files_hold_in_number_and_in_money(tmp_path: Path) -> None:
    told_ = make(SimulatedFirm(SHAPE), tmp_path, "jsonl").summary()
    rows: list[dict[str, Any]] = [
        json.loads(each) for each in (tmp_path / "time_entries.jsonl").read_text().splitlines()
    ]
    newest: dict[str, dict[str, Any]] = {}
    for each in rows:
        newest[each["source_id"]] = max(
            each, newest.get(each["source_id"], each), key=lambda one: one["source_version"]
        )
    approved: dict[str, Decimal] = {}
    for each in newest.values():
        if each["state"] == "approved":
            worth = entry_amount(each["billable_minutes"], Money(Decimal(each["rate"]), each["currency"]))
            approved[worth.currency] = approved.get(worth.currency, Decimal(0)) + worth.amount
    assert (told_["states"]["total"], told_["entries"]) == (len(rows), len(newest))
    assert told_["approved"] == {currency: f"{amount:.2f}" for currency, amount in approved.items()}
    assert told_["people"] == len((tmp_path / "people.jsonl").read_text().splitlines())
    assert told_["busiest_day"]["day"] in {"2026-01-30", "2026-02-27"}
    assert told_["busiest_day"]["share"] > 0.2


def test_csv_and_json_lines_say_the_same(tmp_path: Path) -> None:
    for form in ("jsonl", "csv"):
        make(SimulatedFirm(SHAPE), tmp_path, form)
    with (tmp_path / "time_entries.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    lines = [json.loads(each) for each in (tmp_path / "time_entries.jsonl").read_text().splitlines()]
    assert written == [{name: "" if value is None else str(value) for name, value in each.items()} for each in lines]


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_as_much_is_dirty_as_was_asked_for_and_of_every_kind(share: float) -> None:
    found = Counter(each.dirt for each in told(SimulatedFirm(Shape(30, 1, 7, dirty=share))) if each.last)
    clean = found.pop("", 0)
    assert found.total() / (found.total() + clean) == pytest.approx(share, abs=0.02)
    assert len(found) == (4 if share else 0)


def test_everything_that_happens_at_month_end_happens() -> None:
    reasons = Counter(each.why for each in told(SimulatedFirm(SHAPE)))
    assert set(reasons) == {"approved", "late", "corrected", "revoked", "approved again", "told twice"}
    assert reasons["late"] / (reasons["late"] + reasons["approved"]) == pytest.approx(0.03, abs=0.01)


def test_ten_times_the_firm_takes_no_more_memory() -> None:
    def peak(consultants: int) -> int:
        tracemalloc.start()
        make(SimulatedFirm(Shape(consultants, 1, 7)), None, "jsonl")
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(2)
    assert peak(100) < 1.2 * peak(10)


@pytest.mark.anyio
async def test_the_psa_offers_every_state_in_pages_and_goes_on_where_it_was_left() -> None:
    psa = SimulatedPsa("kantata", SimulatedFirm(SHAPE))
    versions: list[str] = []
    since, more = None, True
    while more:
        page = await psa.changes("time_entry", since)
        versions += [each.version for each in page.changes]
        assert len(page.changes) == PAGE or not page.more
        since, more = page.cursor, page.more
    assert versions == [each.record["source_version"] for each in told(SimulatedFirm(SHAPE))]
    again = await SimulatedPsa("kantata", SimulatedFirm(SHAPE)).changes("time_entry", "400")
    assert [each.version for each in again.changes] == versions[400:600]
