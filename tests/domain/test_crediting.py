"""What a credit note takes back, down to the entry and to the cent (T16)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.crediting import Credited, credited
from tieout.domain.money import Money
from tieout.domain.rating import Work, entry_amount, price

RATE = Decimal("340.00")


def line(
    key: str, minutes: list[int], text: str = "Discovery", rate: Decimal = RATE
) -> tuple[dict[str, Any], list[Any]]:
    """A line of an invoice and the entries beneath it."""
    money = Money(rate, "USD")
    priced = price([Work(str(n), each, money) for n, each in enumerate(minutes)])
    mine = {
        "line": key, "description": text, "quantity": priced.quantity, "unit_price": rate, "amount": priced.line.amount,
        "rounding": priced.rounding.amount,
    }  # fmt: skip
    entries = [
        {
            "line": key, "source_id": f"{key}/{n}", "work_date": date(2026, 10, 1 + n % 28), "minutes": each, "rate": rate,
            "amount": entry_amount(each, money).amount, "worth": entry_amount(each, money).amount,
        }
        for n, each in enumerate(minutes)
    ]  # fmt: skip
    return mine, entries


def told(quantity: str, amount: str, text: str = "Discovery", rate: Decimal = RATE) -> dict[str, str]:
    return {"description": text, "quantity": quantity, "unit_price": str(rate), "amount": amount}


def ties(found: Credited) -> bool:
    return all(
        sum((each["amount"] for each in found.evidence if each["line"] == one["line"]), found.rounding[one["line"]])
        == one["amount"]
        for one in found.lines
    )


def test_a_part_is_taken_back_from_the_last_day_on_and_the_entry_between_is_cut() -> None:
    mine, entries = line("01", [60, 120, 60])
    found = credited([mine], entries, [told("-2.0", "-680.00")], "USD")
    assert [(each["source_id"], each["minutes"], each["amount"]) for each in found.evidence] == [
        ("01/2", -60, Decimal("-340.00")),
        ("01/1", -60, Decimal("-340.00")),
    ]
    assert ties(found)
    assert (found.unmatched, found.rounding["01"]) == ([], 0)


def test_a_line_that_is_credited_whole_takes_every_entry_back_to_the_cent() -> None:
    mine, entries = line("01", [50, 50, 25])
    found = credited([mine], entries, [told(f"-{mine['quantity']}", f"-{mine['amount']}")], "USD")
    assert sum(each["minutes"] for each in found.evidence) == -125
    assert [-each["amount"] for each in found.evidence] == [each["amount"] for each in reversed(entries)]
    assert found.rounding["01"] == -mine["rounding"]


def test_what_corrects_nothing_of_ours_or_more_than_there_is_is_told() -> None:
    mine, entries = line("01", [60])
    for wrong in (
        told("-1.0", "-340.00", text="Goodwill"),
        told("-1.0", "-300.00", rate=Decimal("300.00")),
        told("-2.0", "-680.00"),
        told("1.0", "340.00"),
    ):
        found = credited([mine], entries, [wrong], "USD")
        assert found.unmatched == [wrong["description"]]
        assert found.evidence == []


def test_lines_of_one_text_are_told_apart_by_their_price() -> None:
    dear, dear_entries = line("01", [60])
    cheap, cheap_entries = line("02", [60], rate=Decimal("175.00"))
    found = credited(
        [dear, cheap], [*dear_entries, *cheap_entries], [told("-1.0", "-175.00", rate=Decimal("175.00"))], "USD"
    )
    assert [each["line"] for each in found.evidence] == ["02"]


@given(
    st.lists(st.integers(1, 600), min_size=1, max_size=12),
    st.lists(st.decimals("0.01", "3.00", places=2), max_size=6),
    st.sampled_from([Decimal("340.00"), Decimal("175.25"), Decimal("99.99")]),
)
def test_t16_however_often_a_part_is_credited_what_stands_is_billed_less_credited_per_entry(
    minutes: list[int], parts: list[Decimal], rate: Decimal
) -> None:
    mine, entries = line("01", minutes, rate=rate)
    standing = {each["source_id"]: dict(each) for each in entries}
    for part in parts:
        amount = Money(rate * part, "USD").rounded().amount
        found = credited([mine], list(standing.values()), [told(f"-{part}", f"-{amount}", rate=rate)], "USD")
        if found.unmatched:
            continue
        assert ties(found)
        for each in found.evidence:
            stands = standing[each["source_id"]]
            for name in ("minutes", "amount", "worth"):
                stands[name] += each[name]
            assert stands["minutes"] >= 0
            assert stands["amount"] >= 0
        standing = {key: each for key, each in standing.items() if each["minutes"] or each["amount"]}
    billed = sum(minutes)
    assert sum(each["minutes"] for each in standing.values()) <= billed
    rest = credited(
        [mine], list(standing.values()),
        [told(f"-{Decimal(sum(each['minutes'] for each in standing.values())) / 60}", "-1.00", rate=rate)], "USD",
    )  # fmt: skip
    assert sum(each["minutes"] for each in rest.evidence) + sum(each["minutes"] for each in standing.values()) == 0


def test_saboteur_a_credit_per_period_and_not_per_entry_does_not_find_the_work() -> None:
    mine, entries = line("01", [60, 60])
    note = [told("-2.0", "-680.00")]
    assert credited([mine], entries, note, "USD").unmatched == []
    assert credited([mine], entries, note, "USD", sabotage=frozenset(("per_period",))).unmatched == ["Discovery"]
