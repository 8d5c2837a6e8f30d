"""Whether the hub may trust its database and its disk: asked before it takes in anything, and again by whoever watches.

Each check answers with one finding. A refusal means that something acknowledged could be lost, or that the hub could not
work at all; a warning is for a person to act on before it becomes one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from tieout.store.ballast import Ballast
from tieout.store.database import Database, Tx, row, rows
from tieout.store.schema import compared

# Seconds between the hub's clock and the database's: signatures and waits tolerate more, but something is wrong.
_CLOCK = 5.0
_MB = 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `found` says what is, `why` what it could lead to, `fix` what to do; both empty when it is ok."""

    check: str
    level: Literal["ok", "warning", "refusal"]
    found: str
    why: str = ""
    fix: str = ""

    def __str__(self) -> str:
        return " ".join(each for each in (self.found, self.why, self.fix) if each)


@dataclass(frozen=True, slots=True)
class Disk:
    """Where the hub and its private database write. Below `least` free bytes the doorbells take nothing in."""

    folder: Path
    least: int
    ballast: Ballast | None = None

    @property
    def free(self) -> int:
        there = next(each for each in (self.folder, *self.folder.absolute().parents) if each.exists())
        return shutil.disk_usage(there).free


class Unsafe(Exception):
    """The hub must not work like this; `findings` are the refusals."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(" ".join(str(each) for each in findings))
        self.findings = tuple(findings)


async def self_check(database: Database, clock: Callable[[], datetime], disk: Disk | None = None) -> list[Finding]:
    """Every check's finding, in a fixed order; the disk's only when it is given."""
    async with database.transaction() as tx:
        found = [await _setting(tx, name) for name in ("fsync", "synchronous_commit", "full_page_writes")]
        found += [await _primary(tx), await _rights(tx), await _migrations(tx), await _clock(tx, clock)]
    return found if disk is None else [*found, *on_disk(disk)]


def on_disk(disk: Disk) -> list[Finding]:
    """What is said of the disk, and of the ballast where one is kept."""
    return [_space(disk), *([_ballast(disk)] if disk.ballast is not None else [])]


async def insist(database: Database, clock: Callable[[], datetime]) -> None:
    """Raises Unsafe with everything that the database is refused for."""
    refused = [each for each in await self_check(database, clock) if each.level == "refusal"]
    if refused:
        raise Unsafe(refused)


async def _setting(tx: Tx, name: Literal["fsync", "synchronous_commit", "full_page_writes"]) -> Finding:
    value = (await _one(tx, "select current_setting(%s) as value", name))["value"]
    if value == "off":
        why = "A power cut could lose acknowledged messages."
        return Finding(name, "refusal", f"Postgres runs with {name} = off.", why, f"Set {name} to on and restart it.")
    standbys = (await _one(tx, "select current_setting('synchronous_standby_names') as value"))["value"]
    if name == "synchronous_commit" and value == "local" and standbys:
        why = "A failover could lose acknowledged messages, although there is a synchronous standby."
        return Finding(name, "warning", f"Postgres runs with {name} = local.", why, f"Set {name} to on.")
    return Finding(name, "ok", f"{name} is {value}.")


async def _primary(tx: Tx) -> Finding:
    found = await _one(
        tx, "select pg_is_in_recovery() as standby, current_setting('default_transaction_read_only') = 'on' as reads"
    )
    if found["standby"] or found["reads"]:
        what = "is a standby" if found["standby"] else "only lets itself be read"
        fix = "Name the primary in the address, or all servers with target_session_attrs=read-write."
        return Finding("primary", "refusal", f"The database {what}.", "Nothing can be stored there.", fix)
    return Finding("primary", "ok", "The database can be written to.")


async def _rights(tx: Tx) -> Finding:
    """Everything that the hub does to its tables, and a place for the tables of its engine."""
    found = await _one(
        tx,
        """
        select current_user as name, current_database() as base,
          array(select c.relname::text from pg_class c
                where c.relnamespace = to_regnamespace('tieout') and c.relkind in ('r', 'v') and not (
                  has_table_privilege(c.oid, 'select') and (c.relkind = 'v' or c.relname = 'schema_version' or
                  has_table_privilege(c.oid, 'insert') and (c.relname = 'audit' or has_table_privilege(c.oid, 'update'))))
                order by 1) as closed,
          to_regnamespace('dbos') is null and not has_database_privilege(current_database(), 'create') as homeless
        """,
    )
    if found["closed"]:
        what = f"The role {found['name']} may not work with {', '.join(found['closed'][:5])}."
        rights = ("usage on schema tieout", "select, insert, update, delete on all tables in schema tieout")
        fix = " ".join(f"grant {each} to {found['name']};" for each in rights)
        return Finding("rights", "refusal", what, "Work would stop half way.", fix)
    if found["homeless"]:
        what = f"The role {found['name']} may not create the schema of the engine."
        fix = f"grant create on database {found['base']} to {found['name']};"
        return Finding("rights", "refusal", what, "No run could begin.", fix)
    return Finding("rights", "ok", f"The role {found['name']} has the rights it needs.")


async def _migrations(tx: Tx) -> Finding:
    """A process that runs while a newer Tieout migrates the database goes on: migrations only add."""
    there = (await _one(tx, "select to_regclass('tieout.schema_version') is not null as there"))["there"]
    found = await rows(tx, "select version_num from tieout.schema_version") if there else []
    state = compared(found[0]["version_num"] if found else None)
    if state.pending:
        what = f"The schema of the database is {state.current or 'not there'}; this Tieout needs {state.newest}."
        return Finding("migrations", "refusal", what, "Statements would fail.", "Run `tieout migrate`.")
    if state.ahead:
        what = f"The database was migrated by a newer Tieout (to {state.current})."
        return Finding("migrations", "warning", what, "This one knows nothing of what is new.", "Upgrade this one too.")
    return Finding("migrations", "ok", f"The schema of the database is up to date ({state.current}).")


async def _clock(tx: Tx, clock: Callable[[], datetime]) -> Finding:
    before = clock()
    there: datetime = (await _one(tx, "select clock_timestamp() as now"))["now"]
    after = clock()
    off = max((before - there).total_seconds(), (there - after).total_seconds(), 0.0)
    if off > _CLOCK:
        what = f"The clocks of Tieout and of its database are {off:,.0f} s apart."
        why = "Deadlines, signatures and what is due today could be judged wrongly."
        return Finding("clock", "warning", what, why, "Let both machines follow a time server (NTP).")
    return Finding("clock", "ok", f"The clocks are less than {_CLOCK:.0f} s apart.")


def _space(disk: Disk) -> Finding:
    free, least = disk.free, disk.least
    what = f"{free // _MB:,} MB are free beside {disk.folder}."
    if free >= 4 * least:
        return Finding("free space", "ok", what)
    why = f"Below {least // _MB:,} MB the doorbells take nothing in (507)."
    fix = "Make room on that disk."
    if disk.ballast is not None and disk.ballast.size and disk.ballast.there:
        room = f"Delete {disk.ballast.path} to have {disk.ballast.size // _MB:,} MB at once"
        fix = f"{room}, then make room; the next start lays it again."
    return Finding("free space", "warning", what, why, fix)


def _ballast(disk: Disk) -> Finding:
    assert disk.ballast is not None
    if disk.ballast.there:
        size = f"{disk.ballast.size // _MB:,} MB lie in {disk.ballast.path}" if disk.ballast.size else "None is wanted"
        return Finding("ballast", "ok", f"{size}.")
    what = f"There is no ballast of {disk.ballast.size // _MB:,} MB in {disk.ballast.path}."
    why = "When the disk is full, there is nothing to delete at once."
    return Finding("ballast", "warning", what, why, "Make room and start Tieout again, or set TIEOUT_BALLAST_MB=0.")


async def _one(tx: Tx, sql: Any, *values: Any) -> dict[str, Any]:
    found = await row(tx, sql, values)
    assert found is not None
    return found
