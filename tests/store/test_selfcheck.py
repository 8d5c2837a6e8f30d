"""Each check of the start-up self-check, beside the setting, right, clock or disk that it must notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tieout.store.ballast import Ballast
from tieout.store.copies import copy_of
from tieout.store.database import Database
from tieout.store.selfcheck import Disk, Finding, Unsafe, insist, on_disk, self_check
from tieout.testing.database import migrated_postgres, opened

pytestmark = pytest.mark.anyio
CHECKS = ["fsync", "synchronous_commit", "full_page_writes", "primary", "rights", "migrations", "clock"]
MB = 2**20


def now() -> datetime:
    return datetime.now(UTC)


async def found_by(url: str, check: str, clock: Callable[[], datetime] = now, disk: Disk | None = None) -> Finding:
    """What one check finds through connections that are opened now."""
    async with opened(url) as database:
        found = {each.check: each for each in await self_check(database, clock, disk)}
    others = [each for name, each in found.items() if name != check and each.level == "refusal"]
    assert others == [], "one cause, one refusal"
    return found[check]


def at_server(url: str, statement: str, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


def database_name(url: str) -> str:
    return psycopg.conninfo.conninfo_to_dict(url)["dbname"]  # type: ignore[return-value]


async def test_nothing_is_wrong_with_the_private_database(database: Database) -> None:
    found = await self_check(database, now)
    assert [each.check for each in found] == CHECKS
    assert {each.level for each in found} == {"ok"}
    await insist(database, now)


async def test_a_commit_that_does_not_wait_for_the_disk_is_refused(database_url: str) -> None:
    at_server(database_url, "alter database {} set synchronous_commit = off", database_name(database_url))
    finding = await found_by(database_url, "synchronous_commit")
    assert finding.level == "refusal"
    assert "lose acknowledged messages" in finding.why
    async with opened(database_url) as database:
        with pytest.raises(Unsafe, match="synchronous_commit = off"):
            await insist(database, now)


async def test_a_server_that_could_forget_is_refused() -> None:
    with migrated_postgres() as template, copy_of(template, "forgetful") as url:
        for setting in ("fsync", "full_page_writes"):
            at_server(url, f"alter system set {setting} = off")
            at_server(url, "select pg_reload_conf()")
            finding = await found_by(url, setting)
            assert (finding.level, finding.found) == ("refusal", f"Postgres runs with {setting} = off.")
            at_server(url, f"alter system reset {setting}")


async def test_a_local_commit_beside_a_synchronous_standby_is_warned_of() -> None:
    with migrated_postgres() as template, copy_of(template, "hasty") as url:
        at_server(url, "alter database hasty set synchronous_commit = local")
        assert (await found_by(url, "synchronous_commit")).level == "ok"
        at_server(url, "alter system set synchronous_standby_names = 'b'")
        at_server(url, "select pg_reload_conf()")
        assert (await found_by(url, "synchronous_commit")).level == "warning"
        at_server(url, "alter system reset synchronous_standby_names")
        at_server(url, "select pg_reload_conf()")


async def test_a_database_that_only_lets_itself_be_read_is_refused(database_url: str) -> None:
    name = database_name(database_url)
    at_server(database_url, "alter database {} set default_transaction_read_only = on", name)
    finding = await found_by(database_url, "primary")
    assert finding.level == "refusal"
    assert "target_session_attrs=read-write" in finding.fix


async def test_a_role_without_its_rights_is_refused_and_told_the_statement_that_gives_them(database_url: str) -> None:
    at_server(database_url, "drop role if exists clerk")
    at_server(database_url, "create role clerk login")
    theirs = database_url.replace("postgres:@", "clerk:@")
    try:
        at_server(database_url, "grant usage on schema tieout to clerk")
        at_server(database_url, "grant select, insert, update, delete on all tables in schema tieout to clerk")
        homeless = await found_by(theirs, "rights")
        assert homeless.found == "The role clerk may not create the schema of the engine."
        at_server(database_url, homeless.fix)
        assert (await found_by(theirs, "rights")).level == "ok"
        at_server(database_url, "revoke update on tieout.effect from clerk")
        closed = await found_by(theirs, "rights")
        assert (closed.level, closed.found) == ("refusal", "The role clerk may not work with effect.")
        for each in closed.fix.split(";")[:-1]:
            at_server(database_url, each)
        assert (await found_by(theirs, "rights")).level == "ok"
    finally:
        at_server(database_url, "drop owned by clerk")
        at_server(database_url, "drop role clerk")


@pytest.mark.parametrize(
    ("statement", "level", "words"),
    [
        ("update tieout.schema_version set version_num = '0001'", "refusal", "this Tieout needs"),
        ("update tieout.schema_version set version_num = '9999'", "warning", "a newer Tieout (to 9999)"),
    ],
)
async def test_another_schema_is_noticed(database_url: str, statement: str, level: str, words: str) -> None:
    at_server(database_url, statement)
    finding = await found_by(database_url, "migrations")
    assert finding.level == level
    assert words in finding.found


@pytest.mark.parametrize(("seconds", "level"), [(4, "ok"), (-4, "ok"), (6, "warning"), (-3600, "warning")])
async def test_a_clock_that_differs_from_the_databases_is_warned_of(
    database_url: str, seconds: int, level: str
) -> None:
    finding = await found_by(database_url, "clock", clock=lambda: now() + timedelta(seconds=seconds))
    assert finding.level == level


def test_little_room_is_warned_of_and_the_ballast_is_named(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "ballast", 2 * MB)
    disk = Disk(tmp_path / "not" / "there" / "yet", least=1, ballast=ballast)
    assert levels(disk) == {"free space": "ok", "ballast": "warning"}
    ballast.lay(disk.free)
    assert levels(disk) == {"free space": "ok", "ballast": "ok"}
    full = replace(disk, least=disk.free)
    assert levels(full) == {"free space": "warning", "ballast": "ok"}
    assert f"Delete {tmp_path / 'ballast'} to have 2 MB at once" in on_disk(full)[0].fix
    assert "ballast" not in on_disk(replace(full, ballast=None))[0].fix


def levels(disk: Disk) -> dict[str, str]:
    return {each.check: each.level for each in on_disk(disk)}


def test_ballast_is_real_and_is_not_laid_where_it_would_make_the_emergency(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "home" / "ballast", 3 * MB)
    ballast.lay(free=12 * MB - 1)
    assert not ballast.path.exists()
    ballast.lay(free=12 * MB)
    assert ballast.there
    assert ballast.path.stat().st_blocks * 512 >= 3 * MB
    ballast.path.write_bytes(b"short")
    assert not ballast.there
    ballast.lay(free=12 * MB)
    assert ballast.path.stat().st_size == 3 * MB
    none = Ballast(tmp_path / "none", 0)
    none.lay(free=10**12)
    assert none.there
    assert not none.path.exists()
