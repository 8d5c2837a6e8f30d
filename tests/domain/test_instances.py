"""A quote's lines become packages with an identity of their own, whatever rows the next quote is made of (T04)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.documents.engagement import ContractLine, Engagement
from tieout.domain.documents.package import PackageTask, ServicePackage
from tieout.domain.firm import Firm
from tieout.domain.instances import Instance, instances_of, quoted_otherwise
from tieout.domain.planning import first_contract, plan_projects
from tieout.domain.readiness import enrich, missing_for_kickoff
from tieout.domain.values import ValueTables

Make = Callable[..., Any]
SIGNED = date(2026, 10, 1)
SPRINT = ServicePackage(
    key="CHANGE-SPRINT",
    name="Change Sprint",
    practice="Data & AI",
    tasks=(PackageTask(name="Discovery", role="Consultant", hours=Decimal(16)),),
)


def line(row: str, package: str = "", amount: int = 1000, **facts: Any) -> ContractLine:
    return ContractLine(id=row, description=facts.pop("task", row), package=package, amount=Decimal(amount), **facts)


def ids(deal: Engagement) -> list[str]:
    return [each.id.removeprefix(f"{deal.key}/") for each in instances_of(deal)]


def test_a_deal_without_a_quote_is_one_package_worth_what_the_deal_is_worth(make_deal: Make) -> None:
    (only,) = instances_of(make_deal())
    assert (only.id, only.package, only.amount) == ("ENG-00000001/01", "DATA-FOUNDATION", Decimal(98000))
    assert (only.start, only.end) == (date(2026, 10, 5), date(2026, 12, 18))


def test_lines_with_one_instance_are_one_package_and_keep_it_when_quoted_again(make_deal: Make) -> None:
    quoted = make_deal(
        lines=(line("r1", "A", instance="P-1"), line("r2", "A", instance="P-1"), line("r3", "B", instance="P-2"))
    )
    again = make_deal(lines=(line("r9", "B", instance="P-2", amount=5), line("r8", "A", instance="P-1")))
    assert ids(quoted) == ["P-1", "P-2"]
    assert sorted(ids(again)) == sorted(ids(quoted))


def test_without_a_name_a_package_is_its_code_and_bundles_of_one_package_are_counted(make_deal: Make) -> None:
    flat = make_deal(lines=(line("r1", "A"), line("r2", "A"), line("r3", "B")))
    assert ids(flat) == ["A", "B"]
    bundles = make_deal(
        lines=(line("r1", "A", bundle="r1"), line("r2", "A", bundle="r1"), line("r3", "A", bundle="r3"))
    )
    assert ids(bundles) == ["A", "A-2"]
    requoted = make_deal(lines=(line("x1", "A", bundle="x1"), line("x3", "A", bundle="x3")))
    assert ids(requoted) == ids(bundles)


def test_whoever_takes_the_row_for_the_sale_sells_everything_anew_with_the_next_quote(make_deal: Make) -> None:
    careless = frozenset({"by_row"})
    first, again = (make_deal(lines=(line(row, "A", instance="P-1"),)) for row in ("r1", "r2"))
    assert [each.id for each in instances_of(first, sabotage=careless)] != [
        each.id for each in instances_of(again, sabotage=careless)
    ]
    assert ids(first) == ids(again)


def test_a_line_that_names_no_package_belongs_to_the_deals_own(make_deal: Make) -> None:
    deal = make_deal(lines=(line("r1", "B"), line("r2")))
    assert [(each.package, len(each.lines)) for each in instances_of(deal)] == [("B", 1), ("DATA-FOUNDATION", 1)]


def test_hours_dates_and_region_are_those_of_its_lines(make_deal: Make) -> None:
    facts = {"role": "Consultant", "hours": Decimal(10), "instance": "P-1"}
    first, other = instances_of(
        make_deal(
            lines=(
                line("r1", "A", start=date(2026, 11, 2), end=date(2026, 11, 20), region="EMEA", **facts),
                line("r2", "A", start=date(2026, 10, 19), **facts),
                line("r3", "B"),
            )
        )
    )
    assert first.hours == {"Consultant": Decimal(20)}
    assert (first.start, first.end, first.region) == (date(2026, 10, 19), date(2026, 11, 20), "EMEA")
    assert (other.start, other.region) == (date(2026, 10, 5), "")


@given(st.data())
def test_whatever_the_rows_are_called_the_identities_are_the_same_and_no_line_is_lost(data: st.DataObject) -> None:
    packages = data.draw(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["", "P-1", "P-2"])), min_size=1))

    def quoted(prefix: str) -> list[Instance]:
        lines = [
            line(f"{prefix}{n}", package, amount=n, instance=name and f"{name}{package}", bundle=f"{prefix}{n}")
            for n, (package, name) in enumerate(packages)
        ]
        deal = Engagement.model_construct(
            key="ENG-1", package="A", amount=Decimal(sum(range(len(lines)))), start=None, end=None, lines=tuple(lines)
        )
        return instances_of(deal)

    first, again = quoted("x"), quoted("y")
    assert [each.id for each in first] == [each.id for each in again]
    assert len({each.id for each in first}) == len(first)
    assert sum(each.amount for each in first) == sum(range(len(packages)))
    assert sorted(row.id for each in first for row in each.lines) == sorted(f"x{n}" for n in range(len(packages)))


def quoted_deal(make_deal: Make, **changes: Any) -> Engagement:
    lines = (
        line("r1", "DATA-FOUNDATION", 50000, instance="P-1", task="Discovery", role="Principal", hours=Decimal(60)),
        line("r2", "CHANGE-SPRINT", 8000, instance="P-2", task="Discovery", role="Consultant", hours=Decimal(20)),
        line("r3", "CHANGE-SPRINT", 2000, instance="P-2", task="Town hall", role="Principal", hours=Decimal(6)),
    )
    return make_deal(**{"lines": lines, "amount": Decimal(60000), "package": "", **changes})


def test_a_quote_of_two_packages_is_one_contract_with_both_and_one_project_with_the_tasks_of_both(
    make_deal: Make, make_firm: Make
) -> None:
    firm: Firm = make_firm()
    firm = firm.model_copy(update={"packages": (*firm.packages, SPRINT)})
    deal = quoted_deal(make_deal)
    assert missing_for_kickoff(deal, link="") == []
    enriched, problems = enrich(deal, firm, ValueTables(firm.shipped_rows("folder")), on=SIGNED, link="")
    assert enriched is not None
    assert problems == []
    contract = first_contract(deal, enriched, effective_from=SIGNED)
    assert [(each.id, each.package, each.amount, each.hours) for each in contract.current.sold] == [
        ("ENG-00000001/P-1", "DATA-FOUNDATION", Decimal(50000), {"Principal": Decimal(60)}),
        ("ENG-00000001/P-2", "CHANGE-SPRINT", Decimal(10000), {"Consultant": Decimal(20), "Principal": Decimal(6)}),
    ]
    (project,) = plan_projects(deal, contract.current, enriched, firm.rate_cards[0], key="PRJ-1")
    assert project.package == "DATA-FOUNDATION"
    assert project.of_template == project.tasks[:2]
    assert [(each.key, each.name, each.hours, each.sold[-3:]) for each in project.tasks] == [
        ("PRJ-1/01", "Discovery", Decimal(60), "P-1"),
        ("PRJ-1/02", "Reporting", Decimal(120), "P-1"),
        ("PRJ-1/03", "Change Sprint: Discovery", Decimal(20), "P-2"),
        ("PRJ-1/04", "Change Sprint: Town hall", Decimal(6), "P-2"),
    ]


def test_one_package_sold_twice_is_two_and_each_says_which(make_deal: Make, firm: Firm) -> None:
    lines = tuple(line(f"r{n}", "DATA-FOUNDATION", 49000, instance=f"P-{n}") for n in (1, 2))
    deal = make_deal(lines=lines)
    enriched, _ = enrich(deal, firm, ValueTables(firm.shipped_rows("folder")), on=SIGNED, link="")
    assert enriched is not None
    contract = first_contract(deal, enriched, effective_from=SIGNED)
    assert [each.description for each in contract.current.sold] == ["Data Foundation 1", "Data Foundation 2"]


def test_packages_that_do_not_come_to_the_deal_and_unknown_ones_are_told(make_deal: Make, firm: Firm) -> None:
    deal = quoted_deal(make_deal, amount=Decimal(61000))
    (problem,) = missing_for_kickoff(deal, link="")
    assert problem.facts["reason"] == "its 2 packages come to 60,000.00"
    _, problems = enrich(deal, firm, ValueTables(firm.shipped_rows("folder")), on=SIGNED, link="")
    assert [(each.code, each.facts["package"]) for each in problems] == [("package.unknown", "CHANGE-SPRINT")]


def test_quoting_again_after_the_win_is_told_where_it_has_other_packages(make_deal: Make, make_firm: Make) -> None:
    firm: Firm = make_firm()
    firm = firm.model_copy(update={"packages": (*firm.packages, SPRINT)})
    deal = quoted_deal(make_deal)
    enriched, _ = enrich(deal, firm, ValueTables(firm.shipped_rows("folder")), on=SIGNED, link="")
    assert enriched is not None
    contract = first_contract(deal, enriched, effective_from=SIGNED)
    again = quoted_deal(make_deal, lines=tuple(each.model_copy(update={"id": f"x{each.id}"}) for each in deal.lines))
    assert quoted_otherwise(again, contract) is None
    fewer = quoted_deal(make_deal, lines=deal.lines[:1])
    assert quoted_otherwise(fewer, contract) == ("P-1", "P-1, P-2")
    assert quoted_otherwise(make_deal(), contract) is None
    unquoted = first_contract(make_deal(), enriched, effective_from=SIGNED)
    assert quoted_otherwise(deal, unquoted) is None
    without = contract.current.model_copy(update={"version": 2, "sold": contract.current.sold[:1]})
    changed = contract.model_copy(update={"versions": (contract.current, without)})
    assert quoted_otherwise(fewer, changed) is None
    assert quoted_otherwise(deal, changed) is None
