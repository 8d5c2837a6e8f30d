"""Every command explains itself, and nothing is wired before one is called."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Tieout
from typer.main import get_command

from tieout.cli.exits import MEANING, Exit
from tieout.cli.main import commands

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, each in getattr(command, "commands", {}).items():
        yield from walk(each, (*path, name))


COMMANDS = sorted(walk(get_command(commands())))
ACTING = [
    each
    for each in COMMANDS
    if each
    and each
    not in {("holds",), ("approvals",), ("values",), ("token",), ("overrides",), ("notify",), ("plans",), ("usage",)}
]


@pytest.mark.parametrize("command", COMMANDS[1:], ids=" ".join)
def test_the_help_of_a_command_has_an_example_of_that_command(tieout: Tieout, command: tuple[str, ...]) -> None:
    said = tieout(*command, "--help")
    assert said.code == Exit.OK
    assert f"Example: tieout {' '.join(command)}" in " ".join(said.out.split())


@pytest.mark.parametrize("command", ACTING, ids=" ".join)
def test_every_command_speaks_json(tieout: Tieout, command: tuple[str, ...]) -> None:
    assert "--json" in tieout(*command, "--help").out


def test_the_commands_are_those_that_were_promised() -> None:
    promised = "init check plan apply serve sandbox demo status lookup lineage holds replay migrate token values"
    assert {each[0] for each in COMMANDS if each} >= set(promised.split())


def test_help_says_what_the_exit_codes_mean(tieout: Tieout) -> None:
    said = " ".join(tieout("--help").out.split())
    for code, meaning in MEANING.items():
        assert f"{int(code)} {meaning}" in said


def test_the_documentation_says_the_same_of_exit_codes_and_commands() -> None:
    text = DOCS.read_text()
    for code, meaning in MEANING.items():
        assert f"| {int(code)} | {meaning} |" in text
    for command in ACTING:
        assert f"tieout {' '.join(command)}" in text


def test_help_loads_neither_the_database_nor_the_engine() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys; from tieout.cli.main import commands; commands(); print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(told.stdout.split())
    assert "tieout.cli.demo.command" in loaded
    assert not loaded & {"psycopg", "sqlalchemy", "dbos", "pydantic", "httpx2", "uvicorn", "fastapi", "rich.table"}


def test_a_wrong_command_line_is_a_usage_error(tieout: Tieout) -> None:
    said = tieout("holds", "frobnicate")
    assert said.code == Exit.USAGE
    assert "frobnicate" in said.err
    assert said.out == ""
    assert tieout("status", "--frobnicate").code == Exit.USAGE


def test_the_version_is_said_without_a_command(tieout: Tieout) -> None:
    said = tieout("--version")
    assert said.code == Exit.OK
    assert said.out.startswith("tieout ")


def test_a_doorbell_needs_its_address_and_its_token(tieout: Tieout) -> None:
    said = tieout("sandbox", "--bell", "http://127.0.0.1:8900/hooks/salesforce")
    assert said.code == Exit.USAGE
    assert "--bell-token" in said.err
