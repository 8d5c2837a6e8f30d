"""Whatever a contract sells, month after month: cents are conserved, limits hold, asking again and another order change nothing."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tieout.domain.charging.billing import Decision, Ledger, above_caps, agreement_of, decide
from tieout.domain.charging.due import due, released, without_product
from tieout.domain.charging.expenses import expenses
from tieout.domain.charging.fees import Accepted, Reading
from tieout.domain.charging.pieces import LASTING, Piece
from tieout.domain.documents.customer import Customer
from tieout.domain.documents.engagement import ContractVersion, Engagement
from tieout.domain.documents.package import ServicePackage
from tieout.domain.documents.project import Project
from tieout.domain.documents.terms import (
    Block,
    Cap,
    FixedTerms,
    Instalment,
    PeriodTerms,
    RetainerTerms,
    Sold,
    Tier,
    TimeTerms,
    UsageTerms,
)
from tieout.domain.firm import Firm, LegalEntity
from tieout.domain.problems import Problem
from tieout.domain.proposal import Proposal, differences, propose

DEAL = Engagement(
    key="ENG-00000001", name="All kinds", stage="won", customer=Customer(key="CUS-1", name="Globex", source_id="1"),
    currency="USD", source_id="006",
)  # fmt: skip
PROJECT = Project(
    key="PRJ-1", engagement=DEAL.key, name="All kinds", customer="CUS-1", legal_entity="US", currency="USD",
    department="410", contract_version=1, budget=Decimal(1), rate_card="US", tasks=(),
)  # fmt: skip
FIRM = Firm(
    name="Kestrel",
    entities=(LegalEntity(code="US", name="Kestrel Inc.", currency="USD"),),
    connections={},
    packages=tuple(
        ServicePackage(
            key=key, name=key.title(), practice="Data", product="Fixed fee", prepaid_product=prepaid, tasks=()
        )
        for key, prepaid in (("ADVISORY", ""), ("BUILD", ""), ("RETAINER", "Prepaid hours"), ("CARE", ""), ("DATA", ""))
    ),
)
MONTHS = (date(2026, 10, 31), date(2026, 11, 30), date(2026, 12, 31))
Entries = Sequence[Mapping[str, Any]]


@dataclass
class World:
    """What an engagement sold, and what happens in it; the source may tell all of it anew each month, and otherwise."""

    contract: ContractVersion
    entries: Sequence[Entries]
    accepted: Sequence[Mapping[str, Accepted]]
    readings: Sequence[Sequence[Reading]] = ((), (), ())
    spent: Sequence[Entries] = ((), (), ())


@dataclass
class Books:
    """What is stored of one engagement, in memory: evidence beneath each invoice, and the pieces that last."""

    contract: ContractVersion
    ledger: Ledger = field(default_factory=lambda: Ledger((), (), (), {}))
    invoices: list[Proposal] = field(default_factory=list[Proposal])

    def cut_off(self, world: World, month: int, sabotage: frozenset[str] = frozenset()) -> Decision:
        through, accepted = MONTHS[month], world.accepted[month]
        dues = due(
            [self.contract],
            FIRM,
            through=through,
            accepted=accepted,
            readings={"usage": world.readings[month]},
        )
        assert not without_product(dues, link="")
        dues += expenses([{**each, "waits": each["waits"] or each["day"] > through} for each in world.spent[month]])
        entries = [{**each, "waits": each["work_date"] > through} for each in world.entries[month]]
        self.ledger = replace(self.ledger, entries=entries, dues=dues)
        terms = agreement_of(
            self.contract, elsewhere={}, released=released(self.contract, through=through, accepted=accepted)
        )

        def proposed(work: Entries) -> tuple[Proposal | None, list[Problem]]:
            return propose(DEAL, PROJECT, work, period=f"{through:%Y-%m}", today=through)

        made = decide(terms, self.ledger, proposed, sabotage=sabotage)
        if not made.problems:
            self._write(made)
        return made

    def _write(self, made: Decision) -> None:
        lasting = [_row(each) for each in made.pieces if each.fate in LASTING and each.fate != "bill"]
        self.ledger = replace(self.ledger, pieces=[*self.ledger.pieces, *lasting])
        if made.proposal is None:
            return
        self.invoices.append(made.proposal)
        rounding = dict(self.ledger.rounding)
        for line, amount in made.proposal.rounding.items():
            sold = next(each["sold"] for each in made.proposal.evidence if each["line"] == line)
            rounding[sold] = rounding.get(sold, Decimal(0)) + amount
        roles = {each.key: each.role for each in made.proposal.invoice.lines}
        evidence = [*self.ledger.evidence, *({**each, "role": roles[each["line"]]} for each in made.proposal.evidence)]
        self.ledger = replace(self.ledger, evidence=evidence, rounding=rounding)

    def net(self, sold: Sequence[str] = ()) -> Decimal:
        found = Decimal(0)
        for each in self.invoices:
            of = {row["line"]: row["sold"] for row in each.evidence}
            found += sum((line.amount for line in each.invoice.lines if not sold or of[line.key] in sold), Decimal(0))
        return found

    def worth(self, made: Decision) -> Decimal:
        """Of everything decided: what is billed, what lasts, and what this decision says of the rest."""
        waits = sum((each.worth.amount for each in made.pieces if each.fate not in LASTING), Decimal(0))
        return waits + sum((each["worth"] for each in (*self.ledger.evidence, *self.ledger.pieces)), Decimal(0))


def _row(piece: Piece) -> dict[str, Any]:
    connection, _, source_id = piece.ref.partition("/")
    return {
        "connection": connection, "source_id": source_id, "kind": piece.kind, "sold": piece.sold, "task": piece.task,
        "role": piece.role, "work_date": piece.day, "fate": piece.fate, "minutes": piece.minutes,
        "worth": piece.worth.amount, "agreed": piece.agreed, "rate": piece.rate, "why": piece.why,
        "whole": piece.whole,
    }  # fmt: skip


def happened(books: Books) -> Decimal:
    """What all that happened is worth, event by event; of what waits, what was decided of it before."""
    waiting = {f"{each['connection']}/{each['source_id']}" for each in books.ledger.entries if each["waits"]}
    waiting |= {each.event.ref for each in books.ledger.dues if each.waits}
    decided = [*books.ledger.evidence, *books.ledger.pieces]
    stands = sum(
        (each["worth"] for each in decided if f"{each['connection']}/{each['source_id']}" in waiting), Decimal(0)
    )
    hours = (
        (each["agreed_rate"] * each["minutes"] / 60).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        for each in books.ledger.entries
        if not each["waits"]
    )
    return (
        stands
        + sum(hours, Decimal(0))
        + sum((each.event.worth.amount for each in books.ledger.dues if not each.waits), Decimal(0))
    )


def play(world: World, sabotage: frozenset[str] = frozenset(), seed: int | None = None) -> Books:
    """Three months; each is asked for until it comes to rest, and must then stay as it is."""
    books, order = Books(world.contract), random.Random(seed)
    for month in range(len(MONTHS)):
        now = world
        if seed is not None:
            mixed = [order.sample(list(each), len(each)) for each in world.entries]
            sold = tuple(order.sample(list(world.contract.sold), len(world.contract.sold)))
            bills = [order.sample(list(each), len(each)) for each in world.spent]
            metered = [order.sample(list(each), len(each)) for each in world.readings]
            now = replace(world, entries=mixed, spent=bills, readings=metered)
            books.contract = world.contract.model_copy(update={"sold": sold})
        made = books.cut_off(now, month, sabotage)
        for _ in range(6):
            if made.problems:
                return books  # a credit note, which finance decides: nothing is written
            assert books.worth(made) == happened(books)
            for cap in world.contract.caps:
                assert books.net(cap.lines) <= (cap.amount or 0)
            made = books.cut_off(now, month, sabotage)
        assert [each for each in made.pieces if each.fate in LASTING] == []
        lines = [line for each in books.invoices for line in each.invoice.lines]
        assert sum((each["amount"] for each in books.ledger.evidence), Decimal(0)) + sum(
            books.ledger.rounding.values(), Decimal(0)
        ) == sum((each.amount for each in lines), Decimal(0))
    return books


# -- random contracts, and what happens under them


def entry(source: str, minutes: int, rate: str, sold: str, day: date) -> dict[str, Any]:
    return {
        "connection": "psa", "source_id": source, "version": "v1", "task": f"T-{sold}", "role": "Consultant",
        "agreed_rate": Decimal(rate), "minutes": minutes, "person": "K1", "work_date": day, "approved_by": "L",
        "approved_at": datetime(2026, 10, 9, tzinfo=UTC), "contract_version": 1, "rate_card": "US", "rate_card_version": 1,
        "mapping": "m@1", "sold": sold,
    }  # fmt: skip


def expense(source: str, amount: Decimal | None, treatment: str, sold: str, day: date, waits: bool) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ("version", "person", "notes", "rate", "rate_date", "project_rate", "project_rate_date", "receipt_amount",
         "receipt_currency", "claim_amount", "claim_currency", "approved_by", "approved_at", "mapping")
    )  # fmt: skip
    return {
        **nothing, "connection": "psa", "project": "PRJ-1", "source_id": source, "day": day, "category": "Travel", "treatment": treatment,
        "markup": Decimal("0.05") if treatment == "recharge" else Decimal(0), "amount": amount, "currency": "USD",
        "input_tax": None if amount is None else (amount / 10).quantize(Decimal("0.01")), "product": "Expense",
        "sold": sold, "contract_version": 1, "waits": waits,
    }  # fmt: skip


AMOUNT = st.decimals(0, 3000, places=2)
DAY = st.dates(date(2026, 10, 1), date(2026, 12, 31))
SHARE = st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("0.5"), Decimal(1)])
FIXED = st.builds(
    lambda by_day, with_it, withheld, released: FixedTerms(
        instalments=(
            Instalment(key="01", name="Start", amount=by_day, due=date(2026, 10, 1)),
            Instalment(key="02", name="Go-live", amount=with_it, milestone="Go-live"),
        ),
        retainage=withheld, released=released,
    ),
    AMOUNT, AMOUNT, st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("0.333")]), st.one_of(st.none(), DAY),
)  # fmt: skip
RETAINER = st.builds(
    lambda price, hours, overage, rate: RetainerTerms(
        blocks=tuple(
            Block(key=f"2026-{month}", price=price, hours=hours, valid_from=date(2026, month, 1),
                  valid_until=date(2026, month, 30)) for month in (10, 11)
        ),
        overage=overage, overage_rates={} if rate is None else {"Consultant": rate},
    ),
    AMOUNT, st.decimals("0.5", 5, places=1), st.sampled_from(["bill", "hold", "non_billable"]),
    st.sampled_from([None, Decimal(210), Decimal("99.99")]),
)  # fmt: skip
PERIOD = st.builds(
    lambda amount, start, in_advance: PeriodTerms(amount=amount, start=start, in_advance=in_advance), AMOUNT, DAY, st.booleans()
)  # fmt: skip
USAGE = st.builds(
    lambda included, first, then, minimum: UsageTerms(
        unit="GB", included=included, tiers=(Tier(upto=Decimal(50), price=first), Tier(price=then)), minimum=minimum
    ),
    st.decimals(0, 20, places=1), st.decimals(0, 2, places=3), st.decimals(0, 2, places=3),
    st.sampled_from([Decimal(0), Decimal(30)]),
)  # fmt: skip
CAPS = st.lists(
    st.builds(
        Cap, key=st.uuids().map(str), amount=st.decimals(0, 6000, places=2),
        lines=st.sampled_from([(), ("time",), ("fixed", "period"), ("block",), ("usage",), ("time", "fixed", "block")]),
    ),
    max_size=3,
)  # fmt: skip
CONTRACTS = st.builds(
    lambda fixed, block, period, usage, caps: ContractVersion(
        version=1, effective_from=date(2026, 10, 1), amount=Decimal(1), currency="USD", lines=(), caps=tuple(caps),
        sold=(
            Sold(id="time", package="ADVISORY", terms=TimeTerms()), Sold(id="fixed", package="BUILD", terms=fixed),
            Sold(id="block", package="RETAINER", terms=block), Sold(id="period", package="CARE", terms=period),
            Sold(id="usage", package="DATA", terms=usage),
        ),
    ),
    FIXED, RETAINER, PERIOD, USAGE, CAPS,
)  # fmt: skip
ENTRIES = st.lists(
    st.builds(
        entry, st.sampled_from("abcdef"), st.integers(1, 300), st.sampled_from(["58.33", "175.00"]),
        st.sampled_from(["time", "fixed", "block", "period"]), DAY,
    ),
    max_size=6, unique_by=lambda each: each["source_id"],
)  # fmt: skip
SPENT = st.lists(
    st.builds(
        expense, st.sampled_from("abcd"), st.one_of(st.none(), st.decimals("0.01", 900, places=2)),
        st.sampled_from(["recharge", "disbursement", "non_billable"]), st.sampled_from(["time", "fixed", ""]), DAY,
        st.sampled_from([False, False, True]),
    ),
    max_size=4, unique_by=lambda each: each["source_id"],
)  # fmt: skip
READINGS = st.lists(
    st.builds(
        Reading, st.sampled_from("abcdef"), DAY, st.decimals(0, 60, places=2), st.integers(1, 3),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=5, unique_by=lambda each: each.ref,
)  # fmt: skip
ACCEPTED = st.builds(lambda share, day: {"Go-live": Accepted(share, day)}, SHARE, DAY)
WORLDS = st.builds(
    World, CONTRACTS, st.lists(ENTRIES, min_size=3, max_size=3), st.lists(ACCEPTED, min_size=3, max_size=3),
    st.lists(READINGS, min_size=3, max_size=3),
    st.lists(SPENT, min_size=3, max_size=3),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(WORLDS)
def test_of_every_kind_cents_are_conserved_limits_hold_and_asking_again_changes_nothing(world: World) -> None:
    play(world)


@settings(max_examples=60, deadline=None)
@given(WORLDS, st.integers(0, 9))
def test_the_order_in_which_things_arrive_changes_nothing(world: World, seed: int) -> None:
    first, second = play(world), play(world, seed=seed)
    assert [each.invoice.lines for each in first.invoices] == [each.invoice.lines for each in second.invoices]


@pytest.mark.parametrize("lack", ["no_memory", "no_caps", "by_arrival"])
def test_a_hub_that_forgets_something_is_noticed(lack: str) -> None:
    def breaks(world: World) -> bool:
        try:
            books = play(world, frozenset({lack}))
            other = play(world, frozenset({lack}), seed=1)
        except AssertionError:
            return True
        return [each.invoice.lines for each in books.invoices] != [each.invoice.lines for each in other.invoices]

    find(WORLDS, breaks, settings=settings(max_examples=3000, deadline=None, phases=(Phase.generate,)))


def test_each_kind_stands_on_a_line_of_its_own_with_what_it_stands_on() -> None:
    world = World(
        ContractVersion(
            version=3, effective_from=date(2026, 10, 1), amount=Decimal(1), currency="USD", lines=(),
            sold=(
                Sold(id="fixed", package="BUILD", description="Build", terms=FixedTerms(
                    instalments=(Instalment(key="01", name="Go-live", amount=Decimal(1000), milestone="Go-live"),),
                    retainage=Decimal("0.1"), released=date(2026, 11, 30))),
                Sold(id="block", package="RETAINER", terms=RetainerTerms(blocks=(
                    Block(key="2026-10-01", price=Decimal(1500), hours=Decimal(1), valid_from=date(2026, 10, 1)),),
                    overage_rates={"Consultant": Decimal(210)})),
                Sold(id="usage", package="DATA", terms=UsageTerms(unit="GB", tiers=(Tier(price=Decimal(2)),))),
            ),
        ),
        [[entry("a", 90, "175.00", "block", date(2026, 10, 5))]] * 3,
        [{"Go-live": Accepted(Decimal(1), date(2026, 10, 20))}] * 3,
        [[Reading("r1", date(2026, 10, 9), Decimal(7))], [Reading("r1", date(2026, 10, 9), Decimal(9), 2)], []],
    )  # fmt: skip
    books = Books(world.contract)
    books.cut_off(world, 0)
    (first,) = books.invoices
    assert [(each.kind, each.sold_as, str(each.amount)) for each in first.invoice.lines] == [
        ("time", "Consultant", "105.00"), ("fee", "Prepaid hours", "1500"), ("fee", "Fixed fee", "900.00"),
        ("usage", "Fixed fee", "14.00"),
    ]  # fmt: skip
    basis = {each["kind"] + each["sold"]: (each["contract_version"], each["basis"]) for each in first.evidence}
    assert basis["feefixed"] == (3, {
        "instalment": "01", "milestone": "Go-live", "accepted": "1", "accepted_on": "2026-10-20", "package": "BUILD",
        "package_version": "1", "name": "Build, Go-live", "product": "Fixed fee",
    })  # fmt: skip
    books.cut_off(world, 1)
    # What was withheld is released, and seven units were nine: what was billed is taken back and billed as it is.
    assert [(each.description, str(each.amount)) for each in books.invoices[1].invoice.lines] == [
        ("All kinds: Build, Go-live (retainage)", "100.00"), ("All kinds: DATA, 7 GB in 2026-10", "-14.00"),
        ("All kinds: DATA, 9 GB in 2026-10", "18.00"),
    ]  # fmt: skip
    sets = [each["basis"]["readings"] for one in books.invoices for each in one.evidence if each["kind"] == "usage"]
    assert sets[0] == sets[1] != sets[2]


def test_what_the_firm_sells_as_nothing_waits_for_a_product() -> None:
    fee = PeriodTerms(amount=Decimal(100), start=date(2026, 10, 1))
    agreed = ContractVersion(
        version=1, effective_from=date(2026, 10, 1), amount=Decimal(1), currency="USD", lines=(),
        sold=(Sold(id="x", package="GONE", terms=fee),),
    )  # fmt: skip
    dues = due([agreed], FIRM, through=date(2026, 11, 30), accepted={}, readings={})
    (problem,) = without_product(dues, link="/x")
    assert (problem.code, problem.facts["package"], problem.facts["amount"]) == (
        "billing.product_missing", "GONE", "200.00 USD",
    )  # fmt: skip


def test_what_became_due_under_a_version_stays_due_when_the_next_one_says_otherwise() -> None:
    def version(number: int, since: date, amount: int, *, moved: date) -> ContractVersion:
        fee = PeriodTerms(amount=Decimal(amount), start=date(2026, 10, 1))
        fixed = FixedTerms(instalments=(Instalment(key="01", name="Start", amount=Decimal(50), due=moved),))
        sold = (Sold(id="care", package="CARE", terms=fee), Sold(id="build", package="BUILD", terms=fixed))
        return ContractVersion(
            version=number, effective_from=since, amount=Decimal(1), currency="USD", lines=(), sold=sold[: 3 - number]
        )

    versions = [
        version(1, date(2026, 10, 1), 100, moved=date(2026, 10, 5)), version(2, date(2026, 11, 15), 70, moved=date(2026, 12, 9))
    ]  # fmt: skip
    found = due(versions, FIRM, through=date(2026, 12, 31), accepted={}, readings={})
    assert [(each.event.ref, str(each.event.worth.amount), each.contract_version) for each in found] == [
        ("care/2026-10", "100.00", 1), ("care/2026-11", "100.00", 1), ("build/01", "50.00", 1), ("care/2026-12", "70.00", 2)
    ]  # fmt: skip


def test_t31_a_recharge_is_cost_without_our_tax_and_with_its_markup_and_a_disbursement_is_what_was_paid() -> None:
    spent = [
        expense("1", Decimal("119.00"), "recharge", "", date(2026, 10, 5), waits=False),
        expense("2", Decimal("119.00"), "disbursement", "", date(2026, 10, 5), waits=False),
        expense("3", Decimal("119.00"), "non_billable", "", date(2026, 10, 5), waits=False),
        expense("4", None, "recharge", "", date(2026, 10, 5), waits=False),
    ]
    found = expenses(spent)
    assert [(each.event.ref, str(each.event.worth.amount), each.taxed, each.waits) for each in found] == [
        ("psa/expense/1", "112.46", True, False), ("psa/expense/2", "119.00", False, False), ("psa/expense/4", "0", True, True)
    ]  # fmt: skip


def test_what_is_passed_on_alone_is_expected_without_tax() -> None:
    books = Books(ContractVersion(version=1, effective_from=MONTHS[0], amount=Decimal(1), currency="USD", lines=()))
    passed_on = [expense("1", Decimal("80.00"), "disbursement", "", date(2026, 10, 5), waits=False)]
    books.cut_off(World(books.contract, [[]], [{}], spent=[passed_on]), 0)
    invoice = books.invoices[0].invoice.model_copy(update={"tax_class": "Sales tax 8%"})
    assert invoice.lines[0].kind == "expense"
    untaxed = {"net": "80.00", "tax": "0", "total": "80.00", "taxes": []}
    assert differences(invoice, untaxed, link="") == []
    taxed = {"net": "80.00", "tax": "6.40", "total": "86.40", "taxes": ["Sales tax 8%"]}
    (problem,) = differences(invoice, taxed, link="")
    assert (problem.code, problem.facts["expected"]) == ("invoice.tax_differs", "no tax")


def test_t38_hours_beyond_what_was_paid_ahead_that_wait_for_a_person_are_told() -> None:
    block = Block(key="B", price=Decimal(100), hours=Decimal(1), valid_from=date(2026, 10, 1))
    agreed = ContractVersion(
        version=1, effective_from=date(2026, 10, 1), amount=Decimal(1), currency="USD", lines=(),
        sold=(Sold(id="block", package="RETAINER", terms=RetainerTerms(blocks=(block,), overage="hold")),),
    )  # fmt: skip
    books = Books(agreed)
    made = books.cut_off(World(agreed, [[entry("a", 90, "175.00", "block", date(2026, 10, 5))]], [{}]), 0)
    told = above_caps(agreement_of(agreed, elsewhere={}), made.pieces, project="Data", link="/x")
    assert [(each.code, each.facts["cap"], each.facts["hours"], each.facts["amount"]) for each in told] == [
        ("billing.over_cap", "the hours paid ahead", "0.50", "87.50 USD")
    ]  # fmt: skip
