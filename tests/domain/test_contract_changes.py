"""A change order makes the next version: by clause, with nothing else moved, and never below what is done (T34, T36)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tieout.domain.amending import Done, change_problems, reductions_below, revenue_facts, terms_of_change
from tieout.domain.charging.billing import Ledger, agreement_of
from tieout.domain.charging.due import due
from tieout.domain.charging.preview import preview
from tieout.domain.contract_changes import Clause, amended, clauses, differences
from tieout.domain.documents.change_order import ChangeLine, ChangeOrder
from tieout.domain.documents.engagement import Contract, ContractVersion, Engagement
from tieout.domain.documents.package import PackageTask, ServicePackage
from tieout.domain.documents.plans import TimePlan
from tieout.domain.documents.project import Project
from tieout.domain.documents.terms import Cap, ExpenseTerms, FixedTerms, Instalment, PeriodTerms, Sold
from tieout.domain.firm import Firm
from tieout.domain.planning import first_contract, plan_projects
from tieout.domain.readiness import enrich
from tieout.domain.replanning import replanned
from tieout.domain.values import ValueTables

from .test_billing_decision import entry

Make = Callable[..., Any]
CHANGE = date(2026, 10, 15)
ENG = "ENG-00000001"
SPRINT = ServicePackage(
    key="CHANGE-SPRINT",
    name="Change Sprint",
    practice="Data & AI",
    tasks=(PackageTask(name="Training", role="Consultant", hours=Decimal(16)),),
)


def line(action: str, instance: str = "P-1", amount: int = 0, **facts: Any) -> ChangeLine:
    return ChangeLine(id="L", action=action, instance=instance, amount=Decimal(amount), **facts)  # pyright: ignore[reportArgumentType]


def order(*lines: ChangeLine, **facts: Any) -> ChangeOrder:
    complete: dict[str, Any] = {
        "key": "CHG-1", "name": "CO-00001", "engagement": ENG, "state": "approved", "effective_from": CHANGE,
        "requested_by": "m@k.example", "approved_by": "a@k.example", "approved_at": datetime(2026, 10, 13, tzinfo=UTC),
        "lines": lines, "source_id": "a01",
    }  # fmt: skip
    return ChangeOrder(**{**complete, **facts})


class Case:
    """A deal of one package, sold as P-1 for 98,000, not to exceed that."""

    def __init__(self, firm: Firm, deal: Engagement) -> None:
        self.firm = firm.model_copy(update={"packages": (*firm.packages, SPRINT)})
        self.deal = deal
        enriched, problems = enrich(deal, self.firm, ValueTables(firm.shipped_rows("folder")), on=CHANGE, link="")
        assert enriched is not None, problems
        self.card = firm.rate_cards[0]
        self.contract = first_contract(deal, enriched, effective_from=date(2026, 10, 1))
        (self.project,) = plan_projects(deal, self.contract.current, enriched, self.card, key="PRJ-1")

    @property
    def first(self) -> ContractVersion:
        return self.contract.current

    def problems(self, change: ChangeOrder) -> list[str]:
        found = change_problems(
            self.contract, change, self.project.tasks, self.firm, self.card, deal="Globex", link="/x"
        )
        return [each.facts["reason"] for each in found]

    def after(self, change: ChangeOrder) -> ContractVersion:
        packages = {each.package: self.firm.package(each.package) for each in change.lines if each.package}
        return amended(self.first, change, packages)  # pyright: ignore[reportArgumentType]

    def project_after(self, change: ChangeOrder) -> Project:
        (project,) = replanned(
            [self.project], self.first, self.after(change), change, self.firm, self.card, key="PRJ-1", deal="Globex"
        )
        return project

    def below(
        self, change: ChangeOrder, done: Done, sabotage: frozenset[str] = frozenset()
    ) -> list[tuple[str, str, str]]:
        found = reductions_below(
            self.first,
            self.after(change),
            change,
            self.project.tasks,
            done,
            deal="Globex",
            link="/x",
            sabotage=sabotage,
        )
        return [(each.facts["label"], each.facts["after"], each.facts["done"]) for each in found]


@pytest.fixture
def case(make_firm: Make, make_deal: Make) -> Case:
    firm = make_firm()
    capped = firm.packages[0].model_copy(update={"billing": TimePlan(cap="sold_amount")})
    firm = firm.model_copy(update={"packages": (capped,)})
    deal: Engagement = make_deal()
    lines = tuple(
        each.model_copy(update={"instance": "P-1", "package": "DATA-FOUNDATION", "role": "Principal"})
        for each in deal.lines
    )
    return Case(firm, deal.model_copy(update={"lines": lines}))


def test_more_of_a_task_moves_the_amount_the_sale_its_limit_and_nothing_else(case: Case) -> None:
    change = order(line("change", amount=4080, task="Discovery", hours=Decimal(60)))
    assert case.problems(change) == []
    assert differences(case.first, case.after(change)) == [
        Clause("amount", "98,000.00 USD", "102,080.00 USD"),
        Clause(f"{ENG}/P-1 “Data Foundation” amount", "98,000.00 USD", "102,080.00 USD"),
        Clause(f"limit {ENG}/P-1/cap amount", "98000", "102080"),
    ]
    assert (case.after(change).version, case.after(change).effective_from, case.after(change).order) == (
        2,
        CHANGE,
        "CHG-1",
    )
    project = case.project_after(change)
    assert [(each.key, each.name, each.hours) for each in project.tasks] == [
        ("PRJ-1/01", "Discovery", Decimal(60)), ("PRJ-1/02", "Reporting", Decimal(120)),
    ]  # fmt: skip
    assert (project.contract_version, project.budget, project.end) == (2, Decimal(102080), case.project.end)


def test_a_new_package_is_a_sale_of_its_own_with_the_tasks_of_its_template(case: Case) -> None:
    change = order(
        line(
            "add",
            "P-2",
            5000,
            package="CHANGE-SPRINT",
            task="Training",
            role="Consultant",
            hours=Decimal(20),
            end=date(2027, 2, 26),
        ),
        line("add", "P-2", 1000, task="Town hall", role="Principal", hours=Decimal(3)),
    )
    assert case.problems(change) == []
    after = case.after(change)
    new = after.sold[-1]
    assert (new.id, new.amount, new.start, new.end) == (f"{ENG}/P-2", Decimal(6000), CHANGE, date(2027, 2, 26))
    assert new.hours == {"Consultant": Decimal(20), "Principal": Decimal(3)}
    assert after.amount == sum(each.amount for each in after.sold)
    project = case.project_after(change)
    assert [(each.key, each.name, each.hours, each.rate) for each in project.tasks[2:]] == [
        ("PRJ-1/03", "Change Sprint: Training", Decimal(20), Decimal("180.00")),
        ("PRJ-1/04", "Change Sprint: Town hall", Decimal(3), Decimal("350.00")),
    ]
    assert project.end == date(2027, 2, 26)
    again = replanned([project], case.first, after, change, case.firm, case.card, key="PRJ-1", deal="Globex")
    assert again == [project]


def test_what_is_removed_takes_no_more_time_and_leaves_the_contract(case: Case) -> None:
    task = case.project_after(order(line("remove", amount=-1000, task="Reporting"))).tasks[1]
    assert (task.key, task.open) == ("PRJ-1/02", False)
    change = order(line("remove", amount=-98000))
    assert case.problems(change) == []
    after = case.after(change)
    assert (after.sold, after.caps, after.amount) == ((), (), Decimal(0))
    assert [each.open for each in case.project_after(change).tasks] == [False, False]


def test_dates_and_limits_are_what_the_order_says(case: Case) -> None:
    change = order(line("change", end=date(2027, 1, 29), cap=Decimal(120000)))
    after = case.after(change)
    assert (after.sold[0].end, after.caps[0].amount, case.project_after(change).end) == (
        date(2027, 1, 29), Decimal(120000), date(2027, 1, 29),
    )  # fmt: skip
    bare = case.first.model_copy(update={"caps": ()})
    limited = amended(bare, order(line("change", cap=Decimal(5))), {})
    assert limited.caps == (Cap(key=f"{ENG}/P-1/cap", scope="line", lines=(f"{ENG}/P-1",), amount=Decimal(5)),)


def test_a_limit_of_its_own_stays_when_the_sale_grows(case: Case) -> None:
    own = case.first.model_copy(update={"caps": (Cap(key="PO", lines=(f"{ENG}/P-1",), amount=Decimal(7)),)})
    assert amended(own, order(line("change", amount=10)), {}).caps == own.caps


def test_a_line_without_a_name_is_about_the_only_sale_there_is(case: Case) -> None:
    assert case.after(order(line("change", "", 10))).sold[0].amount == Decimal(98010)


def test_a_fixed_fee_grows_by_one_instalment_and_other_fees_are_sold_anew(case: Case) -> None:
    fee = FixedTerms(instalments=(Instalment(key="01", name="All", amount=Decimal(98000), due=CHANGE),))
    sold = case.first.sold[0].model_copy(update={"terms": fee})
    case.contract = case.contract.model_copy(update={"versions": (case.first.model_copy(update={"sold": (sold,)}),)})
    assert case.problems(order(line("change", amount=500))) == []
    terms = case.after(order(line("change", amount=500))).sold[0].terms
    assert isinstance(terms, FixedTerms)
    assert [each.amount for each in terms.instalments] == [Decimal(98000), Decimal(500)]
    assert case.problems(order(line("change", amount=-500))) == [
        "the fee of “Data Foundation” cannot be moved: remove the sale and add it anew"
    ]
    monthly = sold.model_copy(update={"terms": PeriodTerms(amount=Decimal(10), start=CHANGE)})
    case.contract = case.contract.model_copy(update={"versions": (case.first.model_copy(update={"sold": (monthly,)}),)})
    assert len(case.problems(order(line("change", amount=500)))) == 1


def test_a_subscription_ends_on_another_day_where_it_was_not_sold_for_its_whole_time(case: Case) -> None:
    def monthly(whole: Decimal | None) -> None:
        fee = PeriodTerms(amount=Decimal(310), start=date(2026, 9, 1), end=date(2027, 8, 31), whole=whole)
        sold = case.first.sold[0].model_copy(update={"terms": fee, "start": fee.start, "end": fee.end})
        case.contract = case.contract.model_copy(
            update={"versions": (case.first.model_copy(update={"sold": (sold,)}),)}
        )

    shorter = order(line("change", end=date(2026, 11, 10)))
    monthly(None)
    assert case.problems(shorter) == []
    terms = case.after(shorter).sold[0].terms
    assert isinstance(terms, PeriodTerms)
    assert (terms.start, terms.end) == (date(2026, 9, 1), date(2026, 11, 10))
    # November is due on its first day, when the change is in force: it counts by its days.
    versions = [case.contract.current, case.after(shorter)]
    found = due(versions, case.firm, through=date(2026, 12, 31), accepted={}, readings={})
    assert [(str(each.event.day), str(each.event.worth.amount)) for each in found] == [
        ("2026-09-01", "310.00"), ("2026-10-01", "310.00"), ("2026-11-01", "103.33")
    ]  # fmt: skip
    monthly(Decimal(3720))
    assert case.problems(shorter) == ["the fee of “Data Foundation” cannot be moved: remove the sale and add it anew"]
    assert case.problems(order(line("change", end=date(2027, 8, 31)))) == []


def test_everything_that_is_wrong_is_said_at_once(case: Case) -> None:
    change = order(
        line("change", "P-9", 1),
        line("add", "P-3", 1, package="NOWHERE"),
        line("change", task="Sculpture"),
        line("add", task="Workshop"),
        line("change", task="Discovery", role="Consultant"),
        line("add", task="Piloting", role="Astronaut", hours=Decimal(1)),
        line("change", task="Reporting", rate=Decimal(200)),
        effective_from=date(2026, 9, 1), amount=Decimal(5),
    )  # fmt: skip
    assert case.problems(change) == [
        "it would hold from 2026-09-01, before version 1 does (2026-10-01)",
        "its head says 5.00 USD, its lines come to 2.00 USD",
        "“P-9” is about a sale that the contract does not have",
        "the firm folder has no package NOWHERE",
        "the project has no task “Sculpture”",
        "the new task “Workshop” needs a role and hours",
        "the task “Discovery” is done by a Principal; another role needs another task",
        "the rate card US 2026 has no rate for “Astronaut” on 2026-09-01",
        "it says 200 for “Consultant”, the rate card US 2026 says 175.00 on that day",
    ]
    assert case.problems(order(effective_from=None)) == [
        "it does not say from which day on it holds",
        "it has no lines",
    ]
    two = case.first.model_copy(update={"sold": (*case.first.sold, Sold(id=f"{ENG}/P-2", package="X"))})
    case.contract = case.contract.model_copy(update={"versions": (two,)})
    assert case.problems(order(line("change", "", 1))) == [
        "“L” does not say which package it is about, and there are 2"
    ]


def test_nothing_falls_below_what_is_worked_or_billed(case: Case) -> None:
    sale = f"{ENG}/P-1"
    done = Done(worked={sale: Decimal(60000)}, billed={sale: Decimal(70000)}, minutes={"PRJ-1/01": 1800})
    change = order(
        line("change", amount=-38000, cap=Decimal(50000)), line("change", task="Discovery", hours=Decimal(20))
    )
    assert case.below(change, done) == [
        ("“Data Foundation”", "60,000.00 USD", "70,000.00 USD"),
        ("the limit of “Data Foundation”", "50,000.00 USD", "70,000.00 USD billed"),
        ("the task “Discovery”", "20 hours", "30.00 hours"),
    ]
    assert case.below(order(line("remove", amount=-98000)), done) == [
        ("“Data Foundation”", "0.00 USD", "70,000.00 USD")
    ]
    assert case.below(order(line("remove", task="Discovery")), done) == [
        ("the task “Discovery”", "0 hours", "30.00 hours")
    ]
    enough = order(line("change", amount=-28000, task="Discovery", hours=Decimal(30)))
    assert case.below(enough, done) == []
    more = order(line("change", amount=1, task="Discovery", hours=Decimal(70)))
    assert case.below(more, Done(worked={sale: Decimal(1_000_000)}, minutes={"PRJ-1/01": 99_999})) == []


REDUCTIONS = st.tuples(
    st.integers(-98_000, 0), st.integers(0, 60), st.integers(0, 98_000), st.integers(0, 98_000), st.integers(0, 3600)
)


def leaves_enough(
    case: Case, reduction: tuple[int, int, int, int, int], sabotage: frozenset[str] = frozenset()
) -> None:
    """What an order that is not refused leaves of a sale and of a task: no less than was worked and billed before."""
    amount, hours, worked, billed, minutes = reduction
    sale = f"{ENG}/P-1"
    change = order(line("change", amount=amount), line("change", task="Discovery", hours=Decimal(hours)))
    done = Done({sale: Decimal(worked)}, {sale: Decimal(billed)}, {"PRJ-1/01": minutes})
    if case.below(change, done, sabotage):
        return
    (sold,) = case.after(change).sold
    assert sold.amount >= min(case.first.sold[0].amount, Decimal(max(worked, billed)))
    before, after = (each.tasks[0].hours * 60 for each in (case.project, case.project_after(change)))
    assert after >= min(before, Decimal(minutes))


def test_t36_whatever_is_agreed_leaves_no_less_than_what_is_done(case: Case) -> None:
    @settings(deadline=None)
    @given(REDUCTIONS)
    def holds(reduction: tuple[int, int, int, int, int]) -> None:
        leaves_enough(case, reduction)

    holds()


@pytest.mark.parametrize("lack", ["forgets_the_worked", "forgets_the_tasks"])
def test_t36_a_reduction_that_forgets_what_is_done_is_noticed(case: Case, lack: str) -> None:
    def breaks(reduction: tuple[int, int, int, int, int]) -> bool:
        try:
            leaves_enough(case, reduction, frozenset({lack}))
        except AssertionError:
            return True
        return False

    find(REDUCTIONS, breaks, settings=settings(max_examples=3000, deadline=None, phases=(Phase.generate,)))


def test_finance_accepts_what_is_above_the_limit_and_what_reaches_back(case: Case) -> None:
    def terms(amount: int, today: date, *moved: str) -> list[str]:
        change = order(line("change", amount=amount))
        return terms_of_change(case.first, case.after(change), change, case.firm, today=today, moved=moved)

    assert terms(1000, CHANGE) == []
    assert terms(200000, CHANGE) == ["CO-00001: the contract comes to 298,000.00 USD, above 250,000.00 USD"]
    assert terms(-5, date(2026, 10, 20), "2 events") == ["CO-00001 holds from 2026-10-15, before today: 2 events"]
    assert terms(-5, date(2026, 10, 20)) == []


def test_finance_is_told_the_facts_and_not_the_treatment(case: Case) -> None:
    change = order(line("add", "P-2", 5000, package="CHANGE-SPRINT"), line("remove", amount=-98000))
    after = case.after(change)
    told = revenue_facts(
        case.first, after, change, differences(case.first, after), Done(billed={f"{ENG}/P-1": Decimal(12)})
    )
    assert told.startswith(
        "holds from 2026-10-15; approved by a@k.example on 2026-10-13; adds Change Sprint; ends Data Foundation; "
    )
    assert "worked or billed so far 12.00 USD of 98,000.00 USD" in told
    assert "adds no package" in revenue_facts(case.first, case.first, order(approved_at=None), [], Done())


def test_a_preview_counts_what_would_be_decided_otherwise(case: Case) -> None:
    small = case.first.model_copy(update={"caps": (Cap(key="NTE", amount=Decimal(100)),)})
    larger = amended(small, order(line("change", cap=Decimal(1)), effective_from=date(2026, 10, 1)), {})
    raised = larger.model_copy(update={"caps": (Cap(key="NTE", amount=Decimal(150)),)})
    ledger = Ledger([entry("a", 60, sold=f"{ENG}/P-1", day=2), entry("b", 6, sold=f"{ENG}/P-1", day=1)], (), (), {})
    was, becomes = agreement_of(small, elsewhere={}), agreement_of(small, raised, elsewhere={})
    assert preview(was, becomes, ledger) == [
        "1 event not billed yet would be decided anew, 81.67 USD to bill becomes 131.25 USD"
    ]
    assert preview(was, was, ledger) == []
    both = agreement_of(small, raised.model_copy(update={"sold": ()}), elsewhere={})
    assert preview(was, both, ledger)[0].startswith("2 events")


def test_a_clause_is_read_as_a_sentence_and_expenses_are_clauses_too(case: Case) -> None:
    passed_on = case.first.model_copy(update={"expenses": {"visa fees": ExpenseTerms(treatment="disbursement")}})
    there = differences(case.first, passed_on)
    assert [str(each) for each in there] == [
        "expenses for visa fees treatment: nothing → disbursement", "expenses for visa fees markup: nothing → 0",
    ]  # fmt: skip


def test_a_contract_knows_which_order_made_which_version(case: Case) -> None:
    change = order(line("change", amount=5))
    contract = Contract.model_validate({**case.contract.model_dump(), "versions": (case.first, case.after(change))})
    made = contract.made_by("CHG-1")
    assert made is contract.current
    assert contract.made_by("CHG-2") is None
    assert contract.before(contract.current) == case.first


AMOUNTS = st.integers(-5000, 5000)
LINES = st.lists(
    st.tuples(st.sampled_from(["add", "change"]), st.sampled_from(["P-1", "P-2", "P-3"]), AMOUNTS, st.one_of(st.none(), st.integers(0, 9))),
    min_size=1, max_size=6,
)  # fmt: skip
BASE = ContractVersion(
    version=1, effective_from=date(2026, 10, 1), amount=Decimal(10000), currency="USD", lines=(),
    sold=(Sold(id=f"{ENG}/P-1", package="A", amount=Decimal(10000)),),
)  # fmt: skip


@given(LINES)
def test_the_diff_is_empty_only_for_the_same_and_says_each_clause_once_in_both_directions(
    drawn: list[tuple[str, str, int, int | None]],
) -> None:
    change = order(
        *(
            line(action, name, amount, package="CHANGE-SPRINT", cap=None if cap is None else Decimal(cap))
            for action, name, amount, cap in drawn
        )
    )
    after = amended(BASE, change, {"CHANGE-SPRINT": SPRINT})
    assert after.amount == BASE.amount + change.delta == sum(each.amount for each in after.sold)
    there, back = differences(BASE, after), differences(after, BASE)
    assert len({each.what for each in there}) == len(there)
    assert {(each.what, each.after, each.before) for each in back} == {
        (each.what, each.before, each.after) for each in there
    }
    assert (there == []) == (clauses(BASE) == clauses(after))
    patched = {**clauses(BASE), **{each.what: each.after for each in there}}
    assert {name: text for name, text in patched.items() if text} == clauses(after)
    assert differences(after, after) == []
