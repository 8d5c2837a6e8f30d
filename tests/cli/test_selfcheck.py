"""What a person at a terminal hears of the self-check: `serve` refuses or warns, `status` shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import sql
from tests.cli.conftest import NOWHERE, Tieout

from tieout.cli.desk import disk
from tieout.cli.exits import Exit
from tieout.settings import read


def forgetful(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("alter database {} set synchronous_commit = off").format(name))


def test_a_hub_does_not_start_on_a_database_that_forgets(on_database: Tieout, database_url: str, kestrel: Path) -> None:
    assert on_database("apply", str(kestrel)).code == Exit.OK
    forgetful(database_url)
    said = on_database("serve", "--port", "0", "--json")
    assert said.code == Exit.CONFIGURATION
    (problem,) = said.document["error"]["problems"]
    assert (
        problem["what"] == "Postgres runs with synchronous_commit = off. A power cut could lose acknowledged messages."
    )
    assert problem["fix"] == "Set synchronous_commit to on and restart it."


def test_status_shows_what_the_self_check_found(on_database: Tieout, database_url: str) -> None:
    checked = on_database("status", "--json").document["self_check"]
    assert {each["check"] for each in checked} >= {"fsync", "synchronous_commit", "rights", "clock", "free space"}
    assert not any(each["level"] == "refusal" for each in checked)
    forgetful(database_url)
    said = on_database("status")
    assert said.code == Exit.CONFIGURATION
    assert "✗ Postgres runs with synchronous_commit = off." in said.out


def test_a_private_database_has_its_ballast(tmp_path: Path, kestrel: Path) -> None:
    """In a process of its own: it starts the private Postgres, and the ballast lies beside it."""
    home = tmp_path / "home"
    environment = {**os.environ, "TIEOUT_HOME": str(home), "TIEOUT_BALLAST_MB": "2", **NOWHERE}
    tieout = [sys.executable, "-m", "tieout.cli"]
    for command in (["migrate"], ["apply", str(kestrel)]):
        subprocess.run([*tieout, *command], env=environment, check=True, capture_output=True)
    serve = [*tieout, "serve", "--role", "web", "--port", "0", "--json", "--leash"]
    with subprocess.Popen(
        serve, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as hub:
        assert hub.stdout is not None
        assert json.loads(hub.stdout.readline())["role"] == "web"
        assert (home / "ballast").stat().st_size == 2 * 2**20
        status = subprocess.run([*tieout, "status", "--json"], env=environment, check=False, capture_output=True)
        _, log = hub.communicate()
    levels = {each["check"]: each["level"] for each in json.loads(status.stdout)["self_check"]}
    assert levels["ballast"] == "ok"
    assert b"pg_ctl" not in log, "how the server is started is no news of the hub"


def test_only_a_private_database_lacks_a_ballast(tmp_path: Path) -> None:
    """Beside a demo, whose database is the demo's own, nobody is warned of something that is not missing."""
    here = read({"TIEOUT_HOME": str(tmp_path)})
    (tmp_path / "demo" / "postgres").mkdir(parents=True)
    (tmp_path / "demo" / "postgres" / "PG_VERSION").touch()
    assert disk(here).ballast is None
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").touch()
    assert disk(here).ballast is not None
