"""Nothing that was started stays behind: not after Ctrl-C, not after SIGTERM, not after `kill -9`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest
from tests.cli.conftest import NOWHERE, Tieout

from tieout.cli.exits import Exit

pytestmark = [pytest.mark.loopback, pytest.mark.slow]
# The demo's own children, as the demo starts them; only the ERP is left out, which has a leash of its own and its own test.
PARENT = """
import asyncio, json, os, sys
from pathlib import Path
from tieout.cli.demo.children import Child
from tieout.cli.stopping import until_stopped

async def main(folder):
    keeper = Child("the database", ["-m", "tieout.cli.demo.keeper", folder], environment=os.environ, log=Path(folder, "1"))
    sandbox = Child("the sandbox", ["-m", "tieout.cli", "sandbox", "--no-erp", "--json", "--leash", "--state", folder + "/s"],
                    environment=os.environ, log=Path(folder, "2"))
    try:
        await asyncio.gather(keeper.start(60), sandbox.start(60))
        print(json.dumps([keeper.pid, sandbox.pid]), flush=True)
        await asyncio.Event().wait()
    finally:
        await sandbox.stop()
        await keeper.stop()

asyncio.run(until_stopped(main(sys.argv[1]), leash=False))
"""
_PATIENCE = 30


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda each: each.name)
def killed(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[list[psutil.Process]]:
    """What a parent had started, a moment after the parent was sent the signal."""
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    started = json.loads(parent.stdout.readline())
    server = int((tmp_path / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    processes = [psutil.Process(each) for each in (*started, server)]
    os.kill(parent.pid, request.param)
    parent.wait(_PATIENCE)
    parent.stdout.close()
    yield processes
    for each in processes:
        if each.is_running():
            each.kill()


def test_whoever_was_started_ends_with_the_parent(killed: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(killed, timeout=_PATIENCE)
    # A container may have nobody who buries orphans: a zombie runs no more.
    assert [each for each in alive if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []


def test_a_hub_says_where_it_answers_and_ends_when_its_leash_is_let_go(
    on_database: Tieout, database_url: str, kestrel: Path
) -> None:
    assert on_database("apply", str(kestrel)).code == Exit.OK
    environment = {**os.environ, **NOWHERE, "TIEOUT_DATABASE_URL": database_url}
    command = [sys.executable, "-m", "tieout.cli", "serve", "--json", "--leash", "--port", "0"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as hub:
        assert hub.stdout is not None
        assert hub.stdin is not None
        told = json.loads(hub.stdout.readline())
        assert told["address"].startswith("http://127.0.0.1:")
        assert told["role"] == "all"
        hub.stdin.close()
        assert hub.wait(_PATIENCE) == Exit.OK
        assert hub.stdout.read() == ""


def test_a_hub_without_a_firm_says_what_comes_first(on_database: Tieout) -> None:
    said = on_database("serve", "--json", "--port", "0")
    assert said.code == Exit.CONFIGURATION
    assert "tieout apply" in said.err
    assert said.document["error"]["code"] == 3


def test_a_port_that_is_taken_is_said_before_anything_starts(on_database: Tieout) -> None:
    import socket

    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        said = on_database("serve", "--port", str(door.getsockname()[1]))
    assert said.code == Exit.CONFIGURATION
    assert "Nothing can listen" in said.err
