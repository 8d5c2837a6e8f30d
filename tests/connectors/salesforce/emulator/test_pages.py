"""The page of a record: where a link into the org leads, and where a person corrects what a hold asks for."""

from __future__ import annotations

from typing import Any

import pytest

from tieout.domain.identity import Ref


async def test_a_link_leads_to_the_deal_with_its_account_and_products(door: Any, hub: Any, client: Any) -> None:
    account, deal, (line,) = await door.sold(NextStep="<b>call</b>")
    page = await client.get(hub.link(Ref("salesforce", "opportunity", deal)))
    assert page.status_code == 200
    assert "<h1>Globex data</h1>" in page.text
    assert f'<a href="/{account}">Globex</a>' in page.text
    assert f'<a href="/{line}">' in page.text
    assert "&lt;b&gt;call&lt;/b&gt;" in page.text
    assert "<b>call</b>" not in page.text
    assert "<option selected>Data &amp; AI</option>" in page.text


async def test_a_person_corrects_a_field_and_the_hub_sees_a_new_state(door: Any, hub: Any, client: Any) -> None:
    _, deal, _ = await door.sold()
    ref = Ref("salesforce", "opportunity", deal)
    before = await hub.look(ref)
    door.clock.forward(minutes=1)
    form = {
        "Practice__c": "Cloud Platforms",
        "PO_Required__c": "true",
        "Expected_End_Date__c": "",
        "Name": "Globex data",
    }
    saved = await client.post(f"/{deal[:15]}", data=form, headers={"Origin": "http://kestrel.my.salesforce.test"})
    assert (saved.status_code, saved.headers["Location"]) == (303, f"/{deal}")
    document = (await hub.read(ref)).document
    assert (document.practice, document.po_required, document.end) == ("Cloud Platforms", True, None)
    assert (await hub.look(ref)).version > before.version


async def test_what_the_org_refuses_is_told_on_the_page(door: Any, client: Any) -> None:
    deal = await door.deal()
    refused = await client.post(f"/{deal}", data={"Name": "", "Legal_Entity__c": "FR"})
    assert refused.status_code == 400
    assert 'role="alert"' in refused.text
    assert "bad value for restricted picklist field: FR" in refused.text
    assert (await door.read("Opportunity", deal))["Name"] == "Data platform"


async def test_another_site_cannot_save(door: Any, client: Any) -> None:
    deal = await door.deal()
    refused = await client.post(f"/{deal}", data={"Name": "x"}, headers={"Origin": "http://evil.example"})
    assert refused.status_code == 403
    assert (await door.read("Opportunity", deal))["Name"] == "Data platform"


@pytest.mark.parametrize("address", ["/006xx0000000001AAA", "/favicon.ico", "/nonsense"])
async def test_a_page_of_nothing_says_so(client: Any, address: str) -> None:
    assert (await client.get(address)).status_code == 404
    assert (await client.post(address, data={})).status_code == 404


async def test_a_deleted_record_is_shown_and_not_edited(door: Any, client: Any) -> None:
    deal = await door.deal()
    await door("DELETE", f"/sobjects/Opportunity/{deal}")
    page = await client.get(f"/{deal}")
    assert "in the recycle bin" in page.text
    assert "<input" not in page.text
    refused = await client.post(f"/{deal}", data={"Name": "x"})
    assert (refused.status_code, "entity is deleted" in refused.text) == (400, True)
