"""Which record in each system is the same business object; aliases are kept for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.types.json import Json

from tieout.store.database import Tx, row, rows


class TwoMeanings(Exception):
    """A record would mean two objects, or an object two records of one system."""


class Link(NamedTuple):
    """A record of `connection` is the object of this kind and business key."""

    kind: str
    key: str
    connection: str
    record: str
    since: datetime


async def record_id(tx: Tx, kind: str, key: str, connection: str) -> str | None:
    found = await row(
        tx,
        "select record_id from crosswalk where kind = %s and key = %s and connection = %s and not alias",
        (kind, key, connection),
    )
    return found["record_id"] if found else None


async def record_ids(tx: Tx, kind: str, prefix: str, connection: str) -> dict[str, str]:
    """Record ids by key, for every key that begins with a prefix (the tasks of a project)."""
    found = await rows(
        tx,
        "select key, record_id from crosswalk where kind = %s and starts_with(key, %s) and connection = %s and not alias",
        (kind, prefix, connection),
    )
    return {each["key"]: each["record_id"] for each in found}


async def key_of(tx: Tx, kind: str, connection: str, record: str) -> str | None:
    """The business key of a record, followed through aliases."""
    found = await row(
        tx,
        "select key from crosswalk where kind = %s and connection = %s and record_id = %s",
        (kind, connection, record),
    )
    return found["key"] if found else None


async def link(tx: Tx, kind: str, key: str, connection: str, record: str, now: datetime) -> None:
    """Says that a record is the object. Saying it again changes nothing, and an alias of the object stays one.

    Raises TwoMeanings when the record already is another object, or the object another record.
    """
    new = await tx.execute(
        """
        insert into crosswalk (connection, kind, record_id, key, since) values (%s, %s, %s, %s, %s)
        on conflict do nothing
        """,
        (connection, kind, record, key, now),
    )
    if new.rowcount:
        return
    known_key = await key_of(tx, kind, connection, record)
    if known_key != key:
        known_record = await record_id(tx, kind, key, connection)
        raise TwoMeanings(
            f"{connection}/{kind}/{record} cannot become {key}: the record is {known_key}, and {key} is record {known_record}"
        )


async def link_all(tx: Tx, links: Sequence[Link]) -> None:
    """The same for any number of them in one statement; all or none."""
    told = [(each.connection, each.kind, each.record, each.key, each.since.isoformat()) for each in links]
    found = await rows(
        tx,
        """
        insert into crosswalk (connection, kind, record_id, key, since)
        select l->>0, l->>1, l->>2, l->>3, (l->>4)::timestamptz from json_array_elements(%s) l order by 1, 2, 3, 4
        on conflict do nothing returning connection, kind, record_id, key
        """,
        (Json(told),),
    )
    new = {(each["connection"], each["kind"], each["record_id"], each["key"]) for each in found}
    for each in links:
        if (each.connection, each.kind, each.record, each.key) not in new:
            await link(tx, *each)


async def redirect(tx: Tx, kind: str, connection: str, loser: str, winner_key: str, now: datetime) -> None:
    """The record is gone and its id means another object from now on, for ever."""
    await tx.execute(
        """
        insert into crosswalk (connection, kind, record_id, key, alias, since) values (%s, %s, %s, %s, true, %s)
        on conflict (connection, kind, record_id) do update set key = excluded.key, alias = true
        """,
        (connection, kind, loser, winner_key, now),
    )


async def everywhere(tx: Tx, key: str) -> list[dict[str, Any]]:
    """Every record of an object, in every system, aliases included."""
    return await rows(tx, "select * from crosswalk where key = %s order by kind, connection, alias, since", (key,))


async def inherit(tx: Tx, kind: str, loser_key: str, winner_key: str) -> None:
    """What the loser of a merge has in other systems becomes the winner's, where the winner has nothing of its own."""
    await tx.execute(
        """
        update crosswalk c set key = %(winner)s
        where kind = %(kind)s and key = %(loser)s and not exists (
          select from crosswalk w where w.kind = c.kind and w.key = %(winner)s and w.connection = c.connection and not w.alias)
        """,
        {"kind": kind, "loser": loser_key, "winner": winner_key},
    )
