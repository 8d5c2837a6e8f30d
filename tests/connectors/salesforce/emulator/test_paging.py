"""Pages: however an answer is cut, its rows are all there once and in order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tieout.connectors.salesforce.emulator import SalesforceOrg
from tieout.connectors.salesforce.emulator.querying import page_size


async def pages(door: Any, soql: str, size: int, resource: str = "query") -> list[list[str]]:
    answer = await door.query(soql, resource, headers={"Sforce-Query-Options": f"batchSize={size}"})
    found = [[each["Id"] for each in answer["records"]]]
    while not answer["done"]:
        response = await door("GET", answer["nextRecordsUrl"])
        assert response.status_code == 200
        answer = response.json()
        found.append([each["Id"] for each in answer["records"]])
    return found


async def fill(door: Any, count: int) -> list[str]:
    ids: list[str] = []
    for start in range(0, count, 200):
        records = [
            {"attributes": {"type": "Account"}, "Name": f"A{number % 7}", "NumberOfEmployees": number % 3}
            for number in range(start, min(start + 200, count))
        ]
        ids += [each["id"] for each in (await door("POST", "/composite/sobjects", {"records": records})).json()]
    return ids


async def test_a_long_answer_comes_in_pages_that_hold_every_row_once(door: Any) -> None:
    ids = await fill(door, 450)
    found = await pages(door, "SELECT Id FROM Account", 200)
    assert [len(each) for each in found] == [200, 200, 50]
    assert list(chain.from_iterable(found)) == ids


async def test_rows_that_change_between_two_pages_are_neither_lost_nor_repeated(door: Any) -> None:
    ids = await fill(door, 401)
    first = await door.query("SELECT Id FROM Account ORDER BY Name", headers={"Sforce-Query-Options": "batchSize=200"})
    await door("DELETE", f"/sobjects/Account/{first['records'][0]['Id']}")
    await door("PATCH", f"/sobjects/Account/{first['records'][1]['Id']}", {"Name": "ZZZ"})
    seen = [each["Id"] for each in first["records"]]
    while not first["done"]:
        first = (await door("GET", first["nextRecordsUrl"])).json()
        seen += [each["Id"] for each in first["records"]]
    assert sorted(seen) == sorted(ids)


async def test_a_list_of_children_longer_than_a_page_has_pages_of_its_own(door: Any) -> None:
    account = await door.create("Account", Name="Globex")
    for _ in range(2):
        records = [{"attributes": {"type": "Contact"}, "LastName": "x", "AccountId": account}] * 150
        await door("POST", "/composite/sobjects", {"records": records})
    answer = await door.query(
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account", headers={"Sforce-Query-Options": "batchSize=200"}
    )
    children = answer["records"][0]["Contacts"]
    assert (children["totalSize"], children["done"], len(children["records"])) == (300, False, 200)
    rest = (await door("GET", children["nextRecordsUrl"])).json()
    assert (rest["done"], len(rest["records"])) == (True, 100)


async def test_a_locator_that_nobody_gave_out_is_refused(door: Any) -> None:
    for locator in ("0r8xx0000000001AAA-200", "nonsense", "0r8xx0000000001AAA-x"):
        refused = await door("GET", f"/query/{locator}")
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


async def test_a_locator_is_forgotten_after_two_days(door: Any) -> None:
    await fill(door, 201)
    answer = await door.query("SELECT Id FROM Account", headers={"Sforce-Query-Options": "batchSize=200"})
    for _ in range(25):  # a session lives as long as it is used
        door.clock.forward(hours=2)
        await door("GET", "/limits")
    assert (await door("GET", answer["nextRecordsUrl"])).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


@pytest.mark.parametrize(
    ("asked", "given_"), [("", 2000), ("batchSize=500", 500), ("batchSize=1", 200), ("batchSize=x", 2000)]
)
def test_a_page_has_between_200_and_2000_rows(asked: str, given_: int) -> None:
    assert page_size(asked) == given_


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=30),
    step=st.integers(1, 7),
    order=st.sampled_from(["", "ORDER BY NumberOfEmployees", "ORDER BY NumberOfEmployees DESC NULLS LAST, Name"]),
)
def test_limit_and_offset_cut_an_answer_without_losing_or_repeating_a_row(
    make_org: Callable[..., SalesforceOrg], keys: list[int | None], step: int, order: str
) -> None:
    from zoneinfo import ZoneInfo

    from tieout.connectors.salesforce.emulator.saving import insert
    from tieout.connectors.salesforce.emulator.soql.answering import Asker
    from tieout.connectors.salesforce.emulator.soql.parser import parse

    org = make_org()
    accounts, actor = org.records.schema["Account"], next(iter(org.records.all(org.records.schema["User"])))["Id"]
    with org.records.transaction():
        ids = [insert(org.records, accounts, {"Name": "A", "NumberOfEmployees": key}, actor) for key in keys]
    asker = Asker(org.records, "", ZoneInfo("UTC"))

    def rows(cut: str) -> list[str]:
        return [each["Id"] for each in asker.answer(parse(f"SELECT Id FROM Account {order} {cut}")).records]

    pieces = [rows(f"LIMIT {step} OFFSET {start}") for start in range(0, len(ids) + 1, step)]
    assert list(chain.from_iterable(pieces)) == rows("")
    assert sorted(rows("")) == sorted(ids)
    org.close()
