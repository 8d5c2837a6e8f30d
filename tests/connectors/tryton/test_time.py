"""Approved time in the real ERP: in batches of all or nothing, once however often it is sent, corrected and taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import anyio
import pytest

from tieout.connectors.contract import AlreadyThere, Write
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.connector import Tryton
from tieout.domain.problems import Rejected
from tieout.sandbox.tryton.server import TrytonServer

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.loopback]
LogIn = Callable[..., TrytonClient]
PEOPLE = ("K001", "K002", "K003", "K004")


def entry(uuid: str, work: str, **fields: Any) -> dict[str, Any]:
    return {"uuid": uuid, "person": "K003", "work_date": "2026-10-05", "minutes": 90, "work": work, "note": ""} | fields


def entries(papers: Any, works: Sequence[str], count: int) -> list[dict[str, Any]]:
    return [
        entry(
            f"kantata-{papers.number}-{n}-1", works[n % len(works)], person=PEOPLE[n % 4], minutes=15 + n % 450,
            work_date=f"2026-10-{1 + n % 30:02}", note=f"work {n}",
        )
        for n in range(count)
    ]  # fmt: skip


def delivering(*batch: dict[str, Any]) -> Write:
    return Write("time.deliver", "time/batch", "1", {"entries": list(batch)})


async def lines(erp: TrytonServer, log_in: LogIn, works: Sequence[str]) -> list[dict[str, Any]]:
    """As a user with the right to see all of it."""
    return await log_in(erp.tenancy.hub("US")).search(
        "timesheet.line", [["work", "in", [int(each) for each in works]]],
        ["uuid", "duration", "date", "employee.party.code", "description"], order=[("id", "ASC")],
    )  # fmt: skip


async def test_a_batch_of_150_entries_arrives_as_it_is(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any, works: list[str]
) -> None:
    batch = entries(papers, works, 150)
    made = await us.send("time.deliver", await us.prepare(delivering(*batch)))
    there = await lines(erp, log_in, works)
    assert made.parts == {each["uuid"]: str(each["id"]) for each in there}
    assert list(made.parts) == [each["uuid"] for each in batch]
    assert [
        (each["employee."]["party."]["code"], each["date"].isoformat(), each["duration"], each["description"])
        for each in there
    ] == [(each["person"], each["work_date"], timedelta(minutes=each["minutes"]), each["note"]) for each in batch]


async def test_sending_a_batch_again_is_refused_and_all_of_it_is_found(
    us: Tryton, papers: Any, works: list[str]
) -> None:
    write = delivering(*entries(papers, works, 5))
    assert await us.find(write) is None
    request = await us.prepare(write)
    made = await us.send(write.operation, request)
    with pytest.raises(AlreadyThere, match="UUID of timesheet line must be unique"):
        await us.send(write.operation, request)
    assert await us.find(write) == made


async def test_a_batch_that_is_partly_there_is_completed_and_never_doubled(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any, works: list[str]
) -> None:
    batch = entries(papers, works, 6)
    whole = await us.prepare(delivering(*batch))
    half = await us.send("time.deliver", await us.prepare(delivering(*batch[2:4])))
    assert await us.find(delivering(*batch)) is None
    made = await us.send("time.deliver", whole)
    assert list(made.parts) == [each["uuid"] for each in batch]
    assert half.parts.items() <= made.parts.items()
    assert len(await lines(erp, log_in, works)) == 6


async def test_two_hubs_at_the_same_moment_deliver_a_batch_once(
    us: Tryton, connect: Callable[..., Tryton], erp: TrytonServer, log_in: LogIn, papers: Any, works: list[str],
    perform: Any,
) -> None:  # fmt: skip
    write, receipts = delivering(*entries(papers, works, 20)), []

    async def one(hub: Tryton) -> None:
        receipts.append(await perform(hub, write))

    async with anyio.create_task_group() as group:
        for hub in (us, connect("US"), connect("US")):
            group.start_soon(one, hub)
    assert [receipts[0]] * 3 == receipts
    assert len(await lines(erp, log_in, works)) == 20


async def test_every_stranger_and_every_unknown_work_is_told_at_once(us: Tryton, papers: Any, works: list[str]) -> None:
    batch = [
        entry(f"{papers.number}-a", works[0], person="K999"),
        entry(f"{papers.number}-b", "999999"),
        entry(f"{papers.number}-c", works[0], person="K101"),  # an employee of the other company
        {**entry(f"{papers.number}-d", works[0]), "work": None},
    ]
    with pytest.raises(Rejected) as refused:
        await us.prepare(delivering(*batch))
    told = [(each.code, each.facts.get("person", ""), each.quote) for each in refused.value.problems]
    assert told == [
        ("person.unknown", "K101", ""),
        ("person.unknown", "K999", ""),
        ("target.refused", "", "Tryton has no work 999999 that time could be booked on"),
        ("target.refused", "", f"the task of entry {papers.number}-d has no work in Tryton"),
    ]
    assert refused.value.problems[2].facts["amount"] == "6.00 hours"


async def test_one_bad_entry_keeps_the_whole_batch_out(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any, works: list[str]
) -> None:
    good, bad = entries(papers, works, 2)
    with pytest.raises(Rejected, match="refused to book the time of 2 time entries"):
        await us.send("time.deliver", await us.prepare(delivering(good, bad | {"minutes": -30})))
    assert await lines(erp, log_in, works) == []


async def test_minutes_are_corrected_and_lines_taken_back_however_often_it_is_said(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any, works: list[str]
) -> None:
    made = await us.send("time.deliver", await us.prepare(delivering(*entries(papers, works, 3))))
    first, second, third = made.parts.values()
    body = {"lines": [{"id": first, "minutes": 45}, {"id": second, "minutes": 0}, {"id": third, "minutes": 480}]}
    write = Write("time.correct", "time/correction", "1", body)
    request = await us.prepare(write)
    done = await us.send(write.operation, request)
    assert done == await us.send(write.operation, request) == await us.find(write)
    assert [(str(each["id"]), each["duration"]) for each in await lines(erp, log_in, works)] == [
        (first, timedelta(minutes=45)),
        (third, timedelta(hours=8)),
    ]


async def test_a_line_that_goes_between_the_look_and_the_taking_away_is_gone_all_the_same(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any, works: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await us.send("time.deliver", await us.prepare(delivering(*entries(papers, works, 2))))
    body = {"lines": [{"id": each, "minutes": 0} for each in made.parts.values()]}
    write = Write("time.correct", "time/correction", "1", body)
    request, delete, told = await us.prepare(write), TrytonClient.delete, list[list[int]]()

    async def late(client: TrytonClient, model: str, ids: Sequence[int]) -> None:
        if not told:
            await delete(client, model, ids[:1])
        told.append(list(ids))
        await delete(client, model, ids)

    monkeypatch.setattr(TrytonClient, "delete", late)
    await us.send(write.operation, request)
    assert [len(each) for each in told] == [2, 1]
    assert await lines(erp, log_in, works) == []


async def test_a_line_that_somebody_deleted_cannot_be_corrected_and_the_others_stay_as_they_are(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any, works: list[str]
) -> None:
    made = await us.send("time.deliver", await us.prepare(delivering(*entries(papers, works, 2))))
    first, second = made.parts.values()
    gone = Write("time.correct", "time/correction", "1", {"lines": [{"id": second, "minutes": 0}]})
    await us.send(gone.operation, await us.prepare(gone))
    body = {"lines": [{"id": first, "minutes": 45}, {"id": second, "minutes": 60}]}
    with pytest.raises(Rejected) as refused:
        await us.send("time.correct", await us.prepare(Write("time.correct", "time/correction", "2", body)))
    assert refused.value.problems[0].quote == f"Tryton has no timesheet line {second} any more"
    (left,) = await lines(erp, log_in, works)
    assert left["duration"] == timedelta(minutes=15)


async def test_the_erp_names_the_people_of_its_own_company_alone(us: Tryton, de: Tryton) -> None:
    assert await us.people() == ["K001", "K002", "K003", "K004", "K005", "K006", "K007"]
    assert await de.people() == ["K101", "K102", "K103", "K104", "K105"]


async def test_dates_are_taken_as_dates_too(us: Tryton, papers: Any, works: list[str]) -> None:
    batch = entry(f"{papers.number}-a", works[0], work_date=date(2026, 10, 7))
    assert (await us.send("time.deliver", await us.prepare(delivering(batch)))).parts
