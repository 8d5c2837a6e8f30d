"""Reading deals: every change of any part is seen once, none is missed, and our own echo says nothing new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from tieout.connectors.contract import Change, Write
from tieout.connectors.salesforce.client import exact
from tieout.connectors.salesforce.cursor import Cursor
from tieout.connectors.salesforce.mapping import amount
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.domain.problems import Misconfigured, Transient
from tieout.sandbox.faults import Rule

pytestmark = pytest.mark.anyio


async def sweep(hub: Any, since: str | None = None, kind: str = "opportunity") -> tuple[list[Change], str]:
    """Everything after a cursor, over all pages, as the engine reads it."""
    changes: list[Change] = []
    more, cursor = True, since
    while more:
        page = await hub.changes(kind, cursor)
        assert page.complete
        changes += page.changes
        more, cursor = page.more, page.cursor
    assert cursor is not None
    return changes, cursor


def ids(changes: list[Change]) -> list[str]:
    return sorted(each.ref.id for each in changes)


def said(change: Change) -> str:
    return change.version.partition("#")[2]


async def settled(hub: Any, door: Any, since: str | None = None) -> str:
    """A cursor that has left everything so far behind: time has passed and something else has changed."""
    _, cursor = await sweep(hub, since)
    door.clock.forward(hours=1)
    await door.create("Account", Name="Somebody else")
    _, cursor = await sweep(hub, cursor)
    door.clock.forward(hours=1)
    return cursor


async def test_the_first_sweep_goes_through_all_deals_in_pages(door: Any, hub: Any) -> None:
    made = [await door.deal(f"Deal {number}", Amount=100 + number) for number in range(7)]
    await door("DELETE", f"/sobjects/Opportunity/{made[2]}")
    first = await hub.changes("opportunity", None)
    assert (ids(first.changes), first.more) == (made[:3], True)
    changes, cursor = await sweep(hub)
    assert ids(changes) == made
    assert [each.ref.id for each in changes if each.deleted] == [made[2]]
    assert next(each.amount for each in changes if each.ref.id == made[6]) == Money.of("106", "USD")
    assert Cursor.parse(cursor) == Cursor(since="2026-10-01T08:55:00Z")


async def test_a_deal_that_changes_behind_the_first_sweeps_back_is_read_again(door: Any, hub: Any) -> None:
    made = [await door.deal(f"Deal {number}") for number in range(7)]
    first = await hub.changes("opportunity", None)
    door.clock.forward(hours=1)
    await door("PATCH", f"/sobjects/Opportunity/{made[0]}", {"Name": "Renamed meanwhile"})
    door.clock.forward(hours=1)
    await door.create("Account", Name="Somebody else")
    rest, cursor = await sweep(hub, first.cursor)
    assert ids(rest) == made[3:]
    changes, _ = await sweep(hub, cursor)
    assert made[0] in ids(changes)


async def test_an_empty_org_has_nothing_to_tell_and_the_first_deal_is_seen(door: Any, hub: Any) -> None:
    changes, cursor = await sweep(hub)
    assert changes == []
    deal = await door.deal()
    changes, cursor = await sweep(hub, cursor)
    assert ids(changes) == [deal]


async def test_a_deal_is_seen_when_any_of_its_parts_changes(door: Any, hub: Any) -> None:
    group = await door.create("Account", Name="Globex Group")
    account, deal, (line,) = await door.sold()
    payer = await door.create("Account", Name="Globex Shared Services")
    contact = await door.create("Contact", LastName="Scorpio", AccountId=account, Email="hank@globex.example")
    await door("PATCH", f"/sobjects/Account/{account}", {"ParentId": group})
    await door("PATCH", f"/sobjects/Opportunity/{deal}", {"Bill_To_Account__c": payer})
    await door.deal("Nobody touches this one")
    cursor = await settled(hub, door)
    seen = set[str]()
    for entity, record, body in [
        ("Opportunity", deal, {"Name": "Globex data, phase 1"}),
        ("Account", account, {"BillingCity": "Oakland"}),
        ("Account", group, {"Name": "Globex Holding"}),
        ("Account", payer, {"Name": "Globex Payables"}),
        ("OpportunityLineItem", line, {"Hours__c": 120}),
        ("Contact", contact, {"Email": "ap@globex.example"}),
        ("Contact", contact, None),
    ]:
        cursor = await settled(hub, door, cursor)  # else the overlap would bring the deal again anyway
        method = "PATCH" if body else "DELETE"
        assert (await door(method, f"/sobjects/{entity}/{record}", body)).status_code == 204
        changes, cursor = await sweep(hub, cursor)
        assert ids(changes) == [deal], entity
        assert changes[0].version not in seen
        assert not seen or changes[0].version > max(seen)
        seen.add(changes[0].version)


async def test_a_line_that_an_automation_touched_alone_is_enough(door: Any, hub: Any, org: Any) -> None:
    _, deal, (line,) = await door.sold()
    cursor = await settled(hub, door)
    entity = org.records.schema["OpportunityLineItem"]
    with org.records.transaction():
        row = org.records.get(entity, line)
        org.records.put(entity, {**row, "Role__c": "Principal", "SystemModstamp": org.records.stamp()})
    ((change,), cursor) = await sweep(hub, cursor)
    assert change.ref.id == deal
    door.clock.forward(minutes=1)
    with org.records.transaction():
        org.records.put(entity, {**row, "IsDeleted": True, "SystemModstamp": org.records.stamp()})
    ((gone,), _) = await sweep(hub, cursor)
    assert gone.version > change.version


async def test_the_parents_parent_counts_and_a_circle_of_parents_ends(door: Any, hub: Any) -> None:
    top = await door.create("Account", Name="Top")
    middle = await door.create("Account", Name="Middle", ParentId=top)
    bottom = await door.create("Account", Name="Bottom", ParentId=middle)
    deal = await door.deal(AccountId=bottom)
    reading = await hub.read(Ref("salesforce", "opportunity", deal))
    assert [each.name for each in reading.document.ancestors] == ["Top", "Middle"]
    cursor = await settled(hub, door)
    await door("PATCH", f"/sobjects/Account/{top}", {"ParentId": bottom})
    changes, cursor = await sweep(hub, cursor)
    assert ids(changes) == [deal]
    reading = await hub.read(Ref("salesforce", "opportunity", deal))
    names = [each.name for each in reading.document.ancestors]
    assert len(names) > 3
    assert {"Top", "Middle", "Bottom"} == set(names)


async def test_a_deleted_deal_is_told_as_deleted_and_has_no_document(door: Any, hub: Any) -> None:
    deal = await door.deal()
    cursor = await settled(hub, door)
    await door("DELETE", f"/sobjects/Opportunity/{deal}")
    (change,), _ = await sweep(hub, cursor)
    assert (change.ref.id, change.deleted) == (deal, True)
    assert await hub.read(change.ref) is None
    looked = await hub.look(change.ref)
    assert looked == change
    assert await hub.look(Ref("salesforce", "opportunity", "006xx0000000001AAA")) is None


async def test_a_deleted_line_is_no_line_of_the_contract(door: Any, hub: Any) -> None:
    _, deal, lines = await door.sold(2)
    ref = Ref("salesforce", "opportunity", deal)
    before = await hub.look(ref)
    door.clock.forward(minutes=1)
    await door("DELETE", f"/sobjects/OpportunityLineItem/{lines[0]}")
    after = await hub.look(ref)
    assert after.version > before.version
    assert after.amount == Money.of("24500.5", "USD")
    reading = await hub.read(ref)
    assert [each.id for each in reading.document.lines] == [lines[1]]


async def test_a_merge_tells_who_lost_to_whom_and_the_deal_follows(door: Any, hub: Any) -> None:
    winner = await door.create("Account", Name="Globex Corporation")
    loser = await door.create("Account", Name="Globex Corp.")
    deal = await door.deal(AccountId=loser)
    cursor = await settled(hub, door)
    _, merges = await sweep(hub, kind="account_merge")
    await door("POST", "/_sandbox/merge", {"master": winner, "losers": [loser]})
    (merge,), _ = await sweep(hub, merges, kind="account_merge")
    assert (merge.ref, merge.merged_into) == (Ref("salesforce", "account_merge", loser), winner)
    assert merge.deleted
    assert merge.record == {"name": "Globex Corp."}
    assert await hub.look(merge.ref) == merge
    changes, _ = await sweep(hub, cursor)
    assert ids(changes) == [deal]
    assert (await hub.read(changes[0].ref)).document.customer.name == "Globex Corporation"


async def test_a_merge_between_two_sweeps_is_told_again_within_the_overlap(door: Any, hub: Any) -> None:
    first, second, third = [await door.create("Account", Name=f"A{number}") for number in range(3)]
    await door("POST", "/_sandbox/merge", {"master": first, "losers": [second]})
    _, cursor = await sweep(hub, kind="account_merge")
    door.clock.forward(minutes=2)
    await door("POST", "/_sandbox/merge", {"master": first, "losers": [third]})
    changes, cursor = await sweep(hub, cursor, kind="account_merge")
    assert [each.ref.id for each in changes] == [second, third]
    door.clock.forward(days=20)  # the recycle bin has been emptied
    await door.forward()
    changes, later = await sweep(hub, cursor, kind="account_merge")
    assert (changes, later) == ([], cursor)


async def test_a_transaction_that_commits_late_is_still_seen(door: Any, hub: Any, org: Any) -> None:
    early = await door.deal("Long transaction")
    await settled(hub, door)
    await door.deal("Short transaction")
    _, cursor = await sweep(hub, await settled(hub, door))
    entity = org.records.schema["Opportunity"]
    row = org.records.get(entity, early)
    late = org.records.stamp() - timedelta(hours=1, minutes=4)  # before the newest stamp that was seen
    with org.records.transaction():
        org.records.put(entity, {**row, "Name": "Committed late", "SystemModstamp": late})
    changes, _ = await sweep(hub, cursor)
    assert early in ids(changes)


async def test_a_sweep_in_which_nothing_moved_costs_one_call_and_reads_nothing_again(
    door: Any, hub: Any, org: Any
) -> None:
    deal = await door.deal()
    _, cursor = await sweep(hub)
    await door.forward(minutes=3)
    changes, cursor = await sweep(hub, cursor)
    assert ids(changes) == [deal]
    used = org.limits.used
    changes, cursor = await sweep(hub, cursor)
    assert (changes, org.limits.used - used) == ([], 1)


async def test_a_deal_that_changes_again_within_its_second_is_seen_again(door: Any, hub: Any) -> None:
    """Its stamp is the same; a sweep that trusted the stamps would never read it again."""
    deal = await door.deal()
    _, cursor = await sweep(hub)
    _, cursor = await sweep(hub, cursor)
    await door("PATCH", f"/sobjects/Opportunity/{deal}", {"Name": "Second thoughts"})
    changes, _ = await sweep(hub, cursor)
    assert ids(changes) == [deal]


async def test_our_own_write_back_says_nothing_new(door: Any, hub: Any) -> None:
    account, deal, _ = await door.sold()
    ref = Ref("salesforce", "opportunity", deal)
    before = await hub.look(ref)
    cursor = await settled(hub, door)
    facts = {"status": "Project created", "message": "", "engagement": "ENG-1", "erp_project": "P-1", "billed": "10.50"}
    for write in (
        Write("opportunity.update", "ENG-1", "1", facts, {"record": deal}),
        Write("account.update", "CUS-1", "1", {"erp_customer": "C-1"}, {"record": account}),
        Write("invoice.upsert", "INV-1", "1", {"number": "1", "net": "5"}, {"account": account, "opportunity": deal}),
    ):
        door.clock.forward(minutes=10)
        await hub.send(write.operation, await hub.prepare(write))
        changes, cursor = await sweep(hub, cursor)
        assert {said(each) for each in changes} <= {said(before)}
    after = await hub.look(ref)
    assert said(after) == said(before)
    assert (await hub.read(ref)).version == after.version


async def test_a_state_that_comes_back_is_a_new_version(door: Any, hub: Any) -> None:
    deal = await door.deal(Practice__c="Data & AI")
    ref = Ref("salesforce", "opportunity", deal)
    versions = [(await hub.look(ref)).version]
    for practice in ("Cloud Platforms", "Data & AI"):
        door.clock.forward(seconds=1)
        await door("PATCH", f"/sobjects/Opportunity/{deal}", {"Practice__c": practice})
        versions.append((await hub.look(ref)).version)
    assert versions == sorted(set(versions))
    assert versions[0].partition("#")[2] == versions[2].partition("#")[2]


async def test_two_states_within_one_second_are_two_versions(door: Any, hub: Any) -> None:
    deal = await door.deal()
    ref = Ref("salesforce", "opportunity", deal)
    first = await hub.look(ref)
    await door("PATCH", f"/sobjects/Opportunity/{deal}", {"Practice__c": "Data & AI"})
    second = await hub.look(ref)
    assert first.version[:28] == second.version[:28]
    assert first.version != second.version


async def test_a_deal_is_read_whole_with_a_trail_for_each_field(door: Any, hub: Any) -> None:
    account, deal, lines = await door.sold(2, PO_Required__c=True)
    await door.create("Contact", FirstName="Hank", LastName="Scorpio", AccountId=account, Email="ap@globex.example")
    reading = await hub.read(Ref("salesforce", "opportunity", deal))
    document = reading.document
    assert (document.stage, document.source_id, document.currency) == ("won", deal, "USD")
    assert document.key.startswith("ENG-")
    assert document.amount == Decimal("49001.0")
    assert document.po_required is True
    assert document.customer.tax_id.code == "91-1144442"
    assert document.customer.email == "ap@globex.example"
    assert [each.id for each in document.lines] == lines
    assert document.lines[0].rate == Decimal("245.01")
    assert reading.trail["practice"] == {"source": "Practice__c", "mapping": "salesforce.opportunity@1"}
    assert reading.trail["customer.tax_id.code"] == {"source": "Account.Tax_Id__c", "mapping": "salesforce.account@1"}


async def test_the_booking_date_is_the_moment_of_the_stage_not_the_typed_date(door: Any, hub: Any) -> None:
    _, deal, _ = await door.sold()
    await door("PATCH", f"/sobjects/Opportunity/{deal}", {"CloseDate": "2026-06-30"})  # backdated
    document = (await hub.read(Ref("salesforce", "opportunity", deal))).document
    assert document.booked_at == datetime(2026, 10, 1, 9, 10, tzinfo=UTC)
    assert str(document.close_date) == "2026-06-30"
    at_once = await door.deal("Won when it was entered", "Closed Won")
    reading = await hub.read(Ref("salesforce", "opportunity", at_once))
    assert reading.document.booked_at == door.clock()
    assert reading.trail["booked_at"]["source"] == "CreatedDate"
    open_deal = await door.deal("Open")
    assert (await hub.read(Ref("salesforce", "opportunity", open_deal))).document.booked_at is None


@pytest.mark.parametrize(
    ("approved", "stage", "expected"),
    [
        (("Closed Won",), "Closed Won", "won"),
        (("Negotiation/Review",), "Negotiation/Review", "won"),
        (("Negotiation/Review",), "Closed Won", "open"),
        (("Closed Won",), "Closed Lost", "lost"),
        (("Closed Won",), "Prospecting", "open"),
    ],
)
async def test_the_firm_says_which_stage_counts_as_sold(
    door: Any, open_hub: Any, approved: tuple[str, ...], stage: str, expected: str
) -> None:
    hub = open_hub(approved_stages=approved)
    deal = await door.deal("D", stage)
    assert (await hub.read(Ref("salesforce", "opportunity", deal))).document.stage == expected
    await hub.close()


async def test_deals_from_before_go_live_are_left_alone(door: Any, open_hub: Any) -> None:
    old = [await door.deal("Won long ago", "Closed Won"), await door.deal("Lost long ago", "Closed Lost")]
    still_open = await door.deal("Still open")
    await door.forward(days=10)
    hub = open_hub(go_live="2026-10-05", page_size=2)
    changes, cursor = await sweep(hub)
    assert ids(changes) == [still_open]
    for each in old:
        await door("PATCH", f"/sobjects/Opportunity/{each}", {"NextStep": "call"})
    await door("PATCH", f"/sobjects/Opportunity/{still_open}", {"StageName": "Closed Won"})
    changes, _ = await sweep(hub, cursor)
    assert ids(changes) == [still_open]
    assert await hub.look(Ref("salesforce", "opportunity", old[0])) is None
    await hub.close()


async def test_a_firm_maps_its_own_fields(door: Any, open_hub: Any) -> None:
    _, deal, _ = await door.sold(NextStep="CC-77", LeadSource="Web")
    hub = open_hub(
        fields={
            "po_number": "NextStep",
            "lead_source": "LeadSource",
            "customer.address.country": "BillingCity",
            "customer.tax_id.type": "",
            "line.task": "Description",
            "bill_to": "",
        }
    )
    reading = await hub.read(Ref("salesforce", "opportunity", deal))
    assert reading.document.po_number == "CC-77"
    assert reading.document.extensions == {"lead_source": "Web"}
    assert reading.document.customer.address.country == "San Francisco"
    assert reading.document.customer.tax_id.type == ""
    assert reading.document.lines[0].task == "Line 0"
    assert reading.trail["po_number"]["source"] == "NextStep"
    await hub.close()


def test_a_firm_cannot_map_what_no_document_has(open_hub: Any) -> None:
    with pytest.raises(Misconfigured, match=r"customer\.shoe_size is no field that can be mapped"):
        open_hub(fields={"customer.shoe_size": "Shoe_Size__c"})


async def test_an_org_with_one_currency_has_no_field_for_it(door: Any, open_hub: Any) -> None:
    deal = await door.deal(Amount=5)
    hub = open_hub(currency="CHF")
    reading = await hub.read(Ref("salesforce", "opportunity", deal))
    assert reading.document.currency == "CHF"
    assert (await hub.look(Ref("salesforce", "opportunity", deal))).amount == Money.of("5", "CHF")
    await hub.close()


async def test_a_field_that_the_org_does_not_have_is_told_to_the_owner_of_the_connection(
    door: Any, open_hub: Any
) -> None:
    hub = open_hub(fields={"practice": "Practise__c"})
    with pytest.raises(Misconfigured, match="No such column 'Practise__c'"):
        await hub.look(Ref("salesforce", "opportunity", await door.deal()))
    await hub.close()


async def test_more_accounts_and_deals_than_one_condition_takes_come_in_chunks(door: Any, open_hub: Any) -> None:
    hub = open_hub(page_size=2000)
    parent = await door.create("Account", Name="Parent")

    async def create(records: list[dict[str, Any]]) -> list[str]:
        made: list[str] = []
        for start in range(0, len(records), 200):
            batch = await door("POST", "/composite/sobjects", {"records": records[start : start + 200]})
            made += [each["id"] for each in batch.json()]
        return made

    accounts = await create([{"attributes": {"type": "Account"}, "Name": "A", "ParentId": parent} for _ in range(250)])
    deal = {"attributes": {"type": "Opportunity"}, "Name": "D", "StageName": "Prospecting", "CloseDate": "2026-10-30"}
    deals = await create([{**deal, "AccountId": account} for account in accounts])
    cursor = await settled(hub, door)
    await door("PATCH", f"/sobjects/Account/{parent}", {"Name": "Parent Group"})
    changes, _ = await sweep(hub, cursor)
    assert ids(changes) == sorted(deals)
    await hub.close()


async def test_lists_of_children_that_go_on_elsewhere_are_followed(door: Any, hub: Any, monkeypatch: Any) -> None:
    _, deal, lines = await door.sold(3)
    from tieout.connectors.salesforce.emulator import querying

    monkeypatch.setattr(querying, "page_size", lambda options: 2)
    reading = await hub.read(Ref("salesforce", "opportunity", deal))
    assert [each.id for each in reading.document.lines] == lines


async def test_names_of_fields_come_by_object_and_through_parents(hub: Any) -> None:
    described = await hub.describe()
    assert {"Opportunity", "Account", "OpportunityLineItem", "Invoice__c", "Contact"} <= described.keys()
    assert {"Practice__c", "Account.Tax_Id__c", "Owner.Email", "Bill_To_Account__r.Name"} <= set(
        described["Opportunity"]
    )
    assert "Invoice_Key__c" in described["Invoice__c"]


async def test_check_says_who_we_are_and_what_is_left(hub: Any, open_hub: Any, org: Any) -> None:
    health = await hub.check()
    assert (health.ok, health.user, health.version) == (True, "hub@kestrel.example", "60.0")
    assert health.limits["api requests in 24 h"].endswith("of 15000")
    ours = open_hub(organization_id=org.sessions.organization["Id"])
    assert (await ours.check()).ok
    other = open_hub(organization_id="00Dxx0000000009")
    with pytest.raises(Misconfigured, match="organization_id is 00Dxx0000000009"):
        await other.check()
    for each in (ours, other):
        await each.close()


async def test_a_page_of_html_with_status_200_is_no_answer(hub: Any, faults: Any) -> None:
    await hub.check()
    faults._bodies = {"error_in_200": ("text/html", b"<html>maintenance</html>")}
    faults.add(Rule(kind="error_in_200"))
    with pytest.raises(Transient, match="no JSON"):
        await hub.changes("account_merge", None)


async def test_an_error_with_status_200_is_no_empty_answer(hub: Any, faults: Any) -> None:
    await hub.check()
    for kind in ("opportunity", "account_merge"):
        faults.add(Rule(kind="error_in_200"))
        with pytest.raises(Transient):
            await hub.changes(kind, "2026-10-01T00:00:00Z" if kind == "opportunity" else None)


@pytest.mark.parametrize(
    ("url", "kind", "expected"),
    [
        ("https://acme.my.salesforce.com", "opportunity", "https://acme.lightning.force.com/lightning/r/Opportunity/006A/view"),
        ("https://acme--uat.sandbox.my.salesforce.com/", "invoice", "https://acme--uat.sandbox.lightning.force.com/lightning/r/Invoice__c/006A/view"),
        ("http://127.0.0.1:8101", "opportunity", "http://127.0.0.1:8101/006A"),
        ("http://127.0.0.1:8101", "nonsense", ""),
    ],
)  # fmt: skip
async def test_a_link_leads_to_the_record(open_hub: Any, url: str, kind: str, expected: str) -> None:
    hub = open_hub(url=url)
    assert hub.link(Ref("salesforce", kind, "006A")) == expected
    await hub.close()


@pytest.mark.parametrize(
    ("shown", "plain"),
    [(Decimal("1.0E7"), "10000000"), (Decimal("0.1"), "0.1"), (1000, "1000"), (Decimal("1E-2"), "0.01")],
)
def test_numbers_are_read_in_plain_digits(shown: Any, plain: str) -> None:
    assert str(amount(shown)) == plain


def test_no_digit_of_an_amount_is_lost_on_the_way() -> None:
    answer = httpx2.Response(200, content=b'{"Amount": 9999999999999999.99}')
    assert amount(exact(answer, writes=False)["Amount"]) == Decimal("9999999999999999.99")


async def test_kinds_that_salesforce_does_not_have_are_a_mistake_of_the_caller(hub: Any) -> None:
    ref = Ref("salesforce", "shoe", "1")
    for call in (lambda: hub.changes("shoe", None), lambda: hub.look(ref), lambda: hub.read(ref)):
        with pytest.raises(LookupError):
            await call()
