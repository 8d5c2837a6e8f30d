"""The real ERP's own sentences: it has no error codes, so that each kind of refusal is known by how it is said."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tieout.connectors.contract import Write
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.connector import Tryton
from tieout.connectors.tryton.errors import (
    Refusal,
    TrytonConcurrency,
    TrytonFault,
    TrytonUserError,
    TrytonUserWarning,
)
from tieout.connectors.tryton.telling import Attempt, reading, writing
from tieout.domain.problems import Conflict, Misconfigured, Rejected, Transient
from tieout.sandbox.tryton.clerk import FinanceClerk
from tieout.sandbox.tryton.server import TrytonServer

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.loopback]
LogIn = Callable[..., TrytonClient]
ATTEMPT = Attempt("erp-us", "do", "something")


@pytest.fixture
def hub(erp: TrytonServer, log_in: LogIn) -> TrytonClient:
    return log_in(erp.tenancy.hub("US"))


async def test_refusals_are_known_by_their_sentences(
    hub: TrytonClient, papers: Any, customer: str, works: list[str]
) -> None:
    (work,) = await hub.search("timesheet.work", [["id", "=", int(works[0])]], ["company"])
    (employee,) = await hub.search("company.employee", [["party.code", "=", "K003"]], ["id"])
    line = {
        "company": work["company"], "work": work["id"], "employee": employee["id"], "date": date(2026, 10, 5),
        "duration": timedelta(hours=1),
    }  # fmt: skip
    project = {"name": "P", "type": "project", "company": work["company"]}
    cases = {
        Refusal.UNIQUE: [hub.create("party.party", [{"name": "Twin", "code": papers.customer().key}])],
        Refusal.REQUIRED: [
            hub.create("timesheet.line", [{**line, "employee": None}]),
            hub.create("project.work", [{**project, "name": None}]),
        ],
        Refusal.INVALID: [
            hub.create("timesheet.line", [{**line, "work": 999999}]),
            hub.create("timesheet.line", [{**line, "duration": timedelta(hours=-1)}]),
            hub.create("project.work", [{**project, "type": "epic"}]),
            hub.create("project.work", [{**project, "type": "task", "list_price": Decimal("1.123456")}]),
        ],
        Refusal.GONE: [
            hub.read("party.party", [999999], ["name"]),
            hub.write("party.party", [999999], {"name": "x"}),
        ],
        Refusal.RULE: [hub.delete("timesheet.line", [999999])],
        Refusal.ACCESS: [hub.create("res.user", [{"login": "evil"}])],
    }  # fmt: skip
    for refusal, calls in cases.items():
        for call in calls:
            with pytest.raises(TrytonUserError) as refused:
                await call
            assert refused.value.refusal is refusal, refused.value.message


async def test_a_field_that_is_named_in_a_refusal_is_told(hub: TrytonClient) -> None:
    with pytest.raises(TrytonUserError) as refused:
        await hub.create("project.work", [{"type": "project", "name": None}])
    assert refused.value.fields == ("Name",)


async def test_posting_twice_and_touching_what_is_posted_is_a_matter_of_state(
    erp: TrytonServer, log_in: LogIn, clerk: FinanceClerk, propose: Any
) -> None:
    id = int((await propose())[0].id)
    await clerk.post(id, date(2026, 11, 2))
    finance = log_in(erp.tenancy.clerk("US"))
    for call in (
        finance.press("account.invoice", "post", [id]),
        finance.write("account.invoice", [id], {"invoice_date": date(2026, 11, 3)}),
        finance.delete("account.invoice", [id]),
    ):
        with pytest.raises(TrytonUserError) as refused:
            await call
        assert refused.value.refusal is Refusal.STATE, refused.value.message


async def test_a_question_changes_nothing_and_the_hub_takes_it_for_a_refusal(
    erp: TrytonServer, log_in: LogIn, clerk: FinanceClerk, propose: Any
) -> None:
    id = int((await propose())[0].id)
    finance = log_in(erp.tenancy.clerk("US"))
    await finance.write("account.invoice", [id], {"invoice_date": date(2027, 12, 31)})
    with pytest.raises(TrytonUserWarning) as asked:
        await finance.press("account.invoice", "post", [id])
    assert asked.value.topic == "invoice_date_future"
    with pytest.raises(Rejected), writing(ATTEMPT):
        await finance.press("account.invoice", "post", [id])
    assert (await clerk.invoice(id)).state == "draft"


async def test_a_record_that_somebody_else_changed_is_a_conflict(hub: TrytonClient, customer: str) -> None:
    id = int(customer)
    (seen,) = await hub.read("party.party", [id], ["_timestamp"])
    await hub.write("party.party", [id], {"name": "changed by somebody"})
    stale = {"_timestamp": {f"party.party,{id}": seen["_timestamp"]}}
    with pytest.raises(TrytonConcurrency):
        await hub.write("party.party", [id], {"name": "mine"}, context=stale)
    with pytest.raises(Conflict), writing(ATTEMPT):
        await hub.write("party.party", [id], {"name": "mine"}, context=stale)


async def test_a_call_that_is_wrong_is_a_fault_and_never_repeated(hub: TrytonClient) -> None:
    for call in (
        lambda: hub.search("party.party", [["nofield", "=", 1]], ["name"]),
        lambda: hub.search("no.such", [], ["name"]),
        lambda: hub.call("model.party.party.browse", [1]),
    ):
        with pytest.raises(TrytonFault):
            await call()
        with pytest.raises(Rejected), reading(ATTEMPT):
            await call()


async def test_a_user_without_the_right_pauses_the_connection(
    connect: Callable[..., Tryton], erp: TrytonServer, papers: Any, customer: str
) -> None:
    """The clerk may not touch projects: that is no fault of the project."""
    login = erp.tenancy.clerk("US")
    hub = connect("US", user=login.user, password=login.password)
    project = papers.project()
    write = Write("project.create", project.key, "1", project.body(), {"customer": customer})
    with pytest.raises(Misconfigured, match="not allowed to access"):
        await hub.send(write.operation, await hub.prepare(write))


@pytest.mark.slow
async def test_a_database_that_is_locked_is_tried_again_and_nothing_was_done(
    us: Tryton, erp: TrytonServer, papers: Any
) -> None:
    write = Write("customer.create", papers.customer().key, "1", papers.customer().body())
    request = await us.prepare(write)
    with closing(sqlite3.connect(erp.log.with_name("erp.sqlite"), isolation_level=None)) as database:
        database.execute("begin immediate")
        with pytest.raises(Transient, match="503"):
            await us.send(write.operation, request)
        database.execute("rollback")
    assert await us.find(write) is None
    assert (await us.send(write.operation, request)).id
