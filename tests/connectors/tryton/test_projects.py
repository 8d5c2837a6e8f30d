"""Projects in the real ERP: a task per role at its rate, made once, closed and opened again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import anyio
import pytest

from tieout.connectors.contract import AlreadyThere, Write
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.connector import Tryton
from tieout.domain.documents.project import Project
from tieout.domain.problems import Rejected
from tieout.sandbox.tryton.server import TrytonServer

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.loopback]
LogIn = Callable[..., TrytonClient]


def creating(project: Project, customer: str) -> Write:
    return Write("project.create", project.key, "1", project.body(), {"customer": customer})


async def test_a_project_arrives_with_a_task_per_role_at_its_rate(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any, customer: str
) -> None:
    project = papers.project("Principal", "Data Engineer", po_number="PO 4711")
    made = await us.send("project.create", await us.prepare(creating(project, customer)))
    (root,) = await log_in(erp.tenancy.admin).read(
        "project.work", [int(made.id)],
        ["number", "party", "comment", "children.number", "children.product.template.name", "children.list_price",
         "children.effort_duration", "children.timesheet_works"],
    )  # fmt: skip
    assert (root["number"], root["party"]) == (project.key, int(customer))
    assert "Purchase order: PO 4711" in root["comment"]
    told = {
        each["number"]: (each["product."]["template."]["name"], each["list_price"], each["effort_duration"])
        for each in root["children."]
    }
    assert told == {
        f"{project.key}/01": ("Principal", Decimal("340.00"), timedelta(hours=40)),
        f"{project.key}/02": ("Data Engineer", Decimal("340.00"), timedelta(hours=40)),
    }
    assert made.parts == {each["number"]: str(each["timesheet_works"][0]) for each in root["children."]}


async def test_sending_the_same_bytes_again_is_refused_and_the_same_project_is_found(
    us: Tryton, papers: Any, customer: str
) -> None:
    write = creating(papers.project(), customer)
    assert await us.find(write) is None
    request = await us.prepare(write)
    made = await us.send(write.operation, request)
    with pytest.raises(AlreadyThere):
        await us.send(write.operation, request)
    assert await us.find(write) == made


async def test_two_hubs_at_the_same_moment_make_one_project(
    us: Tryton, connect: Callable[..., Tryton], papers: Any, customer: str, perform: Any
) -> None:
    write, receipts = creating(papers.project(), customer), []

    async def one(hub: Tryton) -> None:
        receipts.append(await perform(hub, write))

    async with anyio.create_task_group() as group:
        for hub in (us, connect("US"), connect("US")):
            group.start_soon(one, hub)
    assert [receipts[0]] * 3 == receipts


async def test_everything_that_the_books_lack_is_told_at_once(us: Tryton, papers: Any, customer: str) -> None:
    project = papers.project("Principal", "Astronaut", department="999", currency="EUR")
    with pytest.raises(Rejected) as refused:
        await us.prepare(creating(project, customer))
    assert [each.quote for each in refused.value.problems] == [
        "Tryton has no service product for the role “Astronaut”",
        "Tryton has no account 999 in the dimension Practice",
        "Kestrel Advisory Inc. keeps its books in USD, the project is in EUR",
    ]
    assert refused.value.problems[0].facts["amount"] == "27,200.00 EUR of sold work"


async def test_a_role_may_be_billed_by_a_product_of_another_name(
    connect: Callable[..., Tryton], erp: TrytonServer, log_in: LogIn, papers: Any, customer: str
) -> None:
    us = connect("US", products={"Astronaut": "ROLE-PARTNER"})
    made = await us.send("project.create", await us.prepare(creating(papers.project("Astronaut", "Partner"), customer)))
    (root,) = await log_in(erp.tenancy.admin).read("project.work", [int(made.id)], ["children.product.code"])
    assert [each["product."]["code"] for each in root["children."]] == ["ROLE-PARTNER", "ROLE-PARTNER"]


@pytest.mark.parametrize(("states", "told"), [(["closed", "closed"], "Done"), (["closed", "open"], "Open")])
async def test_a_project_is_closed_and_opened_with_all_of_its_tasks(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any, customer: str, states: list[str], told: str
) -> None:
    project = papers.project()
    made = await us.send("project.create", await us.prepare(creating(project, customer)))
    for state in states:
        write = Write("project.update", project.key, state, {"state": state}, {"record": made.id})
        assert await us.send(write.operation, await us.prepare(write)) == await us.find(write)
    (root,) = await log_in(erp.tenancy.admin).read(
        "project.work", [int(made.id)], ["status.name", "children.status.name"]
    )
    assert root["status."]["name"] == told
    assert {each["status."]["name"] for each in root["children."]} == {told}


async def test_a_project_that_began_unsigned_has_the_terms_of_its_contract_once_there_is_one(
    us: Tryton, papers: Any, customer: str, erp: TrytonServer, log_in: Callable[..., TrytonClient]
) -> None:
    unsigned = papers.project(contract_version=0, state="tentative", tentative_until="2026-11-06")
    made = await us.send("project.create", await us.prepare(creating(unsigned, customer)))
    tasks = [each.model_copy(update={"hours": Decimal("80.5"), "rate": Decimal("350.25")}) for each in unsigned.tasks]
    signed = unsigned.model_copy(update={"contract_version": 1, "tasks": tuple(tasks)})
    told: list[Any] = []
    for project in (unsigned, signed, signed):
        body = {"state": "open", "project": project.body()}
        write = Write("project.update", project.key, "1", body, {"record": made.id})
        assert await us.send(write.operation, await us.prepare(write)) == await us.find(write)
        fields = ["comment", "children.effort_duration", "children.list_price"]
        told += await log_in(erp.tenancy.admin).read("project.work", [int(made.id)], fields)
    assert "Contract: not signed yet" in told[0]["comment"]
    assert "Contract version: 1" in told[1]["comment"]
    assert told[1] == told[2]
    assert {(each["effort_duration"], each["list_price"]) for each in told[2]["children."]} == {
        (timedelta(hours=80.5), Decimal("350.25"))
    }


async def test_a_project_has_no_other_state(us: Tryton, papers: Any) -> None:
    with pytest.raises(LookupError, match="open or closed"):
        await us.prepare(Write("project.update", "PRJ", "1", {"state": "resting"}, {"record": "1"}))


async def test_a_project_that_is_gone_cannot_be_closed(us: Tryton, papers: Any) -> None:
    write = Write("project.update", "PRJ", "1", {"state": "closed"}, {"record": "999999"})
    with pytest.raises(Rejected, match="refused to open or close"):
        await us.send(write.operation, await us.prepare(write))
