"""A won deal becomes exactly one customer and one project in both systems, or waits with every reason at once (T01-T12)."""

from __future__ import annotations

from datetime import date

import pytest

from tieout.domain.values import ValueRow
from tieout.engine.operator import Refused
from tieout.engine.replay import Wanted
from tieout.store import plans

from .world import World

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]
ANNA = "anna.fischer@kestrel.example"


async def test_a_won_deal_becomes_one_customer_and_one_project_in_both_systems(world: World) -> None:
    deal = await world.deal()
    await deal.win()
    await world.settle()
    assert await deal.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}
    told = await deal.in_crm()
    assert told["Integration_Status__c"] == "Project ready"
    assert told["Engagement_Key__c"] == deal.key
    assert told["ERP_Project_Id__c"] == deal.project
    assert told["PSA_Project_Id__c"] == (await deal.in_kantata())[0]["id"]
    assert told["Account"]["ERP_Customer_Id__c"] == deal.customer
    lead = await world.desk("david.lindqvist@kestrel.example")
    stories = await lead.all("stories", workspace_id=told["PSA_Project_Id__c"])
    assert {each["title"]: int(each["time_estimate_in_minutes"]) for each in stories} == {
        "Discovery": 2400, "Data model": 7200, "Pipelines": 12000, "Reporting": 7200,
    }  # fmt: skip


async def test_looking_again_creates_nothing_and_the_hubs_own_news_is_no_change(world: World) -> None:
    deal = await world.deal()
    await deal.win()
    await world.settle()
    before = await world.rows("select count(*) as n from effect")
    await world.settle()
    assert await world.rows("select count(*) as n from effect") == before
    runs = await world.rows("select state from run where engagement = %s", deal.key)
    assert [each["state"] for each in runs] == ["done"]


async def test_everything_that_is_missing_is_said_at_once_and_correcting_it_releases_the_deal(world: World) -> None:
    deal = await world.deal(Practice__c=None, Expected_End_Date__c="2026-09-01", Project_Manager_Email__c=None)
    await deal.win()
    await world.settle()
    held = await world.holds(deal.name)
    assert sorted((each["code"], each["facts"]["field"]) for each in held) == [
        ("deal.field_invalid", "end"), ("deal.field_missing", "practice"), ("deal.field_missing", "project_manager"),
    ]  # fmt: skip
    told = await deal.in_crm()
    assert told["Integration_Status__c"] == "On hold"
    assert told["Integration_Message__c"].count("\n") == 2
    await deal.change(
        Practice__c="Data & AI", Expected_End_Date__c="2027-01-29",
        Project_Manager_Email__c="david.lindqvist@kestrel.example",
    )  # fmt: skip
    await world.settle()
    assert not await world.holds(deal.name)
    assert await deal.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}
    resolved = await world.holds(deal.name, "resolved")
    assert {each["resolved_by"] for each in resolved} == {"source"}


async def test_a_practice_without_a_department_waits_until_somebody_says_which(world: World) -> None:
    first = await world.deal(Practice__c="People & Change", Service_Package__c="CHANGE-SPRINT")
    second = await world.deal(Practice__c="People & Change", Service_Package__c="CHANGE-SPRINT")
    for deal in (first, second):
        await deal.win()
    await world.settle()
    assert [each["code"] for each in await world.holds(first.name)] == ["value.missing"]
    released = await world.hub.operator.set_value(
        ValueRow("practice_department", "people & change", "440", author=ANNA, valid_from=date(2026, 1, 1))
    )
    assert len(released.runs) == 2
    await world.settle()
    for deal in (first, second):
        assert await deal.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}


async def test_a_department_that_the_ledger_does_not_have_is_corrected_in_the_value_table(world: World) -> None:
    january = date(2026, 1, 1)
    for table, meant in (("tax_class", "Sales tax 8%"), ("practice_department", "999")):
        await world.hub.operator.set_value(ValueRow(table, "Labour Law", meant, author=ANNA, valid_from=january))
    deal = await world.deal(Practice__c="Labour Law")
    await deal.win()
    await world.settle()
    (hold,) = await world.holds(deal.name)
    assert hold["code"] == "target.refused"
    assert "no account 999" in hold["quote"]
    assert hold["facts"]["amount"] == "98,000.00 USD of sold work"
    corrected = ValueRow("practice_department", "Labour Law", "440", author=ANNA, valid_from=january)
    await world.hub.operator.set_value(corrected)
    number = await world.hub.replays.ask(Wanted(hold=hold["id"]), actor=ANNA)
    await world.hub.planner.work()
    async with world.hub.database.transaction() as tx:
        plan = await plans.get(tx, number)
    assert plan is not None
    assert await world.hub.replays.confirm(number, hash_=plan["hash"], actor=ANNA)
    await world.hub.planner.work()
    await world.settle()
    assert not await world.holds(deal.name)
    assert await deal.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}
    (project,) = await world.rows("select department from project where engagement = %s", deal.key)
    assert project["department"] == "440"


async def test_terms_above_the_limit_wait_for_somebody_else_than_the_seller(world: World) -> None:
    deal = await world.deal(Amount=300000)
    await deal.win()
    await world.settle()
    (asked,) = await world.rows("select * from approval where engagement = %s", deal.key)
    assert asked["terms"] == ["Amount 300,000.00 USD is above 250,000.00 USD"]
    assert (await deal.counts())["customers"] == 0
    with pytest.raises(Refused, match="somebody else"):
        await world.hub.operator.answer_approval(asked["id"], approve=True, actor=asked["requested_by"])
    await world.hub.operator.answer_approval(asked["id"], approve=True, actor=ANNA)
    await world.settle()
    assert await deal.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}


async def test_rejected_terms_stop_the_deal_and_sales_reads_why(world: World) -> None:
    deal = await world.deal(Amount=300000)
    await deal.win()
    await world.settle()
    (asked,) = await world.rows("select * from approval where engagement = %s", deal.key)
    await world.hub.operator.answer_approval(asked["id"], approve=False, actor=ANNA, reason="no credit")
    await world.settle()
    told = await deal.in_crm()
    assert told["Integration_Status__c"] == "Terms rejected"
    assert "no credit" in told["Integration_Message__c"]
    assert (await deal.counts())["customers"] == 0


async def test_an_edited_amount_moves_neither_contract_nor_budget(world: World) -> None:
    deal = await world.deal()
    await deal.win()
    await world.settle()
    await deal.change(Amount=120000)
    await world.settle()
    (hold,) = await world.holds(deal.name)
    assert hold["code"] == "deal.amount_changed"
    assert (hold["facts"]["before"], hold["facts"]["now"]) == ("98,000.00 USD", "120,000.00 USD")
    (project,) = await deal.in_kantata()
    assert project["price_in_cents"] == 9800000
    await deal.change(Amount=98000)
    await world.settle()
    assert not await world.holds(deal.name)


async def test_a_reopened_deal_closes_an_unused_project_and_opens_it_again_when_won_again(world: World) -> None:
    deal = await world.deal()
    await deal.win()
    await world.settle()
    await deal.change(StageName="Negotiation/Review")
    await world.settle()
    (project,) = await deal.in_kantata()
    assert project["archived"]
    assert (await deal.in_crm())["Integration_Status__c"] == "Project closed"
    await deal.win()
    await world.settle()
    (project,) = await deal.in_kantata()
    assert not project["archived"]
    assert await deal.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}


async def test_a_lost_deal_whose_project_is_in_use_stops_it_and_asks(world: World) -> None:
    deal = await world.deal()
    await deal.won_project()
    await deal.work(120, day=date(2026, 10, 1))
    await world.settle()
    await deal.change(StageName="Closed Lost")
    await world.settle()
    (hold,) = await world.holds(deal.name)
    assert hold["code"] == "deal.reopened"
    assert hold["facts"]["hours"] == "2.00"
    with pytest.raises(Exception, match="422"):
        await deal.work(60, day=date(2026, 10, 2))


async def test_parents_come_before_children(world: World) -> None:
    parent = await world.deal()
    child = await world.deal(ParentId=parent.account)
    await child.win()
    await world.settle()
    assert len(await parent.in_erp("party.party", "code", parent.customer)) == 1
    effects = await world.rows(
        "select subject from effect where operation = 'customer.create' and subject = any(%s) order by planned_at",
        [parent.customer, child.customer],
    )
    assert [each["subject"] for each in effects] == [parent.customer, child.customer]


async def test_parents_in_a_circle_are_a_hold(world: World) -> None:
    deal = await world.deal()
    other = await world.deal(ParentId=deal.account)
    await deal.seller.change("Account", deal.account, {"ParentId": other.account})
    await deal.win()
    await world.settle()
    assert "customer.cycle" in [each["code"] for each in await world.holds(deal.name)]


async def test_two_accounts_with_one_tax_id_are_one_customer(world: World) -> None:
    first = await world.deal()
    await first.win()
    await world.settle()
    (row,) = await first.seller.rows(f"SELECT Tax_Id__c FROM Account WHERE Id = '{first.account}'")
    second = await world.deal()
    await second.seller.change("Account", second.account, {"Tax_Id__c": row["Tax_Id__c"]})
    await second.win()
    await world.settle()
    assert await second.counts() == {"customers": 0, "erp projects": 1, "psa projects": 1}
    assert (await second.in_crm())["Account"]["ERP_Customer_Id__c"] is None
    assert [each["code"] for each in await world.holds(second.key)] == ["customer.two_accounts"]
    await first.seller.merge_accounts(first.account, second.account)
    await world.settle()
    assert not await world.holds(second.key)


async def test_a_namesake_with_another_tax_id_is_asked_about_and_the_answer_counts(world: World) -> None:
    first = await world.deal()
    await first.win()
    await world.settle()
    (row,) = await first.seller.rows(f"SELECT Name FROM Account WHERE Id = '{first.account}'")
    second = await world.deal()
    await second.seller.change("Account", second.account, {"Name": row["Name"]})
    await second.win()
    await world.settle()
    (hold,) = await world.holds(second.name)
    assert hold["code"] == "customer.possible_duplicate"
    await world.hub.operator.decide(hold["id"], choice="other", reason="another branch", actor=ANNA)
    await world.settle()
    assert await second.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}


async def test_a_merged_account_is_an_alias_and_both_ledgers_are_shown(world: World) -> None:
    stays, goes = await world.deal(), await world.deal()
    for deal in (stays, goes):
        await deal.win()
    await world.settle()
    await stays.seller.merge_accounts(stays.account, goes.account)
    await world.settle()
    (hold,) = await world.rows(
        "select * from hold where code = 'customer.merged' and facts->>'about' = %s", goes.customer
    )
    assert stays.customer in hold["facts"]["ledgers"]
    assert goes.customer in hold["facts"]["ledgers"]
    alias = await world.rows("select key, alias from crosswalk where record_id = %s", goes.account)
    assert alias == [{"key": stays.customer, "alias": True}]
    assert len(await goes.in_erp("party.party", "code", goes.customer)) == 1


async def test_a_currency_of_another_entity_is_never_converted(world: World) -> None:
    deal = await world.deal(CurrencyIsoCode="EUR")
    await deal.win()
    await world.settle()
    assert [each["code"] for each in await world.holds(deal.name)] == ["deal.currency_differs"]


async def test_a_name_that_the_psa_has_no_room_for_is_shortened_and_told_and_kept_in_full(world: World) -> None:
    await world.start(settings={"kantata": {"longest_name": 40}})
    name = "Strategische Neuausrichtung der Datenplattform für Übersee"
    first = await world.deal(Name=name)
    await first.win()
    await world.settle()
    (project,) = await first.projects()
    assert project["title"] == "Strategische Neuausrichtung der"
    assert name in project["description"]
    assert not await world.holds(first.key)
    told = await world.rows("select title from step where run_id like %s", f"%{first.id}%")
    assert f"kantata shows “{name}” as “Strategische Neuausrichtung der”" in [each["title"] for each in told]
    second = await world.deal(Name=f"{name}, Phase 2")
    await second.win()
    await world.settle()
    (marked,) = await second.projects()
    assert marked["title"].startswith("Strategische Neuausrichtung der #")
    (hold,) = await world.holds(second.key)
    assert (hold["code"], hold["facts"]["rival"], hold["owner"]) == ("name.collides", first.project, "sales operations")
    assert (await second.in_crm())["Integration_Status__c"] == "Project ready"
    (in_erp,) = await (await world.erp()).search("project.work", [["number", "=", second.project]], ["name"])
    assert in_erp["name"] == f"{name}, Phase 2"
    await second.change(Name="Neuausrichtung, Phase 2")
    await world.settle()
    assert not await world.holds(second.key)
    await world.start()


async def test_a_purchase_order_number_that_does_not_fit_waits_and_is_never_cut(world: World) -> None:
    deal = await world.deal(PO_Number__c="PO-" + "7" * 77)
    await world.start(settings={"kantata": {"longest_text": 60}})
    await deal.win()
    await world.settle()
    (hold,) = await world.holds(deal.key)
    assert (hold["code"], hold["facts"]["field"], hold["owner"]) == ("text.too_long", "po number", "sales operations")
    assert (await deal.counts())["psa projects"] == 0
    await deal.change(PO_Number__c="PO-4711")
    await world.settle()
    assert not await world.holds(deal.key)
    assert await deal.counts() == {"customers": 1, "erp projects": 1, "psa projects": 1}
    await world.start()
