"""A sale with a project of its own: its key survives every quote, and each project is planned and billed for itself (T04)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tieout.domain.charging.billing import Decision, Ledger, agreement_of, decide
from tieout.domain.charging.fees import Accepted, Due, of_sale
from tieout.domain.charging.pieces import Event
from tieout.domain.contract_changes import amended, differences
from tieout.domain.documents.change_order import ChangeLine, ChangeOrder
from tieout.domain.documents.engagement import Contract, ContractLine, ContractVersion, Engagement
from tieout.domain.documents.package import PackageTask, ServicePackage
from tieout.domain.documents.project import Project
from tieout.domain.documents.terms import Cap, Sold
from tieout.domain.early_start import unlike
from tieout.domain.firm import Firm
from tieout.domain.identity import spelled
from tieout.domain.instances import instances_of
from tieout.domain.money import Money
from tieout.domain.paying import Payer, SplitBilling, proposed
from tieout.domain.planning import first_contract, plan_projects
from tieout.domain.projects import own_project, said, tasks_of, title
from tieout.domain.readiness import Enriched, enrich
from tieout.domain.replanning import replanned
from tieout.domain.values import ValueTables

Make = Callable[..., Any]
SIGNED, CHANGE = date(2026, 10, 1), date(2026, 10, 19)
ENG = "ENG-00000001"
OWN = f"PRJ-{spelled(f'{ENG}/P-2')}"
SPRINT = ServicePackage(
    key="CHANGE-SPRINT", name="Change Sprint", practice="Data & AI", project="sale",
    tasks=(PackageTask(name="Discovery", role="Consultant", hours=Decimal(16)),),
)  # fmt: skip


def line(row: str, package: str, amount: int, instance: str, **facts: Any) -> ContractLine:
    return ContractLine(
        id=row, description=row, package=package, amount=Decimal(amount), instance=instance, task="Discovery", **facts
    )


LINES = (
    line("r1", "DATA-FOUNDATION", 50000, "P-1", role="Principal", hours=Decimal(60)),
    line("r2", "CHANGE-SPRINT", 10000, "P-2", role="Consultant", hours=Decimal(20), start=CHANGE, end=date(2026, 11, 30)),
)  # fmt: skip


class Sale:
    """A deal of two packages, one of which is worked in a project of its own."""

    def __init__(self, make_deal: Make, firm: Firm, lines: Sequence[ContractLine] = LINES) -> None:
        self.firm = firm.model_copy(update={"packages": (*firm.packages, SPRINT)})
        self.deal: Engagement = make_deal(amount=Decimal(60000), lines=tuple(lines))
        enriched, problems = enrich(self.deal, self.firm, ValueTables(firm.shipped_rows("folder")), on=SIGNED, link="")
        assert enriched is not None, problems
        self.enriched: Enriched = enriched
        self.card = firm.rate_cards[0]
        self.contract: Contract = first_contract(self.deal, enriched, effective_from=SIGNED)

    def projects(self) -> list[Project]:
        return plan_projects(self.deal, self.contract.current, self.enriched, self.card, key="PRJ-1")


@pytest.fixture
def sale(make_deal: Make, firm: Firm) -> Sale:
    return Sale(make_deal, firm)


def test_t04_a_sale_of_its_own_project_has_its_own_tasks_budget_and_dates_and_the_deal_the_rest(sale: Sale) -> None:
    assert [each.project for each in sale.contract.current.sold] == ["", OWN]
    deal, own = sale.projects()
    assert (deal.key, deal.sold, deal.name, deal.package) == ("PRJ-1", "", "Globex data platform", "DATA-FOUNDATION")
    assert (own.key, own.sold, own.package) == (OWN, f"{ENG}/P-2", "CHANGE-SPRINT")
    assert own.name == "Globex data platform: Change Sprint"
    assert [(each.key, each.name, each.hours) for each in own.tasks] == [(f"{OWN}/01", "Discovery", Decimal(20))]
    assert own.of_template == own.tasks, "no task says whose it is: the project does"
    assert (deal.budget, own.budget) == (Decimal(50000), Decimal(10000))
    assert (own.start, own.end) == (CHANGE, date(2026, 11, 30))
    assert (deal.start, deal.end) == (sale.deal.start, sale.deal.end)
    assert {each.sold for each in deal.tasks} == {f"{ENG}/P-1"}
    assert title([deal, own], "Globex") == "Globex"
    assert title([deal], "Globex") == "Globex data platform"


def test_t04_a_new_quote_with_other_rows_in_another_order_gives_the_same_projects(
    make_deal: Make, firm: Firm, sale: Sale
) -> None:
    again = Sale(make_deal, firm, [each.model_copy(update={"id": f"x{each.id}"}) for each in reversed(LINES)])
    assert {each.key: each.sold for each in again.projects()} == {each.key: each.sold for each in sale.projects()}
    by_row = {
        own_project(SPRINT, each.id)
        for deal in (sale.deal, again.deal)
        for each in instances_of(deal, sabotage=frozenset(["by_row"]))
    }
    assert OWN not in by_row
    assert len(by_row) == 4, "a key by the rows would be another one with each quote"


def test_a_deal_of_nothing_but_such_sales_has_no_project_beside_theirs(make_deal: Make, firm: Firm) -> None:
    both = Sale(make_deal, firm, [line(f"r{n}", "CHANGE-SPRINT", 30000, f"P-{n}") for n in (1, 2)])
    projects = both.projects()
    assert [each.name for each in projects] == [
        "Globex data platform: Change Sprint 1", "Globex data platform: Change Sprint 2",
    ]  # fmt: skip
    assert all(each.sold for each in projects)
    assert sum(each.budget for each in projects) == both.contract.current.amount


def order(*lines: ChangeLine) -> ChangeOrder:
    return ChangeOrder(
        key="CHG-1", name="CO-00001", engagement=ENG, state="approved", effective_from=CHANGE, requested_by="m@k.example",
        approved_by="a@k.example", approved_at=datetime(2026, 10, 13, tzinfo=UTC), lines=lines, source_id="a01",
    )  # fmt: skip


def changed(sale: Sale, change: ChangeOrder, projects: Sequence[Project]) -> tuple[ContractVersion, list[Project]]:
    packages = {each.key: each for each in sale.firm.packages}
    after = amended(sale.contract.current, change, packages)
    args = (sale.contract.current, after, change, sale.firm, sale.card)
    return after, replanned(projects, *args, key="PRJ-1", deal=sale.deal.name)


def test_t34_an_order_that_speaks_of_one_project_moves_it_alone_and_both_stand_on_the_new_version(sale: Sale) -> None:
    more = ChangeLine(
        id="L", action="change", instance="P-2", task="Discovery", hours=Decimal(30), amount=Decimal(1800)
    )
    before = sale.projects()
    after, (deal, own) = changed(sale, order(more), before)
    assert (deal.contract_version, own.contract_version) == (2, 2)
    assert deal.tasks == before[0].tasks
    assert [each.hours for each in own.tasks] == [Decimal(30)]
    assert (deal.budget, own.budget) == (Decimal(50000), Decimal(11800))
    assert after.amount == deal.budget + own.budget
    assert changed(sale, order(more), [deal, own])[1] == [deal, own], "once"


def test_t34_an_order_that_sells_such_a_package_brings_its_project(sale: Sale) -> None:
    new = ChangeLine(
        id="L", action="add", instance="P-3", package="CHANGE-SPRINT", task="Discovery", role="Consultant",
        hours=Decimal(8), amount=Decimal(1440),
    )  # fmt: skip
    after, projects = changed(sale, order(new), sale.projects())
    third = projects[2]
    assert third.key == f"PRJ-{spelled(f'{ENG}/P-3')}"
    assert (third.name, third.budget) == ("Globex data platform: Change Sprint (P-3)", Decimal(1440))
    assert [(each.key, each.name, each.hours) for each in third.tasks] == [(f"{third.key}/01", "Discovery", Decimal(8))]
    assert len({each.key for each in tasks_of(projects)}) == len(tasks_of(projects))
    assert sum(each.budget for each in projects) == after.amount
    told = {each.what: each.after for each in differences(sale.contract.current, after)}
    assert told[f"{ENG}/P-3 “Change Sprint” project"] == third.key


def test_t06_work_that_began_in_one_project_and_is_signed_as_two_is_told(make_deal: Make, sale: Sale) -> None:
    assert unlike(sale.projects(), sale.deal, sale.enriched, link="") == []
    problems = unlike(sale.projects()[:1], sale.deal, sale.enriched, link="")
    first = problems[0].facts
    assert (first["label"], first["before"]) == ("the list of projects", "the deal's")
    assert first["now"] == f"the deal's, {ENG}/P-2"


def test_several_numbers_fit_in_the_one_field_that_a_crm_has() -> None:
    assert said(["PRJ-1"]) == "PRJ-1"
    assert said(["PRJ-1", "PRJ-2"]) == "PRJ-1, PRJ-2"
    many = said([f"PRJ-0000000{n}" for n in range(9)])
    assert many == "PRJ-00000000, PRJ-00000001, PRJ-00000002 and 6 more"
    assert len(many) <= 64


def test_t39_a_milestone_is_that_of_the_sale_s_own_project_and_no_other_s_of_its_name() -> None:
    day = Accepted(Decimal(1), SIGNED)
    accepted = {"Go-live": day, f"{OWN}/Report": day}
    assert of_sale(Sold(id="a", package="A"), accepted) == accepted
    assert of_sale(Sold(id="b", package="B", project=OWN), accepted) == {"Report": day}


# -- one decision, a proposal for each project

A, B = "CUS-AAAAAAAA", "CUS-BBBBBBBB"


def entry(source: str, minutes: int, project: Project, day: int = 5) -> dict[str, Any]:
    task = project.tasks[0]
    return {
        "connection": "psa", "source_id": source, "version": "v1", "task": task.key, "role": "Consultant", "sold": task.sold,
        "project": project.key, "agreed_rate": Decimal("180.00"), "minutes": minutes, "person": "K1",
        "work_date": date(2026, 10, day), "approved_by": "L", "approved_at": datetime(2026, 10, 9, tzinfo=UTC),
        "contract_version": 1, "rate_card": "US", "rate_card_version": 1, "mapping": "m@1", "kind": "time", "waits": False,
    }  # fmt: skip


def fee(project: Project, amount: str) -> Due:
    event = Event(f"hub/{project.key}", "fee", project.tasks[0].sold, SIGNED, Money.of(amount, "USD"))
    return Due(
        event, name="Fee", product="Fixed fee", basis={"package": "X"}, project=project.key if project.sold else ""
    )


def cut_off(
    sale: Sale,
    entries: Sequence[Mapping[str, Any]],
    dues: Sequence[Due] = (),
    *,
    cap: str = "",
    split: SplitBilling | None = None,
    evidence: Sequence[Mapping[str, Any]] = (),
    corrects: Mapping[tuple[str, str], Sequence[str]] | None = None,
    sabotage: frozenset[str] = frozenset(),
) -> Decision:
    caps = (Cap(key="cap", amount=Decimal(cap)),) if cap else ()
    version = sale.contract.current.model_copy(update={"caps": caps})
    proposing = partial(
        proposed, split, sale.deal, sale.projects(), evidence, period="2026-10", today=date(2026, 11, 3),
        rounding="half_up", corrects=corrects or {}, sabotage=sabotage,
    )  # fmt: skip
    return decide(agreement_of(version, elsewhere={}), Ledger(entries, evidence, (), {}, dues), proposing)


def told(made: Decision) -> dict[str, tuple[str, str]]:
    """Key → the project and the net amount of each proposal."""
    assert made.proposal is not None
    return {each.invoice.key: (each.invoice.project, str(each.invoice.net)) for each in made.proposal.every}


def strays(made: Decision) -> list[str]:
    """What stands on the proposal of another project than it was worked in."""
    assert made.proposal is not None
    return [
        row["task"]
        for each in made.proposal.every
        for row in each.evidence
        if row["task"] and not row["task"].startswith(f"{each.invoice.project}/")
    ]


def test_t43_each_project_has_a_proposal_of_its_own_and_together_they_are_all_that_is_billed(sale: Sale) -> None:
    deal, own = sale.projects()
    work = [entry("a", 60, deal), entry("b", 90, own), entry("c", 30, own, day=6)]
    made = cut_off(sale, work, [fee(deal, "100.00"), fee(own, "40.00")])
    key = f"{ENG}-2026-10"
    assert told(made) == {
        key: ("PRJ-1", "280.00"), f"{key}-S{OWN.removeprefix('PRJ-')}": (OWN, "400.00"),
    }  # fmt: skip
    assert made.proposal is not None
    assert made.proposal.net == Decimal("680.00")
    assert strays(made) == []
    assert all(line.description.startswith(own.name) for line in made.proposal.others[0].invoice.lines)


def test_work_of_two_projects_on_one_proposal_is_noticed(sale: Sale) -> None:
    deal, own = sale.projects()
    made = cut_off(sale, [entry("a", 60, deal), entry("b", 60, own)], sabotage=frozenset(["one_project"]))
    assert strays(made) == [f"{OWN}/01"]


def test_t37_a_limit_of_the_contract_is_counted_over_all_its_projects_in_the_order_of_the_work(sale: Sale) -> None:
    deal, own = sale.projects()
    made = cut_off(sale, [entry("late", 120, deal, day=9), entry("first", 120, own, day=6)], cap="540.00")
    assert dict(told(made).values()) == {OWN: "360.00", "PRJ-1": "180.00"}
    assert sum(each.minutes for each in made.pieces if each.fate == "over_cap") == 60


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    work=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 600), st.integers(1, 28)), min_size=1, max_size=8),
    cap=st.none() | st.integers(0, 6000),
)
def test_however_work_is_spread_over_projects_the_same_is_billed_as_if_there_were_one(
    sale: Sale, work: list[tuple[int, int, int]], cap: int | None
) -> None:
    projects = sale.projects()
    entries = [entry(f"e{n}", minutes, projects[which], day) for n, (which, minutes, day) in enumerate(work)]
    limit = "" if cap is None else str(cap)
    made, whole = (cut_off(sale, entries, cap=limit, sabotage=frozenset(each)) for each in ((), ("one_project",)))
    assert made.pieces == whole.pieces
    nets = [each.proposal.net if each.proposal else Decimal(0) for each in (made, whole)]
    assert nets[0] == nets[1]
    assert cap is None or nets[0] <= cap


def test_t41_two_payers_of_two_projects_have_four_invoices_that_sum_to_what_one_would_be(sale: Sale) -> None:
    deal, own = sale.projects()
    payers = (Payer(customer=A, share=Decimal("0.4")), Payer(customer=B, share=Decimal("0.6")))
    split = SplitBilling(engagement=ENG, payers=payers, rest=A)
    work = [entry("a", 125, deal), entry("b", 625, own)]
    made = cut_off(sale, work, split=split)
    assert len(told(made)) == 4
    assert made.proposal is not None
    whole = cut_off(sale, work)
    assert whole.proposal is not None
    assert made.proposal.net == whole.proposal.net
    assert strays(made) == []


def billed(before: Decision) -> list[dict[str, Any]]:
    """As the books tell what was billed."""
    assert before.proposal is not None
    told: dict[str, Any] = {"role": "Consultant", "customer": A, "net": 0}
    return [
        {**row, **told, "project": each.invoice.project, "invoice": each.invoice.key}
        for each in before.proposal.every
        for row in each.evidence
    ]


def test_t14_what_was_billed_with_a_project_is_taken_back_from_it_though_it_is_worked_in_another_now(
    sale: Sale,
) -> None:
    deal, own = sale.projects()
    evidence = billed(cut_off(sale, [entry("a", 60, own), entry("b", 120, own)]))
    made = cut_off(sale, [entry("a", 60, deal), entry("b", 120, own), entry("c", 90, own)], evidence=evidence)
    assert dict(told(made).values()) == {"PRJ-1": "180.00", OWN: "90.00"}


def test_t44_a_correction_that_outweighs_one_project_s_work_is_asked_and_its_note_names_that_project_s_invoice(
    sale: Sale,
) -> None:
    deal, own = sale.projects()
    evidence = billed(cut_off(sale, [entry("a", 60, deal), entry("b", 120, own)]))
    now = [entry("a", 60, deal), entry("b", 60, own), entry("c", 300, deal)]
    asked = cut_off(sale, now, evidence=evidence)
    assert [(each.code, each.facts["project"]) for each in asked.problems] == [("billing.negative", own.name)]
    assert asked.proposal is None, "no invoice is of two projects, so none nets them"
    numbers = {(A, deal.key): ["2026/1"], (A, own.key): ["2026/2"]}
    made = cut_off(sale, now, evidence=evidence, corrects=numbers)
    assert dict(told(made).values()) == {deal.key: "900.00", own.key: "-180.00"}
    assert made.proposal is not None
    assert [each.invoice.corrects for each in made.proposal.every] == [(), ("2026/2",)]
