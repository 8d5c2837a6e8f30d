"""Under which name a record stands in a target that takes shorter names than ours, and whom it would be mistaken for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tieout.domain.shortening import folded
from tieout.store.database import Tx, row, rows

# Marks are thirty bits of a digest: whoever needs a third one has a rule that does not mark.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """`name` is how `connection` shows the record of a key; `rival` is the key of the record that has the rule's name."""

    connection: str
    kind: str
    key: str
    name: str
    full_name: str
    rival: str = ""


async def take(tx: Tx, connection: str, kind: str, key: str, full: str, short: Callable[[str], str]) -> Shown:
    """The record's name there, the same one for ever; `short` shortens it, given a key to tell it apart by, or nothing."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"names/{connection}/{kind}",))
    known = await row(
        tx,
        """
        select connection, kind, key, name, full_name, rival from shown_name
        where connection = %s and kind = %s and key = %s and full_name = %s
        """,
        (connection, kind, key, full),
    )
    if known is not None:
        return Shown(**known)
    name, rival, attempt = short(""), "", 0
    while name != full and attempt < _TRIES and (other := await _holder(tx, connection, kind, key, name)):
        attempt += 1
        name, rival = short(key if attempt == 1 else f"{key}/{attempt}"), rival or other
    shown = Shown(
        connection, kind, key, name, full, rival or await _holder(tx, connection, kind, key, name, short=True)
    )
    await tx.execute(
        """
        insert into shown_name (connection, kind, key, name, folded, full_name, rival) values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (connection, kind, key) do update
        set name = excluded.name, folded = excluded.folded, full_name = excluded.full_name, rival = excluded.rival
        """,
        (connection, kind, key, shown.name, folded(shown.name), full, shown.rival),
    )
    return shown


async def _holder(tx: Tx, connection: str, kind: str, key: str, name: str, *, short: bool = False) -> str:
    """The key of another record with this name; with `short` only one whose name is not its own but a shortened one."""
    found = await row(
        tx,
        """
        select key from shown_name
        where connection = %s and kind = %s and folded = %s and key <> %s and (not %s or name <> full_name)
        order by key limit 1
        """,
        (connection, kind, folded(name), key, short),
    )
    return str(found["key"]) if found else ""


async def shown(tx: Tx, keys: Sequence[str]) -> list[Shown]:
    """Those of the records that some target shows under another name than ours, or that have a rival there."""
    found = await rows(
        tx,
        """
        select connection, kind, key, name, full_name, rival from shown_name
        where key = any(%s) and (name <> full_name or rival <> '') order by connection, kind, key
        """,
        (list(keys),),
    )
    return [Shown(**each) for each in found]
