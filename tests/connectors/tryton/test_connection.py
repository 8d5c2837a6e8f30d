"""The connection to the real ERP: who we are there, what we may see, and what is said when something is wrong with it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tieout.connectors.contract import Write
from tieout.connectors.tryton.connector import SPEC, Tryton
from tieout.connectors.tryton.wire import encode_call
from tieout.domain.identity import Ref
from tieout.domain.problems import Misconfigured, Transient
from tieout.sandbox.tryton.server import TrytonServer

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.loopback]


async def test_a_good_connection_says_who_it_is_and_what_time_it_is_there(us: Tryton, de: Tryton) -> None:
    health = await us.check()
    assert (health.ok, health.detail) == (True, "Kestrel Advisory Inc., books in USD")
    assert (health.user, health.version) == ("hub-us", "8.0")
    assert health.server_time is not None
    assert abs(datetime.now(UTC) - health.server_time) < timedelta(minutes=1)
    assert (await de.check()).detail == "Kestrel Advisory GmbH, books in EUR"


async def test_a_user_of_another_company_than_configured_is_refused(connect: Callable[..., Tryton]) -> None:
    hub = connect("US", company="Kestrel Advisory GmbH")
    with pytest.raises(Misconfigured, match="works in Kestrel Advisory Inc"):
        await hub.check()
    with pytest.raises(Misconfigured):
        await hub.changes("invoice", None)


async def test_a_user_of_several_companies_is_refused(connect: Callable[..., Tryton], erp: TrytonServer) -> None:
    admin = erp.tenancy.admin
    with pytest.raises(Misconfigured, match="belongs to 2 companies"):
        await connect("US", user=admin.user, password=admin.password).check()


async def test_a_wrong_password_is_the_connections_fault(connect: Callable[..., Tryton]) -> None:
    hub = connect("US", user="nobody", password="guessed")
    with pytest.raises(Misconfigured, match="refuses the password of nobody"):
        await hub.check()


async def test_a_server_that_is_away_may_come_back(connect: Callable[..., Tryton]) -> None:
    with socket.socket() as door:  # bound and not listening: nobody else takes the port
        door.bind(("127.0.0.1", 0))
        hub = connect("US", url=f"http://127.0.0.1:{door.getsockname()[1]}")
        with pytest.raises(Transient, match="no connection"):
            await hub.check()


async def test_a_database_that_the_server_does_not_have_is_the_connections_fault(
    connect: Callable[..., Tryton],
) -> None:
    with pytest.raises(Misconfigured, match="no database elsewhere"):
        await connect("US", database="elsewhere").check()


async def test_a_session_that_ended_is_renewed_without_anybody_noticing(us: Tryton, papers: Any) -> None:
    write = Write("customer.create", papers.customer().key, "1", papers.customer().body())
    request = await us.prepare(write)
    await us._client.send(encode_call("common.db.logout", []))
    assert (await us.send(write.operation, request)).id


async def test_the_fields_of_every_kind_are_described(us: Tryton) -> None:
    described = await us.describe()
    assert set(described) == {"customer", "project", "time", "invoice", "invoice_line"}
    assert {"reference", "number", "state"} <= set(described["invoice"])
    assert "uuid" in described["time"]


async def test_a_link_leads_to_the_web_client_when_there_is_one(us: Tryton, connect: Callable[..., Tryton]) -> None:
    ref = Ref("erp-us", "invoice", "7")
    assert us.link(ref) == ""
    with_client = connect("US", web_url="http://localhost:8000/")
    assert with_client.link(ref) == "http://localhost:8000/#erp/model/account.invoice/7"
    assert with_client.link(Ref("erp-us", "mystery", "7")) == ""


async def test_the_spec_says_how_each_operation_behaves_when_its_answer_is_lost() -> None:
    assert {name: operation.guarantee.value for name, operation in SPEC.writes.items()} == {
        "customer.create": "C",
        "customer.update": "B",
        "project.create": "C",
        "project.update": "B",
        "task.create": "C",
        "time.deliver": "C",
        "time.correct": "B",
        "invoice.propose": "D",
        "invoice.withdraw": "B",
    }


async def test_an_operation_that_nobody_knows_is_a_mistake(us: Tryton) -> None:
    with pytest.raises(LookupError):
        await us.prepare(Write("invoice.post", "INV", "1", {}, {"record": "1"}))
