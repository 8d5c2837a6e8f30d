"""Before anything is sent, every text fits its target: names are shortened, prose is cut, numbers and addresses wait (T02)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from tieout.connectors.contract import Opening, Write
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import SPEC as KANTATA
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.salesforce.connector import SPEC as SALESFORCE
from tieout.domain.problems import Rejected, explain
from tieout.systems.fitting import fitted
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
LONG = "Internationale Gesellschaft für Beratung und Datenplattformen mbH & Co. KG"


def kantata(**settings: Any) -> Any:
    return KANTATA.open(Opening("kantata", KantataConfig(token=SecretStr("t"), longest_name=40, **settings)))


def salesforce() -> Any:
    given = {"url": "https://acme.my.salesforce.com", "client_id": "app", "client_secret": "s"}
    return SALESFORCE.open(Opening("salesforce", SalesforceConfig.model_validate(given)))


def client(key: str, name: str, email: str = "ap@globex.example") -> Write:
    return Write("client.create", key, "1", {"key": key, "name": name, "email": email})


async def test_a_name_is_shortened_once_and_for_ever_and_its_full_form_goes_along(books: Books) -> None:
    first = await fitted(books.database, kantata(), client("CUS-1", LONG))
    assert first.body["name"] == "Internationale Gesellschaft für Beratung"[:40]
    assert first.body["full_name"] == LONG
    assert await fitted(books.database, kantata(), client("CUS-1", LONG)) == first
    second = await fitted(books.database, kantata(), client("CUS-2", LONG + ", Berlin"))
    assert second.body["name"] != first.body["name"]


async def test_what_fits_is_sent_as_it_is(books: Books) -> None:
    write = client("CUS-1", "Globex")
    assert await fitted(books.database, kantata(), write) == write


async def test_what_must_arrive_whole_waits_with_everything_that_is_wrong(books: Books) -> None:
    body = {
        "key": "PRJ-1", "name": "Globex", "po_number": "4" * 256, "tasks": [{"name": "Design"}, {"name": "d" * 201}],
    }  # fmt: skip
    with pytest.raises(Rejected) as refused:
        await fitted(books.database, kantata(), Write("project.create", "PRJ-1", "1", body))
    told = [explain(each) for each in refused.value.problems]
    assert [(each.what.partition(",")[0], each.owner) for each in told] == [
        ("kantata takes 255 characters for the po number of PRJ-1", "sales operations"),
        ("kantata takes 200 characters for the tasks name of PRJ-1", "delivery operations"),
    ]


async def test_prose_for_sales_is_cut_and_a_key_is_not(books: Books) -> None:
    sink = salesforce()
    told = await fitted(books.database, sink, Write("opportunity.update", "006/state", "", {"message": "x" * 3000}))
    assert told.body["message"] == "x" * 1999 + "…"
    with pytest.raises(Rejected, match="salesforce takes 64 characters for the erp customer of 001"):
        await fitted(books.database, sink, Write("account.update", "001", "", {"erp_customer": "C" * 65}))


async def test_a_fact_that_is_empty_stays_empty(books: Books) -> None:
    write = Write("opportunity.update", "006/state", "", {"message": None, "status": "", "billed": "1.00"})
    assert await fitted(books.database, salesforce(), write) == write
