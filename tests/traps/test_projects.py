"""A deal of two packages, each a project of its own: worked, capped over both, billed for itself, told in every system (T04, T43)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from psycopg.errors import UniqueViolation

from tieout.domain.consolidating import Consolidation
from tieout.domain.documents.engagement import Contract, ContractVersion
from tieout.domain.documents.project import Project
from tieout.domain.documents.terms import Cap, FixedTerms, Instalment, Sold, Terms, Tier, TimeTerms, UsageTerms
from tieout.domain.identity import spelled
from tieout.engine.operator import Operator
from tieout.store import contracts, crosswalk, migrations, runs, together
from tieout.store.figures import figures
from tieout.systems.consolidated import Consolidated
from tieout.systems.register import Register
from tieout.testing.books import Deal

from .delivery import Delivery
from .test_usage import PACKAGE, reading, send

pytestmark = pytest.mark.anyio


def register(delivery: Delivery) -> Register:
    return Register(delivery.database, delivery.books.now)


async def two(
    delivery: Delivery,
    *,
    caps: Sequence[Cap] = (),
    first: Terms | None = None,
    second: Terms | None = None,
    in_psa: bool = False,
) -> tuple[Deal, Deal]:
    """The deal with the project of its first package, and the project that its second one has of its own."""
    delivery.firm = delivery.firm.model_copy(update={"packages": (*delivery.firm.packages, PACKAGE)})
    deal = await delivery.books.deal(1)
    own = replace(deal, project=f"PRJ-{spelled(f'{deal.engagement}/P-2')}", workspace="80001")
    sold = (
        Sold(id=f"{deal.engagement}/P-1", package="FIXED", description="Platform", amount=Decimal(30000),
             terms=first or TimeTerms()),
        Sold(id=f"{deal.engagement}/P-2", package="STORAGE", description="Sprint", amount=Decimal(20000),
             project=own.project, terms=second or TimeTerms()),
    )  # fmt: skip
    version = ContractVersion(
        version=1, effective_from=date(2026, 10, 1), amount=Decimal(50000), currency="USD", lines=(), rate_card="2026",
        sold=sold, caps=tuple(caps),
    )  # fmt: skip
    contract = Contract(
        key=deal.engagement, engagement=deal.engagement, customer=deal.customer, legal_entity="US", versions=(version,)
    )
    books = register(delivery)
    known = await books.latest(Project, deal.project)
    assert known is not None
    await books.agree(contract, planned(known, deal, sold[0]), planned(known, own, sold[1]))
    if in_psa:
        deal, own = [replace(each, workspace=await delivery.project(each)) for each in (deal, own)]
    async with delivery.database.transaction() as tx:
        links = [("project", own.project, "erp-us", "600"), ("project", own.project, "kantata", own.workspace)]
        links += [("task", each.task(n), "kantata", f"{each.workspace}{n}") for each in (deal, own) for n in (1, 2)]
        for kind, key, connection, record in links:
            if await crosswalk.key_of(tx, kind, connection, record) is None:
                await tx.execute("delete from crosswalk where connection = %s and key = %s", (connection, key))
                await crosswalk.link(tx, kind, key, connection, record, delivery.books.now())
        shown = [(deal.engagement, own.project, each, 1, delivery.books.now()) for each in ("kantata", "erp-us")]
        await together.shown(tx, shown)
    return deal, own


def planned(known: Project, of: Deal, sold: Sold) -> Project:
    tasks = tuple(each.model_copy(update={"key": of.task(n), "sold": sold.id}) for n, each in enumerate(known.tasks, 1))
    name = f"{known.name}: {sold.description}" if sold.project else known.name
    return known.model_copy(
        update={"key": of.project, "name": name, "sold": sold.id if sold.project else "", "budget": sold.amount, "tasks": tasks}
    )  # fmt: skip


async def half_planned(delivery: Delivery) -> tuple[list[Project], list[Project]]:
    """The projects of a deal before and after two more are planned of which the second cannot be written."""
    deal, _ = await two(delivery)
    books = register(delivery)
    before = await books.projects_of(deal.engagement)
    third, again = (
        before[1].model_copy(update={"key": f"PRJ-0000000{n}", "sold": f"{deal.engagement}/{sale}", "tasks": ()})
        for n, sale in ((3, "P-3"), (4, "P-2"))
    )
    with pytest.raises(UniqueViolation, match="project_of_a_sale"):
        await books.agree(third, again)
    return before, await books.projects_of(deal.engagement)


async def test_a_deal_never_has_half_of_its_projects(delivery: Delivery) -> None:
    before, after = await half_planned(delivery)
    assert after == before


async def test_projects_that_are_planned_one_by_one_are_noticed(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree = Register.agree

    async def one_by_one(self: Register, *agreed: Contract | Project) -> None:
        for each in agreed:
            await agree(self, each)

    monkeypatch.setattr(Register, "agree", one_by_one)
    before, after = await half_planned(delivery)
    assert len(after) == len(before) + 1


async def invoices(delivery: Delivery) -> dict[str, Decimal]:
    """Project → what is on its invoices; nothing of another project is among it, and the books tie out."""
    assert (await figures(delivery.database)).ties_out
    strangers = await delivery.rows(
        "select e.task from evidence e join invoice i on i.key = e.invoice where e.kind = 'time' and not starts_with(e.task, i.project)"
    )
    assert strangers == []
    found = await delivery.rows("select project, sum(net) as net from invoice where state <> 'cancelled' group by 1")
    return {each["project"]: each["net"] for each in found}


async def test_t37_one_limit_of_two_projects_is_counted_over_both_and_each_has_a_draft_of_its_own(
    delivery: Delivery,
) -> None:
    deal, own = await two(delivery, caps=[Cap(key="cap", amount=Decimal(1000))])
    await delivery.books.time(deal, [("T1", 1, 120)])
    await delivery.books.time(own, [("T2", 2, 240)], work_date="2026-10-06")
    await delivery.propose(deal, "2026-10")
    assert await invoices(delivery) == {deal.project: Decimal("680.00"), own.project: Decimal("318.96")}
    key = f"{deal.engagement}-2026-10"
    assert {each: draft["project"] for each, draft in delivery.ledger.drafts.items()} == {
        key: deal.project, f"{key}-S{own.project.removeprefix('PRJ-')}": own.project,
    }  # fmt: skip
    (over,) = await delivery.rows("select minutes, fate from piece")
    assert (over["minutes"], over["fate"]) == (131, "over_cap")
    waits = (await delivery.holds())["billing.over_cap"]
    assert waits["project"] == "Data Foundation 1"
    before = await delivery.rows("select key, net from invoice order by key")
    await delivery.propose(deal, "2026-11")
    assert await delivery.rows("select key, net from invoice order by key") == before, "asking again finds nothing"


async def test_t43_a_customer_who_gets_one_document_gets_both_projects_on_it_each_line_with_its_own(
    delivery: Delivery,
) -> None:
    delivery.firm = delivery.firm.model_copy(update={"consolidated": (Consolidation(one_per="customer"),)})
    deal, own = await two(delivery)
    await delivery.books.time(deal, [("T1", 1, 60)])
    await delivery.books.time(own, [("T2", 1, 120)])
    await delivery.propose(deal, "2026-10")
    (row,) = await delivery.rows("select key, version from consolidated_invoice")
    gathered = await Consolidated(delivery.database, delivery.books.now).gather(row["key"], row["version"])
    assert gathered is not None
    assert [(each.description[-14:], each.amount) for each in gathered.invoice.lines] == [
        (f"({deal.project})", Decimal("340.00")), (f"({own.project})", Decimal("680.00")),
    ]  # fmt: skip
    assert await invoices(delivery) == {deal.project: Decimal("340.00"), own.project: Decimal("680.00")}


async def test_what_finance_posts_is_told_to_each_project_for_itself_and_to_sales_for_the_deal(
    delivery: Delivery,
) -> None:
    deal, own = await two(delivery, in_psa=True)
    await delivery.books.time(deal, [("T1", 1, 60)])
    await delivery.books.time(own, [("T2", 1, 120)])
    await delivery.propose(deal, "2026-10")
    for number, key in enumerate(list(delivery.ledger.drafts), 1):
        delivery.ledger.post(key, f"2026/000{number}", date(2026, 11, 3))
    await delivery.settle()
    assert delivery.crm.deals[deal.opportunity]["billed"] == "1020.00"
    books = register(delivery)
    assert {each.project: (await books.money(deal.engagement, each.project))["billed"] for each in (deal, own)} == {
        deal.project: Decimal("340.00"), own.project: Decimal("680.00"),
    }  # fmt: skip
    told = await delivery.rows("select subject, request from effect where operation = 'project.report'")
    texts = {each["subject"].partition("/")[0]: bytes(each["request"]).decode() for each in told}
    assert "[34000, " in texts[deal.project]
    assert "[68000, " in texts[own.project]
    assert "102000" not in "".join(texts.values())


async def test_what_an_engagement_waits_for_stands_on_each_of_its_projects(delivery: Delivery) -> None:
    psa = delivery.firm.connections["kantata"].model_copy(update={"shows_holds": True})
    connections = {**delivery.firm.connections, "kantata": psa}
    delivery.firm = delivery.firm.model_copy(update={"connections": connections})
    deal, own = await two(delivery, caps=[Cap(key="cap", amount=Decimal(100))], in_psa=True)
    await delivery.books.time(deal, [("T1", 1, 60)])
    await delivery.propose(deal, "2026-10")
    async with delivery.database.transaction() as tx:
        await runs.queue(
            tx, f"hold_status:{deal.engagement}:1", flow="hold_status", subject=deal.engagement, version="1",
            lane=deal.engagement, now=delivery.books.now(),
        )  # fmt: skip
    await delivery.settle()
    told = await delivery.rows(
        "select subject, state, request from effect where operation = 'project.report' order by subject"
    )
    assert {each["subject"]: each["state"] for each in told} == {
        f"{deal.project}/holds": "done", f"{own.project}/holds": "done",
    }  # fmt: skip
    assert all("Waits: 1 problem" in bytes(each["request"]).decode() for each in told)


async def test_an_expense_without_a_task_is_of_the_sale_whose_project_it_is_booked_on(delivery: Delivery) -> None:
    await Operator(delivery.database, delivery.books.now).apply_firm(delivery.firm, actor="setup")
    deal, own = await two(delivery, in_psa=True)
    await delivery.approve(own.workspace, await delivery.claim(own.workspace))
    await delivery.approve(deal.workspace, await delivery.claim(deal.workspace, amount_in_cents=20_000))
    await delivery.settle()
    await delivery.propose(deal, "2026-10")
    assert await invoices(delivery) == {deal.project: Decimal("210.00"), own.project: Decimal("105.00")}
    found = await delivery.rows("select sold, project from billable_event order by project = %s", own.project)
    assert [(each["sold"], each["project"]) for each in found] == [
        ("", deal.project), (f"{deal.engagement}/P-2", own.project),
    ]  # fmt: skip


def halves(*names: str) -> FixedTerms:
    return FixedTerms(
        instalments=tuple(
            Instalment(key=f"0{n}", name=each, amount=Decimal(10000), milestone=each) for n, each in enumerate(names, 1)
        )
    )


async def test_t39_a_milestone_of_the_same_name_in_two_projects_is_two_and_each_makes_its_own_fee_due(
    delivery: Delivery,
) -> None:
    deal, own = await two(delivery, first=halves("Go-live"), second=halves("Go-live", "Report"), in_psa=True)
    await delivery.milestone(deal.workspace, "Go-live")
    ours = await delivery.milestone(own.workspace, "Go-live")
    await delivery.say(ours, "completed")
    await delivery.settle()
    assert await delivery.holds() == {}
    assert await register(delivery).accepted(deal.engagement) != {}
    await delivery.propose(deal, "2026-11")
    assert await invoices(delivery) == {own.project: Decimal("10000.00")}
    told = delivery.crm.deals[deal.opportunity]["milestones"]
    assert told.startswith("Go-live: open; Go-live (Sprint): accepted ")


STORAGE = UsageTerms(meter="storage", unit="GB", tiers=(Tier(price=Decimal("0.50")),))


async def test_usage_is_billed_with_the_project_of_its_package_whether_the_deal_or_the_project_is_named(
    delivery: Delivery,
) -> None:
    deal, own = await two(delivery, first=STORAGE, second=STORAGE)
    await send(delivery, reading(deal, "a", "4", engagement=own.project))
    await send(delivery, reading(deal, "b", "2", package=f"{deal.engagement}/P-1"))
    found = await delivery.rows("select source_id, project, problem from usage_reading order by source_id")
    assert [(each["source_id"], each["project"], each["problem"]) for each in found] == [
        ("a", own.project, ""), ("b", deal.project, ""),
    ]  # fmt: skip
    await delivery.propose(deal, "2026-10")
    assert await invoices(delivery) == {deal.project: Decimal("1.00"), own.project: Decimal("2.00")}


# -- which version each project shows


async def second_version(delivery: Delivery, deal: Deal) -> list[Project]:
    """A change order made version 2 of both projects; nobody was told yet."""
    books = register(delivery)
    contract = await books.contract(deal.engagement)
    assert contract is not None
    after = contract.current.model_copy(update={"version": 2, "order": "CHG-1"})
    projects = [each.model_copy(update={"contract_version": 2}) for each in await books.projects_of(deal.engagement)]
    await books.agree(contract.model_copy(update={"versions": (*contract.versions, after)}), *projects)
    return projects


async def differing(delivery: Delivery, deal: Deal) -> list[tuple[str, str]]:
    """(system, project) of each that shows another version than the agreed one."""
    found = await register(delivery).versions(deal.engagement)
    assert {each["agreed"] for each in found} == {2}
    return [(each["connection"], each["project"]) for each in found if each["version"] != 2]


async def half_carried(delivery: Delivery) -> tuple[Deal, list[tuple[str, str]]]:
    """The PSA took the change in the deal's project and not in the other; where that is seen."""
    deal, own = await two(delivery)
    first, second = await second_version(delivery, deal)
    assert len(await differing(delivery, deal)) == 5
    books = register(delivery)
    await books.shows(first, "kantata", "erp-us")
    await books.shows(second, "erp-us")
    await books.shows(first, "salesforce", whole=True)
    return own, await differing(delivery, deal)


async def test_t34_a_change_that_one_of_two_projects_did_not_take_is_seen_by_system_and_project(
    delivery: Delivery,
) -> None:
    own, seen = await half_carried(delivery)
    assert seen == [("kantata", own.project)]
    names = {each["project"]: each["name"] for each in await register(delivery).versions(own.engagement)}
    assert (names[""], names[own.project]) == ("", "Data Foundation 1: Sprint")
    async with delivery.database.transaction() as tx:
        (told,) = await contracts.differing(tx)
    assert f"kantata/{own.project}=1" in told["shown"]
    (_, second) = await register(delivery).projects_of(own.engagement)
    await register(delivery).shows(second, "kantata")
    assert await differing(delivery, own) == []


async def test_t34_a_project_that_a_change_order_brings_is_seen_as_long_as_a_system_does_not_have_it(
    delivery: Delivery,
) -> None:
    deal, _ = await two(delivery)
    first, second = await second_version(delivery, deal)
    books = register(delivery)
    brought = second.model_copy(
        update={"key": "PRJ-00000009", "sold": f"{deal.engagement}/P-9", "tasks": (), "contract_version": 2}
    )
    await books.save(brought, entity="US", engagement=deal.engagement)
    await books.shows(brought.model_copy(update={"contract_version": 0}), "kantata", "erp-us")
    for each in (first, second):
        await books.shows(each, "kantata", "erp-us")
    await books.shows(first, "salesforce", whole=True)
    assert await differing(delivery, deal) == [("kantata", brought.key), ("erp-us", brought.key)]


async def test_a_system_that_speaks_for_all_projects_once_one_of_them_took_the_change_is_noticed(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows = Register.shows

    async def for_all(self: Register, project: Project, *connections: str, whole: bool = False) -> None:
        for each in [project] if whole else await self.projects_of(project.engagement):
            await shows(self, each, *connections, whole=whole)

    monkeypatch.setattr(Register, "shows", for_all)
    own, seen = await half_carried(delivery)
    assert ("kantata", own.project) not in seen


async def test_systems_that_showed_a_version_of_a_deal_show_it_of_its_project_after_the_migration(
    delivery: Delivery,
) -> None:
    deal = await delivery.books.deal(1)
    migration = Path(migrations.__file__).parent / "versions" / "v0041_projects_of_a_deal.sql"
    async with delivery.database.transaction() as tx:
        await tx.execute("drop schema tieout_scoped cascade")
        await tx.execute("alter table contract_shown drop constraint contract_shown_pkey, drop column project")
        await tx.execute("alter table contract_shown add primary key (engagement, connection)")
        await tx.execute("drop index project_of_a_sale")
        await tx.execute("alter table project drop column sold")
        await tx.execute(cast(Any, migration.read_text()))
        found = await contracts.versions(tx, deal.engagement)
    assert [(each["connection"], each["project"], each["version"], each["agreed"]) for each in found] == [
        ("salesforce", "", 1, 1), ("kantata", deal.project, 1, 1), ("erp-us", deal.project, 1, 1),
    ]  # fmt: skip
    (kept,) = await register(delivery).projects_of(deal.engagement)
    assert (kept.key, kept.sold) == (deal.project, "")
