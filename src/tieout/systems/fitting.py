"""Makes the texts of a write fit their target before anything is sent; what must arrive whole and does not fit waits (T02)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tieout.connectors.contract import Receipt, Sink, Write
from tieout.connectors.lengths import Length, Text
from tieout.domain.problems import Problem, Rejected
from tieout.domain.shortening import cut, shortened, width
from tieout.engine.effects import Effects
from tieout.engine.journal import OnDone, nothing_more
from tieout.store import names
from tieout.store.database import Database


class Fitted:
    """The effects of one run, each in words that its target takes."""

    def __init__(self, effects: Effects, database: Database) -> None:
        self._effects = effects
        self._database = database

    async def perform(self, sink: Sink, write: Write, on_done: OnDone = nothing_more) -> Receipt:
        return await self._effects.perform(sink, await fitted(self._database, sink, write), on_done)

    async def keep(
        self, sink: Sink, operation: str, subject: str, body: Mapping[str, Any], ids: Mapping[str, str]
    ) -> None:
        write = await fitted(self._database, sink, Write(operation, subject, "", body, ids))
        await self._effects.keep(sink, operation, subject, write.body, ids)

    async def made(self, sink: Sink, operation: str, subject: str) -> bool:
        return await self._effects.made(sink, operation, subject)

    async def in_doubt(self, sink: Sink, operation: str, subject: str) -> bool:
        return await self._effects.in_doubt(sink, operation, subject)


async def fitted(database: Database, sink: Sink, write: Write) -> Write:
    """The write in words that the target takes. Raises Rejected with every text that must not be shortened and is too long.

    A shortened name stands in the body with its full form beside it, as `full_name`.
    """
    lengths = sink.operation(write.operation).lengths
    problems = [problem for each in lengths for problem in _too_long(sink.name, write, each)]
    if problems:
        raise Rejected(*problems)
    body = prose(write.body, lengths)
    for each in lengths:
        if each.text is Text.NAME:
            body |= await _name(database, sink.name, write, each)
    return replace(write, body=body)


def prose(body: Mapping[str, Any], lengths: tuple[Length, ...]) -> dict[str, Any]:
    """The body with its prose cut."""
    longest = {each.field: each.most for each in lengths if each.text is Text.PROSE and each.most is not None}
    return {
        name: cut(str(value), longest[name]) if value is not None and name in longest else value
        for name, value in body.items()
    }


async def _name(database: Database, system: str, write: Write, length: Length) -> dict[str, str]:
    full, most = str(write.body.get(length.field) or ""), length.most
    if not full or most is None:
        return {}
    kind = write.operation.partition(".")[0]
    async with database.transaction() as tx:
        shown = await names.take(
            tx, system, kind, write.subject, full, lambda apart: shortened(full, most, apart=apart)
        )
    return {length.field: shown.name, **({"full_name": full} if shown.name != full else {})}


def _too_long(system: str, write: Write, length: Length) -> list[Problem]:
    most = length.most
    if length.text is not Text.EXACT or most is None:
        return []
    return [
        Problem(
            "text.too_long",
            {
                "system": system,
                "subject": write.subject,
                "field": length.field.replace(".", " ").replace("_", " "),
                "value": text,
                "length": str(width(text)),
                "most": str(most),
                "owner": length.owner,
            },
        )
        for text in length.of(write.body)
        if width(text) > most
    ]
