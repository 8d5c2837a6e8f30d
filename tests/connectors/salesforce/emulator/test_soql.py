"""SOQL: every shape the hub and other clients use, and the errors that point at the wrong word."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
async def firm(door: Any) -> dict[str, str]:
    """Two customers, three deals, a line on the first."""
    globex = await door.create("Account", Name="Globex", Legal_Entity__c="US", BillingCity="San Francisco")
    nordwind = await door.create(
        "Account", Name="Nordwind", Legal_Entity__c="DE", CurrencyIsoCode="EUR", ParentId=globex
    )
    await door.create("Contact", LastName="Scorpio", FirstName="Hank", AccountId=globex, Email="ap@globex.example")
    first = await door.deal("Alpha", "Closed Won", AccountId=globex, Amount=1000, Practice__c="Data & AI")
    await door.forward(days=1)
    second = await door.deal("beta", AccountId=nordwind, Amount=250.5, Bill_To_Account__c=globex, CurrencyIsoCode="EUR")
    await door.forward(days=1)
    third = await door.deal("Gamma O'Neill", "Closed Lost")
    return {"globex": globex, "nordwind": nordwind, "Alpha": first, "beta": second, "Gamma O'Neill": third}


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("StageName = 'closed won'", ["Alpha"]),
        ("IsClosed = true AND IsWon = false", ["Gamma O'Neill"]),
        ("NOT (IsClosed = true)", ["beta"]),
        ("Amount >= 250.5 AND (Name = 'Alpha' OR Name = 'BETA')", ["Alpha", "beta"]),
        ("Amount < 1000", ["beta"]),
        ("Amount != 1000", ["beta", "Gamma O'Neill"]),
        ("Amount = null", ["Gamma O'Neill"]),
        ("Name LIKE '%a_a%'", []),
        ("Name LIKE 'a%'", ["Alpha"]),
        (r"Name = 'Gamma O\'Neill'", ["Gamma O'Neill"]),
        ("Name IN ('alpha', 'Beta')", ["Alpha", "beta"]),
        ("Name NOT IN ('alpha', 'Beta')", ["Gamma O'Neill"]),
        ("Account.Name = 'Globex'", ["Alpha"]),
        ("Account.Parent.Name = 'Globex'", ["beta"]),
        ("Bill_To_Account__r.BillingCity LIKE 'san%'", ["beta"]),
        ("AccountId IN (SELECT AccountId FROM Contact WHERE Email != null)", ["Alpha"]),
        ("Id NOT IN (SELECT OpportunityId FROM OpportunityLineItem)", ["Alpha", "beta", "Gamma O'Neill"]),
        ("CreatedDate = TODAY", ["Gamma O'Neill"]),
        ("CreatedDate < TODAY", ["Alpha", "beta"]),
        ("CreatedDate = LAST_N_DAYS:1", ["beta", "Gamma O'Neill"]),
        ("CloseDate = THIS_MONTH", ["Alpha", "beta", "Gamma O'Neill"]),
        ("CloseDate > NEXT_WEEK", ["Alpha", "beta", "Gamma O'Neill"]),
        ("SystemModstamp > 2026-10-02T08:59:59Z", ["beta", "Gamma O'Neill"]),
        ("SystemModstamp >= 2026-10-02T11:00:00+02:00 AND CloseDate <= 2026-10-30", ["beta", "Gamma O'Neill"]),
        ("CALENDAR_MONTH(CloseDate) = 10 AND DAY_ONLY(CreatedDate) = 2026-10-02", ["beta"]),
    ],
)
async def test_conditions_choose_rows(door: Any, firm: dict[str, str], condition: str, names: list[str]) -> None:
    found = await door.rows(f"SELECT Name FROM Opportunity WHERE {condition} ORDER BY CreatedDate")
    assert [each["Name"] for each in found] == names


async def test_ids_of_both_lengths_are_the_same_id(door: Any, firm: dict[str, str]) -> None:
    for record_id in (firm["Alpha"], firm["Alpha"][:15]):
        assert len(await door.rows(f"select id from opportunity where id = '{record_id}'")) == 1


async def test_parents_and_children_come_as_objects_within_the_record(door: Any, firm: dict[str, str]) -> None:
    found = await door.rows(
        "SELECT Name, Account.Name, Account.Owner.Email, Bill_To_Account__r.Name FROM Opportunity ORDER BY Name DESC"
    )
    gamma, beta, alpha = found
    assert gamma["Account"] is None
    assert alpha["Bill_To_Account__r"] is None
    assert beta["Bill_To_Account__r"]["Name"] == "Globex"
    assert alpha["Account"]["attributes"]["type"] == "Account"
    assert alpha["Account"]["Owner"]["Email"] == "hub@kestrel.example"

    accounts = await door.rows(
        "SELECT Id, (SELECT Name, Email FROM Contacts), (SELECT Name FROM Opportunities WHERE IsWon = true) FROM Account"
        " ORDER BY Name"
    )
    globex, nordwind = accounts
    assert nordwind["Contacts"] is None
    assert globex["Contacts"]["totalSize"] == 1
    assert globex["Contacts"]["records"][0]["Name"] == "Hank Scorpio"
    assert globex["Opportunities"]["done"] is True


async def test_rows_are_ordered_with_nulls_where_the_query_wants_them(door: Any, firm: dict[str, str]) -> None:
    async def names(order: str) -> list[str]:
        return [each["Name"] for each in await door.rows(f"SELECT Name FROM Opportunity ORDER BY {order}")]

    assert await names("Amount") == ["Gamma O'Neill", "beta", "Alpha"]
    assert await names("Amount DESC NULLS LAST") == ["Alpha", "beta", "Gamma O'Neill"]
    assert await names("Name") == ["Alpha", "beta", "Gamma O'Neill"]
    assert await names("Account.Name NULLS LAST, Name LIMIT 1 OFFSET 1") == ["beta"]


async def test_aggregates(door: Any, firm: dict[str, str]) -> None:
    assert await door.query("SELECT COUNT() FROM Opportunity WHERE Amount > 1") == {
        "totalSize": 2,
        "done": True,
        "records": [],
    }
    found = await door.rows(
        "SELECT Account.Legal_Entity__c, COUNT(Id) deals, SUM(Amount), MAX(CloseDate) FROM Opportunity"
        " WHERE AccountId != null GROUP BY Account.Legal_Entity__c HAVING COUNT(Id) > 0 ORDER BY SUM(Amount) DESC"
    )
    aggregate = {"attributes": {"type": "AggregateResult"}}
    assert found == [
        {**aggregate, "Legal_Entity__c": "US", "deals": 1, "expr0": 1000.0, "expr1": "2026-10-30"},
        {**aggregate, "Legal_Entity__c": "DE", "deals": 1, "expr0": 250.5, "expr1": "2026-10-30"},
    ]
    (total,) = await door.rows("SELECT COUNT_DISTINCT(AccountId), AVG(Amount), MIN(Name) FROM Opportunity")
    assert (total["expr0"], total["expr1"], total["expr2"]) == (2, 625.25, "Alpha")
    (year,) = await door.rows(
        "SELECT CALENDAR_YEAR(CloseDate), COUNT(Id) FROM Opportunity GROUP BY CALENDAR_YEAR(CloseDate)"
    )
    assert (year["expr0"], year["expr1"]) == (2026, 3)


async def test_all_fields_need_a_limit(door: Any, firm: dict[str, str]) -> None:
    (row,) = await door.rows("SELECT FIELDS(ALL) FROM Account WHERE Name = 'Globex' LIMIT 200")
    assert row["BillingAddress"]["city"] == "San Francisco"
    assert row["Legal_Entity__c"] == "US"
    refused = await door("GET", "/query", params={"q": "SELECT FIELDS(ALL) FROM Account"})
    assert refused.json()[0]["errorCode"] == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("soql", "code", "message"),
    [
        ("SELECT Foo FROM Account", "INVALID_FIELD",
         "\nSELECT Foo FROM Account\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'Account'."),
        ("SELECT Id FROM Acount", "INVALID_TYPE", "sObject type 'Acount' is not supported."),
        ("SELECT Id FORM Account", "MALFORMED_QUERY", "unexpected token: 'Account'"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY", "the string is not closed"),
        ("SELECT Id FROM Account WHERE Name = 'x' AND Name = 'y' OR Name = 'z'", "MALFORMED_QUERY", "unexpected token: 'OR'"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD",
         "must be of type dateTime and should not be enclosed in quotes"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "must be of type string and should be enclosed in quotes"),
        ("SELECT Id FROM Account WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        ("SELECT Id FROM Account WHERE Description LIKE 'x%'", "INVALID_FIELD",
         "field 'Description' can not be filtered in a query call"),
        ("SELECT Owner.Foo.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Foo' in field path."),
        ("SELECT Id, (SELECT Id FROM Widgets) FROM Account", "INVALID_TYPE",
         "Didn't understand relationship 'Widgets' in FROM part of query call."),
        ("SELECT Name, COUNT(Id) FROM Account", "MALFORMED_QUERY", "Field must be grouped or aggregated: Name"),
        ("SELECT Id, Id FROM Account", "MALFORMED_QUERY", "duplicate field selected: Id"),
        ("SELECT Id FROM Account OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"),
        ("", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    ],
)  # fmt: skip
async def test_a_query_that_cannot_be_answered_says_where_and_why(
    door: Any, soql: str, code: str, message: str
) -> None:
    refused = await door("GET", "/query/", params={"q": soql})
    assert refused.status_code == 400
    (error,) = refused.json()
    assert error["errorCode"] == code
    assert message in error["message"]


async def test_choices_of_a_multipicklist_are_included_or_excluded(make_org: Any, tmp_path: Any) -> None:
    import httpx2

    (tmp_path / "more.yaml").write_text(
        "objects: {Account: {fields: {Regions__c: {type: multipicklist, values: [EMEA, AMER, APAC]}}}}"
    )
    org = make_org()
    org.close()
    from tieout.connectors.salesforce.emulator import OrgUser, SalesforceOrg

    org = SalesforceOrg([tmp_path / "more.yaml"], org.records.now, users=[OrgUser("a@b.example", "A")])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(org.asgi()), base_url="http://org.test") as client:
        token = (await client.post("/_sandbox/login-as", json={"username": "a@b.example"})).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        for name, regions in (("A", "EMEA;AMER"), ("B", "APAC"), ("C", None)):
            await client.post("/services/data/v60.0/sobjects/Account", json={"Name": name, "Regions__c": regions})

        async def names(condition: str) -> list[str]:
            soql = f"SELECT Name FROM Account WHERE Regions__c {condition}"
            found = await client.get("/services/data/v60.0/query", params={"q": soql})
            return [each["Name"] for each in found.json()["records"]]

        assert await names("INCLUDES ('emea;amer', 'APAC')") == ["A", "B"]
        assert await names("EXCLUDES ('EMEA')") == ["B", "C"]
        described = await client.get("/services/data/v60.0/sobjects/Account/describe")
        assert "CurrencyIsoCode" not in {each["name"] for each in described.json()["fields"]}
    org.close()
