"""Approved time as Tryton's timesheet lines: delivered in batches under our own ids, corrected and taken back by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tieout.connectors.contract import AlreadyThere, Claim, Guarantee, Operation, Receipt, Write
from tieout.connectors.tryton import lengths
from tieout.connectors.tryton.books import Books
from tieout.connectors.tryton.errors import TrytonUserError
from tieout.connectors.tryton.handling import Handler, as_json, creating, values_of
from tieout.connectors.tryton.telling import Attempt, reading, writing, written
from tieout.connectors.tryton.wire import decode, encode_call
from tieout.domain.problems import Problem, Transient

LINE = "timesheet.line"
CREATE = f"model.{LINE}.create"

Entry = Mapping[str, Any]


async def _prepare_deliver(books: Books, write: Write, attempt: Attempt) -> bytes:
    """One line per entry. Raises Rejected with every person and every work that the ERP does not know."""
    entries: Sequence[Entry] = write.body["entries"]
    company = await books.company()
    employees = await books.employees(each["person"] for each in entries)
    works = {int(each["work"]) for each in entries if each["work"]}
    known = {each["id"] for each in await books.client.search("timesheet.work", [["id", "in", sorted(works)]], ["id"])}
    strangers = sorted({each["person"] for each in entries} - employees.keys())
    attempt.refuse(
        [
            *(f"Tryton has no work {each} that time could be booked on" for each in sorted(works - known)),
            *(f"the task of entry {each['uuid']} has no work in Tryton" for each in entries if not each["work"]),
        ],
        also=[
            Problem("person.unknown", {"person": each, "entity": books.config.named, "link": attempt.link})
            for each in strangers
        ],
    )
    lines = [
        {
            "company": company.id, "uuid": each["uuid"], "employee": employees[each["person"]],
            "date": _day(each["work_date"]), "duration": timedelta(minutes=int(each["minutes"])),
            "work": int(each["work"]), "description": each.get("note") or "",
        }
        for each in entries
    ]  # fmt: skip
    return await creating(books, LINE, lines)


async def _deliver(books: Books, request: bytes, attempt: Attempt) -> Receipt:
    """Creates the batch, all of it or nothing.

    Raises AlreadyThere when every entry of it is there. When only some are (another batch carried them), the refused
    batch had no effect, and the entries that are missing are created.
    """
    rows = values_of(request)
    try:
        with writing(attempt):
            made = await books.client.send(request)
    except AlreadyThere:
        with reading(attempt):
            there = await parts(books, [each["uuid"] for each in rows])
        if len(there) == len(rows):
            raise
        return await _deliver_rest(books, request, there, attempt)
    return Receipt("", parts={each["uuid"]: str(id) for each, id in zip(rows, made, strict=True)})


async def _deliver_rest(books: Books, request: bytes, there: Mapping[str, str], attempt: Attempt) -> Receipt:
    params = decode(request)["params"]
    rest = [each for each in params[0] if each["uuid"] not in there]
    try:
        with writing(attempt):
            await books.client.send(encode_call(CREATE, [rest, *params[1:]]))
    except AlreadyThere as raced:
        raise Transient(f"{attempt.system}: another batch is delivering the same entries now") from raced
    with written(attempt):
        return Receipt("", parts=await parts(books, [each["uuid"] for each in params[0]]))


async def _find(books: Books, write: Write) -> Receipt | None:
    """The batch when all of it is there; None as long as an entry is missing."""
    entries: Sequence[Entry] = write.body["entries"]
    there = await parts(books, [each["uuid"] for each in entries])
    return Receipt("", parts=there) if len(there) == len({each["uuid"] for each in entries}) else None


async def parts(books: Books, uuids: Sequence[str]) -> dict[str, str]:
    """Uuid → line, in the order of the uuids; those that are not there are absent."""
    rows = await books.client.search(LINE, [["uuid", "in", sorted(set(uuids))]], ["uuid"])
    lines = {each["uuid"]: str(each["id"]) for each in rows}
    return {uuid: lines[uuid] for uuid in uuids if uuid in lines}


async def _prepare_correct(books: Books, write: Write, attempt: Attempt) -> bytes:
    lines: Sequence[Entry] = write.body["lines"]
    return as_json({"lines": [{"id": str(each["id"]), "minutes": int(each["minutes"])} for each in lines]})


async def _correct(books: Books, request: bytes, attempt: Attempt) -> Receipt:
    """Sets the minutes of each line; zero takes the line away, and one that is gone already is a success.

    Repeating it changes nothing. A line that should be changed and is gone is refused, before anything is changed.
    """
    wanted = {int(each["id"]): each["minutes"] for each in json.loads(request)["lines"]}
    with reading(attempt):
        there = {each["id"] for each in await books.client.search(LINE, [["id", "in", sorted(wanted)]], ["id"])}
    kept = {id: minutes for id, minutes in wanted.items() if minutes}
    attempt.refuse([f"Tryton has no timesheet line {id} any more" for id in sorted(kept.keys() - there)])
    with writing(attempt):
        if kept:
            pairs: list[Any] = []
            for id, minutes in kept.items():
                pairs += [[id], {"duration": timedelta(minutes=minutes)}]
            await books.client.call(f"model.{LINE}.write", *pairs)
        await _take_away(books, sorted(there - kept.keys()))
    return _corrected(kept)


async def _take_away(books: Books, left: list[int]) -> None:
    """What somebody takes away meanwhile, such as a request that comes late, is gone as well."""
    while left:
        try:
            await books.client.delete(LINE, left)
            return
        except TrytonUserError:
            there = sorted(each["id"] for each in await books.client.search(LINE, [["id", "in", left]], ["id"]))
            if there == left:
                raise
            left = there


async def _find_corrected(books: Books, write: Write) -> Receipt | None:
    """The lines that stay, when all of them are there; an update has its targets."""
    lines: Sequence[Entry] = write.body["lines"]
    kept = {int(each["id"]) for each in lines if int(each["minutes"])}
    there = {each["id"] for each in await books.client.search(LINE, [["id", "in", sorted(kept)]], ["id"])}
    return _corrected(kept) if kept == there else None


def _corrected(lines: Iterable[int]) -> Receipt:
    return Receipt("", parts={str(id): str(id) for id in sorted(lines)})


# Where Tryton's rows per second are best; a batch is all or nothing over there.
_BATCH = 150

HANDLERS = (
    Handler(
        Operation(
            "time.deliver",
            Guarantee.UNIQUE,
            "book the time of",
            lengths=lengths.TIME,
            batch=_BATCH,
            creates="time",
            money=Claim.UNTOUCHED,
            undo="delete the timesheet lines, unless Tryton has billed them",
        ),
        _prepare_deliver,
        _deliver,
        _find,
    ),
    Handler(
        Operation(
            "time.correct",
            Guarantee.UPSERT,
            "correct the time of",
            batch=_BATCH,
            creates="",
            money=Claim.UNTOUCHED,
            undo="enter the earlier minutes; a deleted line has to be booked anew",
        ),
        _prepare_correct,
        _correct,
        _find_corrected,
    ),
)


def hours(entries: Sequence[Entry]) -> str:
    """How much work waits, for a person."""
    return f"{Decimal(sum(int(each['minutes']) for each in entries)) / 60:,.2f} hours"


def _day(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
