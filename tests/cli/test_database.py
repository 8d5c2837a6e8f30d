"""Which database a command works in, and what it says when there is none, an old one, or one that does not answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
from tests.cli.conftest import Tieout

from tieout.cli.exits import Exit
from tieout.store.embedded import embedded_postgres


def test_without_a_database_a_command_says_how_to_get_one(tieout: Tieout) -> None:
    said = tieout("status")
    assert said.code == Exit.CONFIGURATION
    assert "There is no database yet." in said.err
    assert "tieout migrate" in said.err
    assert not Path(".tieout").exists()


def test_a_server_that_does_not_answer_is_named_without_its_password(
    tieout: Tieout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_DATABASE_URL", "postgresql://hub:hunter2@/books?host=/nowhere")
    said = tieout("status", "--json")
    assert said.code == Exit.UNREACHABLE
    assert said.document["error"]["code"] == 4
    assert "The database books at /nowhere does not answer" in said.err
    assert "hunter2" not in said.err + said.out


def test_an_address_that_is_none_is_not_repeated(tieout: Tieout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_DATABASE_URL", "hub:hunter2@books")
    said = tieout("status")
    assert said.code == Exit.UNREACHABLE
    assert "postgresql://user:password@host/name" in said.err
    assert "hunter2" not in said.err


def test_a_wrong_variable_is_a_wrong_configuration(tieout: Tieout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEOUT_PORT", "many")
    said = tieout("status")
    assert said.code == Exit.CONFIGURATION
    assert "TIEOUT_PORT" in said.err


@pytest.mark.parametrize(
    ("version", "words", "fix"),
    [
        ("update tieout.schema_version set version_num = '9999'", "newer Tieout", "Install the newer Tieout."),
        ("drop schema tieout cascade", "no tables of Tieout", "tieout migrate"),
    ],
)
def test_no_command_works_on_another_schema(
    on_database: Tieout, database_url: str, kestrel: Path, version: str, words: str, fix: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(version.encode())
    for command in (("status",), ("apply", str(kestrel)), ("holds", "list")):
        said = on_database(*command)
        assert said.code == Exit.CONFIGURATION
        assert words in said.err
        assert fix in said.err


def test_migrating_twice_changes_nothing(on_database: Tieout, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("drop schema tieout cascade")
    planned = on_database("migrate", "--json").document
    assert planned["before"] is None
    assert planned["ran"][0] == "0001 foundation"
    assert on_database("migrate", "--json").document == {"before": planned["now"], "now": planned["now"], "ran": []}


def test_a_command_shares_the_private_database_with_a_hub_and_leaves_it_running(tmp_path: Path) -> None:
    """And the last one to go stops the server, even when another user of it was killed and never said goodbye."""
    folder = tmp_path / "home" / "postgres"
    with embedded_postgres(folder) as url:
        told = subprocess.run(
            [sys.executable, "-m", "tieout.cli", "migrate", "--json"],
            env={"PATH": "/usr/bin:/bin", "TIEOUT_HOME": str(folder.parent)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(told.stdout)["before"] is None
        with psycopg.connect(url) as connection:
            assert connection.execute("select count(*) from tieout.run").fetchone() == (0,)
        users = folder / ".handle_pids.json"
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        users.write_text(json.dumps([*json.loads(users.read_text()), dead.pid]))
        server = psutil.Process(int((folder / "postmaster.pid").read_text().splitlines()[0]))
        with embedded_postgres(folder):
            pass
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
