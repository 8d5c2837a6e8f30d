"""Many records in one request: collections, trees, and what a fault in the middle leaves behind."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tieout.connectors.salesforce.emulator import FAULT_BODIES
from tieout.sandbox.faults import Faults, Match, Rule

COLLECTIONS = "/composite/sobjects"


def accounts(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"attributes": {"type": "Account"}, "Name": name, **more} for name in names]


async def count(door: Any, entity: str = "Account") -> int:
    return (await door.query(f"SELECT COUNT() FROM {entity}"))["totalSize"]


def codes(results: list[dict[str, Any]]) -> list[str | None]:
    return [each["errors"][0]["statusCode"] if each["errors"] else None for each in results]


async def test_good_records_are_saved_although_others_are_not(door: Any) -> None:
    records = [*accounts("A", ""), {"attributes": {"type": "Shoe"}}, {"Name": "no type"}, *accounts("B", Shoe__c=1)]
    response = await door("POST", COLLECTIONS, {"records": records})
    assert response.status_code == 200
    results = response.json()
    assert codes(results) == [None, "REQUIRED_FIELD_MISSING", "INVALID_TYPE", "INVALID_TYPE", "INVALID_FIELD"]
    assert results[1] == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [Name]",
                "fields": ["Name"],
            }
        ],
    }
    assert await count(door) == 1


async def test_all_or_none_leaves_nothing_when_one_record_fails(door: Any) -> None:
    response = await door("POST", COLLECTIONS, {"allOrNone": True, "records": accounts("A", "", "B")})
    rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert codes(response.json()) == [rolled_back, "REQUIRED_FIELD_MISSING", rolled_back]
    assert not any("id" in each for each in response.json())
    assert await count(door) == 0


async def test_records_of_several_kinds_are_changed_in_one_request(door: Any) -> None:
    account, deal = await door.create("Account", Name="A"), await door.deal()
    gone = await door.create("Account", Name="Gone")
    await door("DELETE", f"/sobjects/Account/{gone}")
    records = [
        {"attributes": {"type": "Account"}, "id": account, "Phone": "1"},
        {"attributes": {"type": "Opportunity"}, "Id": deal[:15], "Name": "Renamed"},
        {"attributes": {"type": "Account"}, "id": "001000000000001AAA", "Phone": "1"},
        {"attributes": {"type": "Account"}, "Phone": "1"},
        {"attributes": {"type": "Account"}, "id": gone, "Phone": "1"},
    ]
    results = (await door("PATCH", COLLECTIONS, {"records": records})).json()
    assert codes(results) == [None, None, "INVALID_CROSS_REFERENCE_KEY", "MISSING_ARGUMENT", "ENTITY_IS_DELETED"]
    assert (await door.read("Opportunity", deal))["Name"] == "Renamed"


async def test_upsert_says_for_each_record_whether_it_was_created(door: Any) -> None:
    key = "ERP_Customer_Id__c"
    records = [
        *accounts("A", ERP_Customer_Id__c="C-1"), *accounts("B", ERP_Customer_Id__c="C-2"),
        *accounts("A again", ERP_Customer_Id__c="c-1"), *accounts("no key"), *accounts("", ERP_Customer_Id__c="C-3"),
    ]  # fmt: skip
    results = (await door("PATCH", f"{COLLECTIONS}/Account/{key}", {"records": records})).json()
    assert [each.get("created") for each in results] == [True, True, False, None, None]
    assert codes(results)[3:] == ["MISSING_ARGUMENT", "REQUIRED_FIELD_MISSING"]
    assert (await door("PATCH", f"{COLLECTIONS}/Account/Name", {"records": records})).status_code == 404
    by_id = [{"attributes": {"type": "Account"}, "Id": results[0]["id"], "Name": "By id"}, *accounts("New")]
    again = (await door("PATCH", f"{COLLECTIONS}/Account/Id", {"records": by_id})).json()
    assert [each["created"] for each in again] == [False, True]


async def test_several_records_with_one_external_id_are_refused(door: Any) -> None:
    for name in "AB":
        await door.create("Contact", LastName=name, Email="ap@globex.example")
    records = [{"attributes": {"type": "Contact"}, "Email": "ap@globex.example", "LastName": "C"}]
    results = (await door("PATCH", f"{COLLECTIONS}/Contact/Email", {"records": records})).json()
    assert codes(results) == ["DUPLICATE_EXTERNAL_ID"]


async def test_records_are_read_and_deleted_by_id(door: Any) -> None:
    made = [await door.create("Account", Name=name) for name in "AB"]
    body = {"ids": [*made, "001000000000001AAA"], "fields": ["Name"]}
    first, second, missing = (await door("POST", f"{COLLECTIONS}/Account", body)).json()
    assert (first["Name"], second["Id"], missing) == ("A", made[1], None)
    by_address = await door("GET", f"{COLLECTIONS}/Account", params={"ids": ",".join(made), "fields": "Name"})
    assert [each["Name"] for each in by_address.json()] == ["A", "B"]
    ids = ",".join([made[0], "001000000000001AAA", "nonsense"])
    results = (await door("DELETE", COLLECTIONS, params={"ids": ids, "allOrNone": "false"})).json()
    assert codes(results) == [None, "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"]
    both = await door("DELETE", COLLECTIONS, params={"ids": f"{made[1]},nonsense", "allOrNone": "true"})
    assert codes(both.json()) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "MALFORMED_ID"]
    assert await count(door) == 1


async def test_two_hundred_records_are_the_most(door: Any) -> None:
    refused = await door("POST", COLLECTIONS, {"records": accounts(*["A"] * 201)})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
    for body in ({}, {"records": []}, {"records": ["A"]}, {"records": "A"}, []):
        assert (await door("POST", COLLECTIONS, body)).json()[0]["errorCode"] == "JSON_PARSER_ERROR"


async def test_a_tree_plants_parents_with_their_children(door: Any) -> None:
    tree = {
        "attributes": {"type": "Account", "referenceId": "globex"},
        "Name": "Globex",
        "Contacts": {"records": [{"attributes": {"type": "Contact", "referenceId": "hank"}, "LastName": "Scorpio"}]},
    }
    planted = await door("POST", "/composite/tree/Account", {"records": [tree]})
    assert planted.status_code == 201
    assert [each["referenceId"] for each in planted.json()["results"]] == ["globex", "hank"]
    (contact,) = await door.rows("SELECT AccountId FROM Contact")
    assert contact["AccountId"] == planted.json()["results"][0]["id"]

    bad = {**tree, "Contacts": {"records": [{"attributes": {"referenceId": "nobody"}, "Email": "x"}]}}
    refused = await door("POST", "/composite/tree/Account", {"records": [{**tree, "Name": "Other"}, bad]})
    assert refused.status_code == 400
    (result,) = refused.json()["results"]
    assert (refused.json()["hasErrors"], result["referenceId"]) == (True, "nobody")
    assert await count(door) == 1


# -- faults from outside


@pytest.fixture
async def faulty(org: Any, door: Any) -> tuple[Faults, Any]:
    """The same org behind a fault proxy, and a client that goes through it."""
    faults = Faults(org.asgi(), 7, FAULT_BODIES)
    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(faults), base_url=org.public_url, headers=door.http.headers
    )
    async with client:
        yield faults, client


async def test_a_partial_batch_saves_the_first_records_only(door: Any, faulty: Any) -> None:
    faults, client = faulty
    address = f"/services/data/v60.0{COLLECTIONS}"
    faults.add(Rule(kind="partial_batch", records=2, match=Match(path="composite/sobjects")))
    results = (await client.post(address, json={"records": accounts("A", "B", "C")})).json()
    assert codes(results) == [None, None, "UNABLE_TO_LOCK_ROW"]
    assert await count(door) == 2
    faults.add(Rule(kind="partial_batch", records=1))
    results = (await client.post(address, json={"allOrNone": True, "records": accounts("D", "E")})).json()
    assert codes(results) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "UNABLE_TO_LOCK_ROW"]
    results = (await client.post(address, json={"records": accounts("D", "E")})).json()
    assert codes(results) == [None, None]


async def test_an_error_in_a_200_has_no_effect_and_speaks_the_vendors_words(door: Any, faulty: Any) -> None:
    faults, client = faulty
    faults.add(Rule(kind="error_in_200"))
    lied = await client.post("/services/data/v60.0/sobjects/Account", json={"Name": "A"})
    assert (lied.status_code, lied.json()[0]["errorCode"]) == (200, "UNKNOWN_EXCEPTION")
    assert await count(door) == 0
    faults.add(Rule(kind="status", status=503, retry_after=7))
    away = await client.post("/services/data/v60.0/sobjects/Account", json={"Name": "A"})
    assert (away.json()[0]["errorCode"], away.headers["Retry-After"]) == ("SERVER_UNAVAILABLE", "7")


async def test_an_answer_that_is_lost_leaves_the_record_behind(door: Any, faulty: Any) -> None:
    faults, client = faulty
    for kind, kept in (("timeout_before", 0), ("timeout_after", 1), ("lost_answer", 2)):
        faults.add(Rule(kind=kind))
        with pytest.raises(httpx2.TransportError):
            await client.post("/services/data/v60.0/sobjects/Account", json={"Name": "A"})
        assert await count(door) == kept
