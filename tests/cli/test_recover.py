"""`drill` restores a real backup to a moment and says what is missing; `recover` has it asked for again."""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from faults.cluster import Pair, pair
from tests.cli.conftest import Tieout

from tieout.cli.exits import Exit
from tieout.engine.rounds import _LEADER

pytestmark = [pytest.mark.slow, pytest.mark.loopback]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Generator[Pair]:
    home = tmp_path_factory.mktemp("drill")
    for each in (home, *(each for each in home.parents if each.name.startswith(("popen-", "pytest-")))):
        each.chmod(0o755)  # the server runs as somebody else than root
    with pair(home, synchronous=False, archiving=True) as made:
        yield made


def read_source(servers: Pair) -> None:
    """What a hub remembers last: when it read a source."""
    servers.primary.ask(
        "insert into tieout.cursor (connection, kind, value, advanced_at) values ('crm', 'deal', 'x', clock_timestamp())"
        " on conflict (connection, kind) do update set advanced_at = clock_timestamp()"
    )


def test_a_backup_is_restored_to_a_moment_and_nothing_else_is_touched(servers: Pair, tieout: Tieout) -> None:
    servers.primary.ask("insert into tieout.connection (name, kind, role) values ('crm', 'salesforce', 'crm')")
    servers.back_up(servers.home / "backup")
    read_source(servers)
    time.sleep(1.1)
    moment = datetime.now(UTC)
    time.sleep(1.1)
    read_source(servers)
    ((segment,),) = servers.primary.ask("select pg_walfile_name(pg_current_wal_lsn())")
    servers.primary.ask("select pg_switch_wal()")
    assert servers.archive is not None
    deadline = time.monotonic() + 30
    while not (servers.archive / segment).exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    drill = ("drill", str(servers.home / "backup"), "--archive", str(servers.archive), "--json")
    then, now = tieout(*drill, "--until", moment.isoformat()), tieout(*drill)
    assert then.code == Exit.OK, then.err
    remembered = [datetime.fromisoformat(each.document["outlook"]["remembers_until"]) for each in (then, now)]
    assert remembered[0] < moment < remembered[1]
    assert servers.primary.ask("select count(*) from tieout.cursor") == [(1,)]


def test_what_cannot_be_restored_says_so(servers: Pair, tieout: Tieout, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = tieout("drill", str(tmp_path / "empty"))
    assert said.code == Exit.CONFIGURATION
    assert "Nothing was restored." in said.err
    assert tieout("drill", str(tmp_path / "empty"), "--until", "yesterday").code == Exit.USAGE


def test_recover_shows_first_and_acts_only_when_no_hub_is_at_work(on_database: Tieout, database_url: str) -> None:
    def gap() -> object:
        with psycopg.connect(database_url) as connection:
            return connection.execute("select gap_until from tieout.memory").fetchone()

    shown = on_database("recover", "--json")
    assert (shown.code, shown.document["done"]) == (Exit.OK, False)
    assert gap() == (None,)
    with psycopg.connect(database_url) as hub:
        hub.execute("select pg_advisory_lock(%s)", (_LEADER,))
        busy = on_database("recover", "--yes", "--as", "anna")
        assert busy.code == Exit.PROBLEM
        assert "Stop every `tieout serve`" in busy.err
    assert on_database("recover", "--yes", "--as", "anna").code == Exit.OK
    assert gap() != (None,)
