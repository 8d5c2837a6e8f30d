"""The org as jsforce meets it over TCP: one run of a script in node, and what that client saw of the org."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.loopback

SCRIPT = Path(__file__).parents[3] / "node" / "salesforce_jsforce.mjs"
NODE = Path(sys.executable).parent / "node"
HUB = "hub@kestrel.example"


@pytest.fixture(scope="module")
def seen(new_org: Callable[..., Any], serve: Callable[[Any], Any]) -> Iterator[dict[str, Any]]:
    org = new_org(lambda: datetime(2026, 10, 1, 9, 0, tzinfo=UTC))
    with serve(org.asgi()) as url:
        org.public_url = url
        command = [NODE, SCRIPT, url, HUB, "correct horseXyZ123", "3MVG9tieout", "s3cret-of-the-app"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stderr
        yield {**json.loads(ended.stdout), "url": url}
    org.close()


def test_it_logs_in_by_soap_and_by_client_credentials(seen: dict[str, Any]) -> None:
    assert seen["soap"]["id"].startswith("005")
    assert seen["soap"]["organizationId"].startswith("00D")
    assert seen["soapInstance"] == seen["url"]
    assert seen["clientCredentials"]["id"] == seen["soap"]["id"]
    assert seen["identity"]["username"] == HUB
    assert "INVALID_LOGIN" in seen["wrongPassword"]["message"]
    assert seen["wrongSecret"]["code"] == "invalid_client"


def test_it_creates_updates_reads_and_upserts(seen: dict[str, Any]) -> None:
    assert seen["created"]["success"] is True
    assert seen["updated"] == {"id": seen["created"]["id"], "success": True, "errors": []}
    assert (seen["read"]["Phone"], seen["read"]["BillingCity"]) == ("+1 617 555 0100", "San Francisco")
    assert [each["created"] for each in seen["upserts"]] == [True, False]
    assert len({each["id"] for each in seen["upserts"]}) == 1


def test_it_reads_several_pages_of_rows_and_of_children(seen: dict[str, Any]) -> None:
    assert seen["collectionsSaved"] == 450
    assert seen["pages"] == [[200, False, 450], [200, False, 450], [50, True, 450]]
    assert seen["everyRowOnce"] is True
    assert seen["fetchedByItself"] == 450
    assert seen["childrenFetchedByItself"] == 450


def test_its_query_builder_finds_parents_children_and_counts(seen: dict[str, Any]) -> None:
    (deal,) = seen["built"]
    assert (deal["Name"], deal["Amount"], deal["Account"]["Name"]) == ("Data platform", 1000.5, "Globex")
    assert deal["Owner"]["Email"] == HUB
    assert seen["children"] == ["Data platform"]
    assert seen["count"] == 450


def test_collections_save_what_they_can_or_all_or_nothing(seen: dict[str, Any]) -> None:
    assert [each["success"] for each in seen["partial"]] == [True, False, True]
    assert seen["partial"][1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert [each["success"] for each in seen["allOrNone"]] == [False, False, False]
    assert seen["allOrNone"][0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert seen["retrieved"] == ["Good", "Good too"]
    assert all(each["success"] for each in seen["manyUpdated"])
    assert [each["created"] for each in seen["manyUpserted"]] == [True, True, False]
    assert [each["success"] for each in seen["manyDestroyed"]] == [True, True]


def test_a_composite_request_refers_to_its_own_answers_or_leaves_nothing(seen: dict[str, Any]) -> None:
    answers = seen["composite"]["compositeResponse"]
    assert [each["httpStatusCode"] for each in answers] == [201, 201, 200]
    assert answers[2]["body"]["AccountId"] == answers[0]["body"]["id"]
    failed = seen["compositeFailed"]["compositeResponse"]
    assert [each["httpStatusCode"] for each in failed] == [400, 400]
    assert [each["body"][0]["errorCode"] for each in failed] == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert seen["never"] == 0


def test_it_is_told_about_the_org(seen: dict[str, Any]) -> None:
    assert {"Account", "Opportunity", "Invoice__c"} <= set(seen["objects"])
    assert (seen["stage"], seen["limits"], seen["usage"]) == ("picklist", 15_000, 15_000)
    assert (seen["deleted"], seen["inTheBin"]) == ([True], 1)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("invalidField", "INVALID_FIELD"),
        ("malformed", "MALFORMED_QUERY"),
        ("required", "REQUIRED_FIELD_MISSING"),
        ("duplicate", "DUPLICATE_VALUE"),
        ("notFound", "NOT_FOUND"),
        ("noObject", "NOT_FOUND"),
        ("locator", "INVALID_QUERY_LOCATOR"),
        ("expired", "INVALID_SESSION_ID"),
        ("afterLogout", "INVALID_SESSION_ID"),
    ],
)
def test_it_meets_the_errors_that_salesforce_has(seen: dict[str, Any], case: str, code: str) -> None:
    assert seen["errors"][case].get("code") == code, seen["errors"][case]


def test_an_expired_session_is_renewed_once(seen: dict[str, Any]) -> None:
    assert (seen["renewed"], seen["afterRenewal"]) == (1, 1)
