"""The org as simple-salesforce meets it over TCP: a client that nobody here wrote logs in, works, and meets the right errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from joserfc.jwk import RSAKey
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)
from simple_salesforce.util import date_to_iso8601

pytestmark = pytest.mark.loopback

HUB, PASSWORD, TOKEN = "hub@kestrel.example", "correct horse", "XyZ123"
NOW = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)


class ToTheSandbox(HTTPAdapter):
    """simple-salesforce speaks https to hosts of its own choice; here every one of them is the org on loopback."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert request.url is not None
        request.url = self._url + "/" + request.url.split("/", 3)[3]
        return super().send(request, *args, **kwargs)


@pytest.fixture(scope="module")
def org(new_org: Callable[..., Any]) -> Iterator[Any]:
    org = new_org(lambda: NOW)
    yield org
    org.close()


@pytest.fixture(scope="module")
def session(org: Any, serve: Callable[[Any], Any]) -> Iterator[requests.Session]:
    with serve(org.asgi()) as url, requests.Session() as session:
        org.public_url = url
        session.mount("https://", ToTheSandbox(url))
        yield session


@pytest.fixture(scope="module")
def client(session: requests.Session) -> Salesforce:
    return Salesforce(username=HUB, password=PASSWORD, security_token=TOKEN, session=session)


def test_it_logs_in_in_each_of_its_ways(session: requests.Session, key: RSAKey) -> None:
    pem = key.as_pem(private=True).decode()
    app = {"consumer_key": "3MVG9tieout", "consumer_secret": "s3cret-of-the-app"}
    for client in (
        Salesforce(username=HUB, password=PASSWORD, security_token=TOKEN, session=session),
        Salesforce(username=HUB, password=PASSWORD, organizationId="00Dxx0000000001", session=session),
        Salesforce(username=HUB, password=PASSWORD, **app, session=session),
        Salesforce(username=HUB, consumer_key="3MVG9tieoutJwt", privatekey=pem, session=session),
        Salesforce(**app, domain="kestrel.my", session=session),
    ):
        told = client.oauth2("userinfo")
        assert told is not None
        assert told["preferred_username"] == HUB
        assert client.is_sandbox() is True


def test_a_wrong_password_a_wrong_secret_and_a_user_who_was_not_approved(
    session: requests.Session, key: RSAKey
) -> None:
    with pytest.raises(
        SalesforceAuthenticationFailed, match="INVALID_LOGIN: Invalid username, password, security token"
    ):
        Salesforce(username=HUB, password="wrong", security_token=TOKEN, session=session)
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_client"):
        Salesforce(consumer_key="3MVG9tieout", consumer_secret="wrong", domain="kestrel.my", session=session)
    pem = key.as_pem(private=True).decode()
    with (
        pytest.warns(UserWarning, match="self-authorize"),
        pytest.raises(SalesforceAuthenticationFailed, match="user hasn't approved this consumer"),
    ):
        Salesforce(
            username="margaret.osei@kestrel.example", consumer_key="3MVG9tieoutJwt", privatekey=pem, session=session
        )


def test_it_creates_reads_updates_and_deletes(client: Any) -> None:
    made = client.Account.create({"Name": "Globex", "BillingCity": "San Francisco", "Tax_Id__c": "91-1144442"})
    assert (made["success"], made["errors"]) == (True, [])
    assert client.Account.update(made["id"], {"Phone": "+1 617 555 0100"}) == 204
    account = client.Account.get(made["id"])
    assert (account["Phone"], account["BillingAddress"]["city"]) == ("+1 617 555 0100", "San Francisco")
    assert client.Account.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound) as gone:
        client.Account.get(made["id"])
    assert gone.value.content[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_it_upserts_by_an_external_id(client: Any) -> None:
    address = "ERP_Customer_Id__c/C%2F7"
    first = client.Account.upsert(address, {"Name": "Initech"}, raw_response=True)
    again = client.Account.upsert(address, {"Name": "Initech LLC"}, raw_response=True)
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["created"], again.json()["created"]) == (True, False)
    assert client.Account.get_by_custom_id("ERP_Customer_Id__c", "C/7")["Name"] == "Initech LLC"


def test_it_reads_an_answer_of_several_pages(client: Any) -> None:
    for start in range(0, 450, 150):
        records = [
            {"attributes": {"type": "Contact"}, "LastName": f"Page {number}"} for number in range(start, start + 150)
        ]
        assert all(
            each["success"] for each in client.restful("composite/sobjects", method="POST", json={"records": records})
        )
    pages = {"Sforce-Query-Options": "batchSize=200"}
    soql = "SELECT Id, LastName FROM Contact WHERE LastName LIKE 'Page %' ORDER BY CreatedDate, Id"
    first = client.query(soql, headers=pages)
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
    found = list(client.query_all_iter(soql, headers=pages))
    assert [each["LastName"] for each in found] == [f"Page {number}" for number in range(450)]


def test_it_reads_parents_and_children(client: Any) -> None:
    group = client.Account.create({"Name": "Umbra Group"})["id"]
    account = client.Account.create({"Name": "Umbra Labs", "ParentId": group})["id"]
    client.Contact.create({"LastName": "Prosser", "AccountId": account})
    deal = {"Name": "Umbra data", "StageName": "Prospecting", "CloseDate": "2026-10-30", "AccountId": account}
    client.Opportunity.create(deal)
    (row,) = client.query(
        "SELECT Name, Account.Name, Account.Parent.Name, Owner.Email FROM Opportunity WHERE Account.Parent.Name = 'Umbra Group'"
    )["records"]
    assert (row["Account"]["Name"], row["Account"]["Parent"]["Name"]) == ("Umbra Labs", "Umbra Group")
    assert row["Owner"]["Email"] == HUB
    (row,) = client.query(
        f"SELECT Name, (SELECT LastName FROM Contacts), (SELECT Id FROM Contracts) FROM Account WHERE Id = '{account}'"
    )["records"]
    assert [each["LastName"] for each in row["Contacts"]["records"]] == ["Prosser"]
    assert row["Contracts"] is None


def test_collections_save_what_they_can_or_all_or_nothing(client: Any) -> None:
    def collection(**options: Any) -> Any:
        records = [{"attributes": {"type": "Account"}, "Name": name} for name in ("Good", "", "Good too")]
        return client.restful("composite/sobjects", method="POST", json={"records": records, **options})

    def count() -> int:
        return client.query("SELECT COUNT() FROM Account WHERE Name LIKE 'Good%'")["totalSize"]

    some = collection(allOrNone=False)
    assert [each["success"] for each in some] == [True, False, True]
    assert some[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert count() == 2
    none = collection(allOrNone=True)
    assert [each["errors"][0]["statusCode"] for each in none] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    ]
    assert count() == 2


def test_a_composite_request_refers_to_its_own_answers(client: Any) -> None:
    base = f"/services/data/v{client.sf_version}"
    deal = {
        "Name": "Composite deal",
        "StageName": "Prospecting",
        "CloseDate": "2026-10-30",
        "AccountId": "@{customer.id}",
    }
    answer = client.restful(
        "composite",
        method="POST",
        json={
            "allOrNone": True,
            "compositeRequest": [
                {
                    "method": "POST",
                    "url": f"{base}/sobjects/Account",
                    "referenceId": "customer",
                    "body": {"Name": "Composite"},
                },
                {"method": "POST", "url": f"{base}/sobjects/Opportunity", "referenceId": "deal", "body": deal},
                {
                    "method": "GET",
                    "url": f"{base}/sobjects/Opportunity/@{{deal.id}}?fields=AccountId",
                    "referenceId": "read",
                },
            ],
        },
    )["compositeResponse"]
    assert [each["httpStatusCode"] for each in answer] == [201, 201, 200]
    assert answer[2]["body"]["AccountId"] == answer[0]["body"]["id"]
    assert answer[0]["httpHeaders"]["Location"].endswith(answer[0]["body"]["id"])


def test_it_lists_what_was_deleted_and_what_was_updated(client: Any) -> None:
    kept, gone = (client.Product2.create({"Name": name})["id"] for name in ("Kept", "Gone"))
    client.Product2.delete(gone)
    start, end = datetime(2026, 10, 1, 8, 0, tzinfo=UTC), datetime(2026, 10, 1, 9, 30, tzinfo=UTC)
    assert date_to_iso8601(start) == "2026-10-01T08%3A00%3A00%2B00%3A00"
    deleted = client.Product2.deleted(start, end)
    assert [each["id"] for each in deleted["deletedRecords"]] == [gone]
    assert deleted["latestDateCovered"] == "2026-10-01T09:00:00.000+0000"
    assert client.Product2.updated(start, end)["ids"] == [kept]


def test_it_describes_the_org_and_its_objects(client: Any) -> None:
    names = {each["name"] for each in client.describe()["sobjects"]}
    assert {"Account", "Opportunity", "Invoice__c"} <= names
    fields = {each["name"]: each for each in client.Opportunity.describe()["fields"]}
    assert fields["StageName"]["type"] == "picklist"
    assert fields["PSA_Project_Id__c"]["externalId"] is True
    assert client.Opportunity.metadata()["objectDescribe"]["keyPrefix"] == "006"
    assert client.limits()["DailyApiRequests"]["Max"] == 15_000
    assert client.api_usage["api-usage"].total == 15_000


@pytest.mark.parametrize(
    ("call", "error", "code"),
    [
        (lambda it: it.query("SELECT Shoe FROM Account"), SalesforceMalformedRequest, "INVALID_FIELD"),
        (lambda it: it.query("SELECT Id FORM Account"), SalesforceMalformedRequest, "MALFORMED_QUERY"),
        (lambda it: it.query("SELECT Id FROM Shoe__c"), SalesforceMalformedRequest, "INVALID_TYPE"),
        (lambda it: it.query_more("0r8xx0000000999AAA-200"), SalesforceMalformedRequest, "INVALID_QUERY_LOCATOR"),
        (lambda it: it.Account.create({"Phone": "1"}), SalesforceMalformedRequest, "REQUIRED_FIELD_MISSING"),
        (lambda it: it.Account.create({"Name": "A", "Shoe__c": 1}), SalesforceMalformedRequest, "INVALID_FIELD"),
        (lambda it: it.Account.get("001000000000001AAA"), SalesforceResourceNotFound, "NOT_FOUND"),
        (lambda it: it.Shoe__c.create({"Name": "A"}), SalesforceResourceNotFound, "NOT_FOUND"),
        (lambda it: it.User.delete("005000000000001AAA"), SalesforceResourceNotFound, "NOT_FOUND"),
        (lambda it: it.restful("sobjects/Account", method="PUT", json={}), SalesforceGeneralError, "METHOD_NOT_ALLOWED"),
    ],
)  # fmt: skip
def test_it_meets_the_errors_that_salesforce_has(client: Any, call: Any, error: type[Exception], code: str) -> None:
    with pytest.raises(error) as refused:
        call(client)
    content = refused.value.content  # type: ignore[attr-defined]
    assert code in (content if isinstance(content, str) else content[0]["errorCode"])


def test_a_value_that_must_be_unique_names_the_record_that_has_it(client: Any) -> None:
    first = client.Account.create({"Name": "A", "ERP_Customer_Id__c": "C-unique"})["id"]
    with pytest.raises(SalesforceMalformedRequest) as refused:
        client.Account.create({"Name": "B", "ERP_Customer_Id__c": "C-unique"})
    assert refused.value.content[0]["errorCode"] == "DUPLICATE_VALUE"
    assert first[:15] in refused.value.content[0]["message"]


def test_an_external_id_that_two_records_carry_is_answered_with_both(client: Any) -> None:
    ids = [client.Contact.create({"LastName": name, "Email": "two@globex.example"})["id"] for name in "AB"]
    with pytest.raises(SalesforceMoreThanOneRecord) as several:
        client.Contact.upsert("Email/two%40globex.example", {"Title": "Payables"})
    assert [each.rsplit("/", 1)[1] for each in several.value.content] == ids


def test_an_expired_session_is_renewed_without_a_word(client: Any, org: Any) -> None:
    before = client.session_id
    org.sessions.close_all()
    assert client.query("SELECT COUNT() FROM Organization")["totalSize"] == 1
    assert client.session_id != before


def test_a_day_without_requests_left_is_refused(client: Any, org: Any) -> None:
    client.limits()
    daily, org.limits.daily = org.limits.daily, org.limits.used
    with pytest.raises(SalesforceRefusedRequest) as refused:
        client.limits()
    org.limits.daily = daily
    assert refused.value.content == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]
