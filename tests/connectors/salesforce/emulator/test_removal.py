"""What disappears: the recycle bin, merges, and the lists by which a mirror of the org learns of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

MERGE = (
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:partner.soap.sforce.com"><env:Header>'
    "<p:SessionHeader><p:sessionId>{token}</p:sessionId></p:SessionHeader></env:Header><env:Body><p:merge><p:request>"
    "<p:masterRecord><p:type>Account</p:type><p:Id>{master}</p:Id></p:masterRecord>"
    "<p:recordToMergeIds>{loser}</p:recordToMergeIds></p:request></p:merge></env:Body></env:Envelope>"
)


async def merge(door: Any, master: str, *losers: str) -> Any:
    return await door("POST", "/_sandbox/merge", {"master": master, "losers": losers})


async def test_a_deleted_record_lies_in_the_bin_for_fifteen_days(door: Any) -> None:
    account = await door.create("Account", Name="A")
    contact = await door.create("Contact", LastName="C", AccountId=account)
    deal = await door.deal(AccountId=account)
    await door("DELETE", f"/sobjects/Account/{account}")
    assert await door.rows("SELECT Id FROM Account") == []
    for entity, record in (("Account", account), ("Contact", contact), ("Opportunity", deal)):
        (row,) = await door.rows(f"SELECT Id, IsDeleted FROM {entity}", "queryAll")
        assert (row["Id"], row["IsDeleted"]) == (record, True)
    assert len(await door.rows("SELECT Id FROM Contact ALL ROWS")) == 1
    await door.forward(days=15)
    assert len(await door.rows("SELECT Id FROM Account", "queryAll")) == 1
    await door.forward(seconds=1)
    assert await door.rows("SELECT Id FROM Account", "queryAll") == []


async def test_what_was_deleted_comes_back_with_all_that_went_with_it(door: Any) -> None:
    account = await door.create("Account", Name="A")
    alone = await door.create("Contact", LastName="Alone", AccountId=account)
    await door("DELETE", f"/sobjects/Contact/{alone}")
    contact = await door.create("Contact", LastName="C", AccountId=account)
    await door("DELETE", f"/sobjects/Account/{account}")
    assert (await door("POST", "/_sandbox/undelete", {"id": account})).json() == {"id": account}
    assert [each["Id"] for each in await door.rows("SELECT Id FROM Contact")] == [contact]
    again = await door("POST", "/_sandbox/undelete", {"id": account})
    assert again.status_code == 404


async def test_an_account_with_a_won_deal_and_a_price_in_use_cannot_be_deleted(door: Any) -> None:
    account, _, (line,) = await door.sold()
    entry = (await door.read("OpportunityLineItem", line))["PricebookEntryId"]
    for address in (f"/sobjects/Account/{account}", f"/sobjects/PricebookEntry/{entry}"):
        refused = await door("DELETE", address)
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "DELETE_FAILED")
    user = (await door.rows("SELECT Id FROM User LIMIT 1"))[0]["Id"]
    assert (await door("DELETE", f"/sobjects/User/{user}")).status_code == 403


async def test_the_loser_of_a_merge_names_the_winner_and_its_children_move(door: Any) -> None:
    master = await door.create("Account", Name="Globex Corporation")
    loser = await door.create("Account", Name="Globex Corp.", Phone="1")
    deal, contact = await door.deal(AccountId=loser), await door.create("Contact", LastName="C", AccountId=loser)
    child = await door.create("Account", Name="Globex Labs", ParentId=loser)
    before = await door.read("Opportunity", deal)
    door.clock.forward(minutes=5)
    moved = (await merge(door, master, loser)).json()["moved"]
    assert sorted(moved) == sorted([deal, contact, child])
    (row,) = await door.rows("SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = true", "queryAll")
    assert row["MasterRecordId"] == master
    after = await door.read("Opportunity", deal)
    assert after["AccountId"] == master
    assert after["SystemModstamp"] > before["SystemModstamp"]
    assert after["LastModifiedDate"] == before["LastModifiedDate"]
    assert (await door.read("Account", master))["Phone"] is None
    assert (await door("POST", "/_sandbox/undelete", {"id": loser})).status_code == 404


async def test_a_merge_through_the_soap_door(door: Any, client: Any) -> None:
    master, loser = [await door.create("Account", Name=name) for name in "AB"]
    token = door.http.headers["Authorization"].partition(" ")[2]
    envelope = MERGE.format(token=token, master=master, loser=loser)
    answer = await client.post("/services/Soap/u/60.0", content=envelope.encode(), headers={"Content-Type": "text/xml"})
    assert "<success>true</success>" in answer.text
    assert f"<mergedRecordIds>{loser}</mergedRecordIds>" in answer.text
    again = await client.post("/services/Soap/u/60.0", content=envelope.encode())
    assert "<success>false</success>" in again.text
    assert "ENTITY_IS_DELETED" in again.text


@pytest.mark.parametrize("case", ["itself", "three losers", "nobody", "a product", "no id"])
async def test_a_merge_that_cannot_be_is_refused(door: Any, case: str) -> None:
    made = [await door.create("Account", Name=str(number)) for number in range(4)]
    product = await door.create("Product2", Name="P")
    master, losers = {
        "itself": (made[0], made[:1]),
        "three losers": (made[0], made[1:]),
        "nobody": (made[0], ["001000000000001AAA"]),
        "a product": (product, [product]),
        "no id": ("nonsense", made[:1]),
    }[case]
    assert (await merge(door, master, *losers)).status_code in (400, 404)
    assert len(await door.rows("SELECT Id FROM Account")) == 4


async def test_lists_of_the_deleted_and_the_updated_say_how_far_they_reach(door: Any) -> None:
    kept, gone = [await door.create("Account", Name=name) for name in "AB"]
    start = door.clock()
    door.clock.forward(minutes=10)
    await door("DELETE", f"/sobjects/Account/{gone}")
    door.clock.forward(minutes=10)

    async def ask(resource: str, begin: Any, end: Any) -> Any:
        window = {"start": begin.isoformat(), "end": end.isoformat()}
        return await door("GET", f"/sobjects/Account/{resource}/", params=window)

    deleted = (await ask("deleted", start, start + timedelta(hours=1))).json()
    assert deleted == {
        "deletedRecords": [{"id": gone, "deletedDate": "2026-10-01T09:10:00.000+0000"}],
        "earliestDateAvailable": "2026-09-16T09:20:00.000+0000",
        "latestDateCovered": "2026-10-01T09:20:00.000+0000",
    }
    updated = (await ask("updated", start - timedelta(minutes=1), start + timedelta(minutes=1))).json()
    assert updated == {"ids": [kept], "latestDateCovered": "2026-10-01T09:01:00.000+0000"}
    for begin, end in [
        (start, start + timedelta(seconds=59)),
        (start - timedelta(days=31), start),
    ]:
        assert (await ask("updated", begin, end)).json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"
    missing = await door("GET", "/sobjects/Account/deleted/")
    assert missing.json()[0]["errorCode"] == "INVALID_REPLICATION_DATE"
