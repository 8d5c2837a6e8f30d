"""The firm as it is set up: legal entities, connections, value tables, and the audit of every change to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.domain.identity import content_hash
from tieout.domain.values import ValueRow
from tieout.store import audit
from tieout.store.database import Tx, row, rows


async def apply(
    tx: Tx,
    *,
    content: Mapping[str, Any],
    entities: Sequence[tuple[str, str, str]],
    connections: Sequence[tuple[str, str, str, str | None]],
    actor: str,
    now: datetime,
) -> int | None:
    """Makes the firm folder's content the one in force; returns its new version, or None when it is in force already.

    `entities` are (code, name, currency); `connections` are (name, kind, role, entity).
    """
    fingerprint = content_hash(content)
    newest = await current(tx)
    for code, name, currency in entities:
        await tx.execute(
            """
            insert into legal_entity (code, name, currency) values (%s, %s, %s)
            on conflict (code) do update set name = excluded.name, currency = excluded.currency
            """,
            (code, name, currency),
        )
    for name, kind, role, entity in connections:
        await tx.execute(
            """
            insert into connection (name, kind, role, entity) values (%s, %s, %s, %s)
            on conflict (name) do update set kind = excluded.kind, role = excluded.role, entity = excluded.entity
            """,
            (name, kind, role, entity),
        )
    if newest is not None and newest["fingerprint"] == fingerprint:
        return None
    stored = await row(
        tx,
        """
        insert into firm_version (fingerprint, content, applied_by, applied_at) values (%s, %s, %s, %s)
        on conflict (fingerprint) do update set applied_at = excluded.applied_at returning version
        """,
        (fingerprint, Jsonb(dict(content)), actor, now),
    )
    assert stored is not None
    await audit.append(tx, actor, "firm.apply", f"firm version {stored['version']}", {"fingerprint": fingerprint}, now)
    return stored["version"]


async def current(tx: Tx) -> dict[str, Any] | None:
    """The firm version in force."""
    return await row(tx, "select * from firm_version order by applied_at desc, version desc limit 1")


async def at_version(tx: Tx, version: int) -> dict[str, Any] | None:
    return await row(tx, "select * from firm_version where version = %s", (version,))


async def rate_cards(tx: Tx) -> list[dict[str, Any]]:
    """Every rate card of every applied folder, the newest folder's first: what priced work stays known when it leaves the folder."""
    found = await rows(
        tx,
        """
        select card from firm_version, jsonb_array_elements(coalesce(content->'rate_cards', '[]')) card
        order by applied_at desc, version desc
        """,
    )
    return [each["card"] for each in found]


async def entities(tx: Tx) -> list[dict[str, Any]]:
    """The legal entities: code, name, currency."""
    return await rows(tx, "select * from legal_entity order by code")


async def connections(tx: Tx) -> list[dict[str, Any]]:
    return await rows(tx, "select * from connection order by role, name")


async def connection_state(tx: Tx, name: str) -> str:
    found = await row(tx, "select state from connection where name = %s", (name,))
    return found["state"] if found else "active"


async def set_connection_state(tx: Tx, name: str, state: str, reason: str) -> None:
    await tx.execute("update connection set state = %s, reason = %s where name = %s", (state, reason, name))


async def record_health(tx: Tx, name: str, health: Mapping[str, Any], now: datetime) -> None:
    await tx.execute(
        "update connection set health = %s, checked_at = %s where name = %s", (Jsonb(dict(health)), now, name)
    )


async def values(tx: Tx, table: str | None = None, at: datetime | None = None) -> list[ValueRow]:
    """Value rows in force or to come; a row that waits for its second pair of eyes is not among them.

    With `at` only those that were there at that moment.
    """
    found = await rows(
        tx,
        """
        select id, table_name, key, entity, value, valid_from, author from value_row
        where not waiting and (%(table)s::text is null or table_name = %(table)s)
          and (%(at)s::timestamptz is null or created_at <= %(at)s)
        order by table_name, key, valid_from, id
        """,
        {"table": table, "at": at},
    )
    return [_value(each) for each in found]


def _value(stored: Mapping[str, Any]) -> ValueRow:
    names = ("table_name", "key", "value", "entity", "valid_from", "author", "id")
    return ValueRow(*(stored[name] for name in names))


async def waiting_values(tx: Tx) -> list[ValueRow]:
    """Rows of tables with four eyes that nobody has approved yet."""
    return [_value(each) for each in await rows(tx, "select * from value_row where waiting order by id")]


async def waiting_value(tx: Tx, row_id: int) -> ValueRow | None:
    found = await row(tx, "select * from value_row where id = %s and waiting", (row_id,))
    return _value(found) if found else None


async def approve_value(tx: Tx, row_id: int, actor: str, now: datetime) -> None:
    """The second pair of eyes; the database itself refuses the author's own (check constraint)."""
    await tx.execute("update value_row set waiting = false, approved_by = %s where id = %s", (actor, row_id))
    await audit.append(tx, actor, "value.approve", f"value row {row_id}", {}, now)


async def set_value(tx: Tx, value: ValueRow, *, now: datetime, waiting: bool = False) -> bool:
    """Adds a row with its effective date; False when the newest row for it says the same already."""
    newest = await row(
        tx,
        """
        select value from value_row where table_name = %s and lower(key) = lower(%s) and entity = %s and valid_from <= %s
          and not waiting order by valid_from desc, id desc limit 1
        """,
        (value.table, value.key, value.entity, value.valid_from),
    )
    if newest is not None and newest["value"] == value.value:
        return False
    await tx.execute(
        """
        insert into value_row (table_name, key, entity, value, valid_from, author, waiting, created_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (value.table, value.key, value.entity, value.value, value.valid_from, value.author, waiting, now),
    )
    detail = {"key": value.key, "entity": value.entity, "value": value.value, "valid_from": str(value.valid_from)}
    await audit.append(tx, value.author, "value.set", f"table {value.table}", detail, now)
    return True


async def ship_values(tx: Tx, shipped: Sequence[ValueRow], now: datetime) -> int:
    """Adds the folder's rows that were never added before; what people changed since stays. How many were new."""
    stored = await rows(
        tx,
        """
        insert into value_row (table_name, key, entity, value, valid_from, author, created_at)
        select s.table_name, s.key, s.entity, s.value, s.valid_from, s.author, %s
        from jsonb_to_recordset(%s) as s(table_name text, key text, entity text, value text, valid_from date, author text)
        where not exists (
          select from value_row v where v.table_name = s.table_name and lower(v.key) = lower(s.key) and v.entity = s.entity
            and v.valid_from = s.valid_from and v.value = s.value)
        returning table_name, key, value
        """,
        (
            now,
            Jsonb(
                [
                    {
                        "table_name": each.table, "key": each.key, "entity": each.entity, "value": each.value,
                        "valid_from": str(each.valid_from), "author": each.author,
                    }
                    for each in shipped
                ]
            ),
        ),
    )  # fmt: skip
    return len(stored)
