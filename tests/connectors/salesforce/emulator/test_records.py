"""Single records: what is accepted, what is refused and in which words."""

from __future__ import annotations

import re
from typing import Any

import pytest


async def test_a_record_is_created_read_changed_and_deleted(door: Any) -> None:
    created = await door("POST", "/sobjects/Account/", {"Name": "Globex", "Legal_Entity__c": "US"})
    assert created.status_code == 201
    body = created.json()
    assert body["success"] is True
    assert body["errors"] == []
    assert re.fullmatch(r"001[A-Za-z0-9]{15}", body["id"])
    assert created.headers["Location"] == f"/services/data/v60.0/sobjects/Account/{body['id']}"

    door.clock.forward(minutes=5)
    changed = await door("PATCH", f"/sobjects/Account/{body['id']}", {"Phone": "+1 617 555 0100"})
    assert (changed.status_code, changed.content) == (204, b"")
    account = await door.read("Account", body["id"][:15])
    assert account["attributes"] == {"type": "Account", "url": f"/services/data/v60.0/sobjects/Account/{body['id']}"}
    assert account["CreatedDate"] == "2026-10-01T09:00:00.000+0000"
    assert account["SystemModstamp"] == account["LastModifiedDate"] == "2026-10-01T09:05:00.000+0000"
    assert account["CurrencyIsoCode"] == "USD"

    assert (await door("DELETE", f"/sobjects/Account/{body['id']}")).status_code == 204
    gone = await door("GET", f"/sobjects/Account/{body['id']}")
    assert gone.status_code == 404
    assert gone.json() == [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}]


@pytest.mark.parametrize(
    ("entity", "body", "code", "fields"),
    [
        ("Account", {}, "REQUIRED_FIELD_MISSING", ["Name"]),
        ("Account", {"Name": "x" * 256}, "STRING_TOO_LONG", ["Name"]),
        ("Account", {"Name": "A", "Shoe_Size__c": 4}, "INVALID_FIELD", None),
        ("Account", {"Name": "A", "Legal_Entity__c": "FR"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Legal_Entity__c"]),
        ("Account", {"Name": "A", "NumberOfEmployees": "many"}, "JSON_PARSER_ERROR", None),
        ("Account", {"Name": 7}, "JSON_PARSER_ERROR", None),
        ("Account", {"Name": "A", "AnnualRevenue": 1e30}, "NUMBER_OUTSIDE_VALID_RANGE", ["AnnualRevenue"]),
        ("Account", {"Name": "A", "ParentId": "nonsense"}, "MALFORMED_ID", ["ParentId"]),
        ("Account", {"Name": "A", "ParentId": "001000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY", ["ParentId"]),
        ("Account", {"Name": "A", "OwnerId": "001000000000001AAA"}, "MALFORMED_ID", ["OwnerId"]),
        ("Account", {"Name": "A", "Id": "001000000000001AAA"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Id"]),
        ("Account", {"Name": "A", "CreatedDate": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["CreatedDate"]),
        ("Contact", {"LastName": "A", "Email": "nobody"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ("Opportunity", {"Name": "A"}, "REQUIRED_FIELD_MISSING", ["StageName", "CloseDate"]),
        ("Contract", {"AccountId": None, "Status": "Activated"}, "FAILED_ACTIVATION", ["Status"]),
    ],
)  # fmt: skip
async def test_a_record_that_breaks_a_rule_is_refused_with_the_vendors_code(
    door: Any, entity: str, body: dict[str, Any], code: str, fields: list[str] | None
) -> None:
    refused = await door("POST", f"/sobjects/{entity}", body)
    assert refused.status_code == 400
    (error,) = refused.json()
    assert error["errorCode"] == code
    assert error.get("fields") == fields
    assert (await door.query(f"SELECT COUNT() FROM {entity}"))["totalSize"] == 0


async def test_several_broken_values_are_reported_together(door: Any) -> None:
    refused = await door("POST", "/sobjects/Contact", {"LastName": "x" * 81, "Email": "nobody"})
    assert [each["errorCode"] for each in refused.json()] == ["STRING_TOO_LONG", "INVALID_EMAIL_ADDRESS"]


async def test_addresses_of_nothing_are_not_found(door: Any) -> None:
    for address, message in [
        ("/sobjects/Nonsense", "The requested resource does not exist"),
        ("/sobjects/Account/001000000000001AAA", "The requested resource does not exist"),
        ("/sobjects/Account/short", "Provided external ID field does not exist or is not accessible: short"),
        ("/sobjects/Account/Nope__c/1", "Provided external ID field does not exist or is not accessible: Nope__c"),
    ]:
        response = await door("GET", address)
        assert (response.status_code, response.json()[0]["errorCode"]) == (404, "NOT_FOUND")
        assert response.json()[0]["message"] == message
    wrong_method = await door("PUT", "/sobjects/Account", {})
    assert (wrong_method.status_code, wrong_method.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    assert (await door("GET", "/services/data/v99.0/limits")).status_code == 404
    assert (await door("GET", "/services/data/v20.0/limits")).status_code == 410


async def test_upsert_by_external_id_creates_once_and_updates_afterwards(door: Any) -> None:
    address = "/sobjects/Account/ERP_Customer_Id__c/C%2F100"
    first = await door("PATCH", address, {"Name": "Globex"})
    assert (first.status_code, first.json()["created"]) == (201, True)
    again = await door("PATCH", address, {"Name": "Globex Corporation"})
    assert (again.status_code, again.json()) == (200, {**first.json(), "created": False})
    old_api = await door("PATCH", f"/services/data/v45.0{address}", {"Name": "Globex Corp"})
    assert (old_api.status_code, old_api.content) == (204, b"")
    account = (await door("GET", address)).json()
    assert (account["Name"], account["ERP_Customer_Id__c"]) == ("Globex Corp", "C/100")

    in_body = await door("PATCH", address, {"ERP_Customer_Id__c": "C/100"})
    assert in_body.json()[0]["errorCode"] == "INVALID_FIELD"
    nobody = await door("PATCH", "/sobjects/Account/ERP_Customer_Id__c/C-9?updateOnly=true", {"Name": "New"})
    assert nobody.status_code == 404


async def test_an_external_id_that_several_records_carry_is_ambiguous(door: Any) -> None:
    ids = [await door.create("Contact", LastName=name, Email="ap@globex.example") for name in ("A", "B")]
    several = await door("PATCH", "/sobjects/Contact/Email/ap%40globex.example", {"Title": "Payables"})
    assert several.status_code == 300
    assert several.json() == [f"/services/data/v60.0/sobjects/Contact/{each}" for each in ids]


async def test_a_unique_field_names_the_record_that_already_has_the_value(door: Any) -> None:
    first = await door.create("Account", Name="A", ERP_Customer_Id__c="c-1")
    twice = await door("POST", "/sobjects/Account", {"Name": "B", "ERP_Customer_Id__c": "C-1"})
    assert twice.json() == [
        {
            "message": f"duplicate value found: ERP_Customer_Id__c duplicates value on record with id: {first[:15]}",
            "errorCode": "DUPLICATE_VALUE",
            "fields": [],
        }
    ]


async def test_a_parent_can_be_named_by_its_external_id(door: Any) -> None:
    account = await door.create("Account", Name="A", ERP_Customer_Id__c="C-1")
    deal = await door.deal(Account={"ERP_Customer_Id__c": "C-1"})
    assert (await door.read("Opportunity", deal))["AccountId"] == account
    unknown = await door("PATCH", f"/sobjects/Opportunity/{deal}", {"Account": {"ERP_Customer_Id__c": "C-2"}})
    assert "not found for field ERP_Customer_Id__c in entity Account" in unknown.json()[0]["message"]


async def test_the_last_writer_is_the_user_who_is_logged_in(door: Any, client: Any) -> None:
    token = (await client.post("/_sandbox/login-as", json={"username": "margaret.osei@kestrel.example"})).json()
    as_seller = {"headers": {"Authorization": f"Bearer {token['access_token']}"}}
    deal = (
        await door(
            "POST",
            "/sobjects/Opportunity",
            {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-10-30"},
            **as_seller,
        )
    ).json()["id"]
    await door("PATCH", f"/sobjects/Opportunity/{deal}", {"NextStep": "call"})
    row = await door.read("Opportunity", deal)
    assert row["CreatedById"] == row["OwnerId"] == token["user_id"]
    assert row["LastModifiedById"] != token["user_id"]


async def test_the_stamp_of_a_change_never_runs_backwards(door: Any) -> None:
    first = await door.create("Account", Name="A")
    door.clock.forward(hours=-2)
    second = await door.create("Account", Name="B")
    stamps = [(await door.read("Account", each))["SystemModstamp"] for each in (first, second)]
    assert stamps == ["2026-10-01T09:00:00.000+0000"] * 2


async def test_a_describe_that_the_client_already_has_is_not_sent_again(door: Any) -> None:
    first = await door("GET", "/sobjects/Opportunity/describe")
    fields = {each["name"]: each for each in first.json()["fields"]}
    assert fields["ERP_Project_Id__c"]["externalId"] is True
    assert (
        fields["Billed_To_Date__c"] | {"precision": 18, "scale": 2, "type": "currency"} == fields["Billed_To_Date__c"]
    )
    assert fields["Bill_To_Account__c"]["relationshipName"] == "Bill_To_Account__r"
    assert [each["value"] for each in fields["CurrencyIsoCode"]["picklistValues"]] == ["USD", "EUR"]
    for header in ({"If-None-Match": first.headers["ETag"]}, {"If-Modified-Since": first.headers["Last-Modified"]}):
        assert (await door("GET", "/sobjects/Opportunity/describe", headers=header)).status_code == 304
    everything = (await door("GET", "/sobjects")).json()
    assert {"name": "Invoice__c", "keyPrefix": "a00", "custom": True}.items() <= next(
        each for each in everything["sobjects"] if each["name"] == "Invoice__c"
    ).items()
