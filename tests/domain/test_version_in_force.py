"""Work is judged by the version of the contract that was in force on its day, whenever the change was agreed (T34, T35)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.charging.billing import Ledger, agreement_of, decide
from tieout.domain.charging.charge import Agreement, charge
from tieout.domain.charging.pieces import LASTING, Event, Piece
from tieout.domain.documents.engagement import ContractVersion
from tieout.domain.documents.terms import Block, Cap, RetainerTerms, Sold
from tieout.domain.money import Money, total
from tieout.domain.problems import Problem
from tieout.domain.rating import entry_amount

from .test_billing_decision import entry

EUR = "EUR"
CHANGE = date(2026, 10, 15)
ADVICE, WORKSHOP = (Sold(id=name, package=name.upper()) for name in ("advice", "workshop"))


def hour(ref: str, day: int, minutes: int = 60, sold: str = "advice", rate: int = 100) -> Event:
    worth = entry_amount(minutes, Money(Decimal(rate), EUR))
    return Event(ref, "time", sold, date(2026, 10, day), worth, minutes, Decimal(rate), "Consultant")


def limit(amount: int) -> Cap:
    return Cap(key="NTE", amount=Decimal(amount))


def changed(first: int, second: int) -> Agreement:
    """A limit that a change order moves on 15 October, which also adds a workshop."""
    before = Agreement(EUR, {"advice": ADVICE}, (limit(first),), effective_from=date(2026, 10, 1))
    sold = {"advice": ADVICE, "workshop": WORKSHOP}
    return Agreement(EUR, sold, (limit(second),), effective_from=CHANGE, before=before)


def told(pieces: list[Piece]) -> list[tuple[str, str, int]]:
    return [(each.ref, each.fate, each.minutes) for each in pieces]


def test_a_limit_that_was_raised_holds_from_its_day_on_and_not_before() -> None:
    events = [hour("early", 10, 180), hour("late", 20, 180)]
    assert told(charge(changed(200, 400), events, [])) == [
        ("early", "bill", 120), ("early", "over_cap", 60), ("late", "bill", 120), ("late", "over_cap", 60)
    ]  # fmt: skip


def test_the_newest_version_for_everything_would_bill_what_nobody_had_agreed_to() -> None:
    events = [hour("early", 10, 180)]
    careless = charge(changed(200, 400), events, [], sabotage=frozenset({"newest_version"}))
    assert told(careless) == [("early", "bill", 180)]


def test_work_of_before_that_arrives_late_has_its_own_limit_and_never_lifts_the_later_one() -> None:
    agreement = changed(200, 400)
    billed = charge(agreement, [hour("new", 20, 210)], [])
    late = charge(agreement, [hour("new", 20, 210), hour("old", 10, 120)], billed)
    assert told(late) == [("old", "bill", 30), ("old", "over_cap", 90)]


def test_work_of_an_added_package_is_at_risk_until_the_change_is_in_force() -> None:
    events = [hour("before", 14, sold="workshop"), hour("after", 15, sold="workshop")]
    assert told(charge(changed(1000, 1000), events, [])) == [("before", "at_risk", 60), ("after", "bill", 60)]


def test_a_block_that_was_drawn_under_one_version_is_smaller_under_the_next() -> None:
    block = Block(key="B1", price=Decimal(200), hours=Decimal(2), valid_from=date(2026, 10, 1))
    prepaid = Sold(id="advice", package="ADVICE", terms=RetainerTerms(blocks=(block,), overage="hold"))
    before = Agreement(EUR, {"advice": prepaid}, effective_from=date(2026, 10, 1))
    agreement = Agreement(EUR, {"advice": prepaid}, effective_from=CHANGE, before=before)
    assert told(charge(agreement, [hour("a", 10, 90), hour("b", 20, 60)], [])) == [
        ("a", "drawn", 90), ("b", "drawn", 30), ("b", "over_cap", 30)
    ]  # fmt: skip


def test_before_any_version_the_first_one_decides() -> None:
    first = Agreement(EUR, {"advice": ADVICE}, (limit(50),), effective_from=date(2026, 10, 12))
    assert told(charge(first, [hour("a", 5)], [])) == [("a", "bill", 30), ("a", "over_cap", 30)]


def test_each_piece_of_an_invoice_names_the_version_that_its_day_was_agreed_by() -> None:
    versions = [
        ContractVersion(version=1, effective_from=date(2026, 10, 1), amount=Decimal(1), currency="USD", lines=()),
        ContractVersion(version=2, effective_from=CHANGE, amount=Decimal(1), currency="USD", lines=()),
    ]
    entries = [entry("a", 60, sold="", day=14), entry("b", 60, sold="", day=15)]
    work: list[Mapping[str, Any]] = []

    def propose(rows: Sequence[Mapping[str, Any]]) -> tuple[None, list[Problem]]:
        work.extend(rows)
        return None, []

    decide(agreement_of(*versions, elsewhere={}), Ledger(entries, (), (), {}), propose)
    assert [(each["source_id"], each["contract_version"]) for each in work] == [("a", 1), ("b", 2)]


EVENTS = st.lists(
    st.tuples(st.integers(1, 31), st.integers(1, 300), st.sampled_from(["advice", "workshop"])), max_size=12
)


@given(EVENTS, st.integers(0, 900), st.integers(0, 900), st.randoms(use_true_random=False))
def test_cents_are_conserved_limits_hold_and_asking_again_finds_nothing(
    drawn: list[tuple[int, int, str]], first: int, more: int, chance: random.Random
) -> None:
    agreement = changed(first, first + more)
    events = [hour(f"e{n}", day, minutes, sold) for n, (day, minutes, sold) in enumerate(drawn)]
    pieces = charge(agreement, events, [])
    for each in events:
        mine = [piece for piece in pieces if piece.ref == each.ref]
        assert total((piece.worth for piece in mine), EUR) == each.worth
        assert sum(piece.minutes for piece in mine) == each.minutes
    billed = [each for each in pieces if each.fate == "bill"]
    assert total((each.amount for each in billed), EUR).amount <= first + more
    assert total((each.amount for each in billed if each.day < CHANGE), EUR).amount <= first
    chance.shuffle(events)
    assert sorted(told(charge(agreement, events, []))) == sorted(told(pieces))
    again = charge(agreement, events, [each for each in pieces if each.fate in LASTING])
    assert [each for each in again if each.fate in LASTING] == []


def test_each_version_knows_the_days_on_which_it_decides() -> None:
    agreement = changed(1, 2)
    assert agreement.on(date(2026, 10, 14)) is agreement.before
    assert agreement.on(CHANGE) is agreement
    assert agreement.on(date(2020, 1, 1)) is agreement.before
