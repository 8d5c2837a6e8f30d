"""How one operation is done: prepared as bytes from canonical terms, sent once, and looked up."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tieout.connectors.contract import Operation, Receipt, Write
from tieout.connectors.tryton.books import Books
from tieout.connectors.tryton.telling import Attempt
from tieout.connectors.tryton.wire import decode


@dataclass(frozen=True, slots=True)
class Handler:
    """`prepare` and `find` only read. `send` makes one attempt and raises what the contract of a sink names."""

    operation: Operation
    prepare: Callable[[Books, Write, Attempt], Awaitable[bytes]]
    send: Callable[[Books, bytes, Attempt], Awaitable[Receipt]]
    find: Callable[[Books, Write], Awaitable[Receipt | None]]


def standing(model: str) -> Callable[[Books, Write], Awaitable[Receipt | None]]:
    """The look-up of an update: there when its record is."""

    async def find(books: Books, write: Write) -> Receipt | None:
        there = await books.client.only(model, [["id", "=", int(write.ids["record"])]], ["id"])
        return Receipt(write.ids["record"]) if there else None

    return find


async def creating(books: Books, model: str, values: Sequence[Mapping[str, Any]]) -> bytes:
    """The exact call that creates the records, in the user's company."""
    return await books.client.prepare(f"model.{model}.create", list(values))


def as_json(value: Mapping[str, Any]) -> bytes:
    """A request whose calls depend on what is there when it is sent."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode()


def values_of(request: bytes) -> list[dict[str, Any]]:
    """The records that a request of `creating` creates."""
    return decode(request)["params"][0]


def subject_of(request: bytes) -> str:
    """The business key that the bytes carry, or the record's id."""
    call = decode(request)
    if "params" not in call:
        return str(call.get("record", "timesheet lines"))
    rows = call["params"][0]
    return str(rows[0].get("code") or rows[0].get("number") or rows[0].get("reference") or f"{len(rows)} time entries")
