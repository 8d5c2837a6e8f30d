"""Several calls in one: references between them, all or nothing, graphs, batches, and how much is too much."""

from __future__ import annotations

from typing import Any

import pytest

BASE = "/services/data/v60.0"


def part(reference: str, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    return {"referenceId": reference, "method": method, "url": BASE + path, "body": body, **more}


def won(account: str) -> dict[str, Any]:
    return {"Name": "D", "StageName": "Closed Won", "CloseDate": "2026-10-30", "AccountId": account}


async def composite(door: Any, *parts: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    response = await door("POST", "/composite", {"compositeRequest": parts, **options})
    assert response.status_code == 200, response.text
    return response.json()["compositeResponse"]


async def count(door: Any, entity: str = "Account") -> int:
    return (await door.query(f"SELECT COUNT() FROM {entity}"))["totalSize"]


async def test_later_parts_refer_to_earlier_answers(door: Any) -> None:
    answers = await composite(
        door,
        part("customer", "POST", "/sobjects/Account", {"Name": "Globex"}),
        part("deal", "POST", "/sobjects/Opportunity", won("@{customer.id}")),
        part("rows", "GET", "/query?q=SELECT+Id,Name,AccountId+FROM+Opportunity+WHERE+Id='@{deal.id}'"),
        part(
            "rename", "PATCH", "/sobjects/Account/@{rows.records[0].AccountId}", {"Name": "of @{rows.records[0].Name}"}
        ),
        part("read", "GET", "/sobjects/Account/@{customer.id}?fields=Name"),
    )
    assert [each["httpStatusCode"] for each in answers] == [201, 201, 200, 204, 200]
    assert [each["referenceId"] for each in answers] == ["customer", "deal", "rows", "rename", "read"]
    assert answers[0]["httpHeaders"]["Location"] == f"{BASE}/sobjects/Account/{answers[0]['body']['id']}"
    assert answers[3]["body"] is None
    assert answers[4]["body"]["Name"] == "of D"


async def test_without_all_or_none_good_parts_stay_and_those_that_lean_on_a_bad_one_fail(door: Any) -> None:
    answers = await composite(
        door,
        part("bad", "POST", "/sobjects/Account", {}),
        part("leaning", "POST", "/sobjects/Opportunity", won("@{bad.id}")),
        part("good", "POST", "/sobjects/Account", {"Name": "Good"}),
        part("elsewhere", "GET", "/sobjects/Account", None, url="/services/apexrest/shoe"),
    )
    assert [each["httpStatusCode"] for each in answers] == [400, 400, 201, 404]
    assert answers[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert "bad.id" in answers[1]["body"][0]["message"]
    assert await count(door) == 1


async def test_with_all_or_none_one_failure_takes_everything_back(door: Any) -> None:
    answers = await composite(
        door,
        part("first", "POST", "/sobjects/Account", {"Name": "Never"}),
        part("bad", "POST", "/sobjects/Account", {}),
        part("last", "POST", "/sobjects/Account", {"Name": "Never either"}),
        allOrNone=True,
    )
    assert [each["httpStatusCode"] for each in answers] == [400, 400, 400]
    assert [each["body"][0]["errorCode"] for each in answers] == [
        "PROCESSING_HALTED",
        "REQUIRED_FIELD_MISSING",
        "PROCESSING_HALTED",
    ]
    assert await count(door) == 0


async def test_a_part_has_headers_of_its_own(door: Any) -> None:
    described = await door("GET", "/sobjects/Account/describe")
    known = {"If-None-Match": described.headers["ETag"]}
    (answer,) = await composite(door, part("d", "GET", "/sobjects/Account/describe", httpHeaders=known))
    assert answer["httpStatusCode"] == 304


async def test_a_composite_request_counts_as_one_call(door: Any, org: Any) -> None:
    used = org.limits.used
    await composite(door, *[part(f"r{number}", "GET", "/limits") for number in range(25)])
    assert org.limits.used == used + 1


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([part(f"r{number}", "GET", "/limits") for number in range(26)], "LIMIT_EXCEEDED"),
        ([part(f"r{number}", "GET", "/query?q=SELECT+Id+FROM+Account") for number in range(6)], "INVALID_INPUT"),
        ([part("same", "GET", "/limits"), part("same", "GET", "/limits")], "INVALID_INPUT"),
        ([part("", "GET", "/limits")], "INVALID_INPUT"),
        ([part("with-dash", "GET", "/limits")], "INVALID_INPUT"),
        ([], "JSON_PARSER_ERROR"),
        (["x"], "JSON_PARSER_ERROR"),
    ],
)
async def test_a_composite_request_that_cannot_be_is_refused_whole(door: Any, parts: list[Any], code: str) -> None:
    refused = await door("POST", "/composite", {"compositeRequest": parts})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, code)


async def test_each_graph_stands_or_falls_by_itself(door: Any) -> None:
    good = [
        part("customer", "POST", "/sobjects/Account", {"Name": "Good"}),
        part("deal", "POST", "/sobjects/Opportunity", won("@{customer.id}")),
    ]
    bad = [
        part("customer", "POST", "/sobjects/Account", {"Name": "Bad"}),
        part("deal", "POST", "/sobjects/Opportunity", {}),
    ]
    graphs = [{"graphId": "1", "compositeRequest": good}, {"graphId": "2", "compositeRequest": bad}]
    answer = (await door("POST", "/composite/graph", {"graphs": graphs})).json()["graphs"]
    assert [(each["graphId"], each["isSuccessful"]) for each in answer] == [("1", True), ("2", False)]
    assert len(answer[1]["graphResponse"]["compositeResponse"]) == 2
    assert [each["Name"] for each in await door.rows("SELECT Name FROM Account")] == ["Good"]


async def test_a_batch_goes_on_after_a_failure_unless_it_is_to_halt(door: Any) -> None:
    requests = [
        {"method": "GET", "url": "v60.0/limits"},
        {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {}},
        {"method": "POST", "url": "v60.0/sobjects/Account", "richInput": {"Name": "A"}},
        {"method": "GET", "url": "nonsense"},
    ]
    answer = (await door("POST", "/composite/batch", {"batchRequests": requests})).json()
    assert (answer["hasErrors"], [each["statusCode"] for each in answer["results"]]) == (True, [200, 400, 201, 404])
    halted = (await door("POST", "/composite/batch", {"batchRequests": requests, "haltOnError": True})).json()
    assert [each["statusCode"] for each in halted["results"]] == [200, 400, 412, 412]
    assert halted["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    assert await count(door) == 1
