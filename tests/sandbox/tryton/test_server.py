"""The real ERP as a program: it continues where it was, starts over when asked, serves one at a time, and ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tieout.connectors.tryton.client import TrytonClient
from tieout.sandbox.tryton.environment import SandboxFailure, alone
from tieout.sandbox.tryton.process import ErpProcess
from tieout.sandbox.tryton.server import TrytonServer
from tieout.sandbox.tryton.template import Template
from tieout.sandbox.tryton.tenancy import Tenancy

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.loopback]
PARENT = """
import sys, time
from pathlib import Path
from tieout.sandbox.tryton.server import TrytonServer
from tieout.sandbox.tryton.template import build
with TrytonServer(build(Path(sys.argv[1])), Path(sys.argv[2])) as erp:
    print(erp.pid, flush=True)
    time.sleep(600)
"""


async def names(erp: TrytonServer) -> list[str]:
    client = TrytonClient.at(erp.url, database=erp.database, user="admin", password=erp.tenancy.admin.password)
    try:
        return [each["name"] for each in await client.search("party.party", [["code", "=", "LEFT"]], ["name"])]
    finally:
        await client.close()


async def leave_something(erp: TrytonServer) -> None:
    client = TrytonClient.at(erp.url, database=erp.database, user="admin", password=erp.tenancy.admin.password)
    await client.create("party.party", [{"code": "LEFT", "name": "Somebody"}])
    await client.close()


async def test_a_second_start_continues_on_the_same_port_and_a_fresh_one_begins_again(
    template: Template, tmp_path: Path
) -> None:
    with TrytonServer(template, tmp_path) as erp:
        await leave_something(erp)
        assert await names(erp) == ["Somebody"]
        address = erp.url
        erp.stop()
        erp.start()
        assert erp.url == address
        assert await names(erp) == ["Somebody"]
    with TrytonServer(template, tmp_path, fresh=True) as erp:
        assert await names(erp) == []
        assert set(erp.tenancy.companies) == {"US", "DE"}
        assert erp.tenancy.clerk("DE").name == "Anna Fischer"


def test_killing_its_parent_ends_the_server(template: Template, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", PARENT, str(template.folder.parent), str(tmp_path)]
    parent = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    server = psutil.Process(int(parent.stdout.readline()))
    assert server.is_running()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    server.wait(10)  # raises when it outlives its parent


def test_a_second_server_in_the_same_folder_waits_for_the_first(template: Template, tmp_path: Path) -> None:
    waiting, started = threading.Event(), threading.Event()
    second = TrytonServer(template, tmp_path, progress=lambda _: waiting.set())

    def start() -> None:
        second.start()
        started.set()

    with TrytonServer(template, tmp_path):
        thread = threading.Thread(target=start)
        thread.start()
        assert waiting.wait(10)
        assert not started.is_set()
    assert started.wait(60)
    thread.join()
    second.stop()


def test_a_port_that_is_taken_is_said_so(template: Template, tmp_path: Path) -> None:
    with TrytonServer(template, tmp_path / "one") as erp:
        port = int(erp.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            TrytonServer(template, tmp_path / "two", port=port).start()


def test_a_database_that_does_not_open_is_told_with_the_servers_own_words(template: Template, tmp_path: Path) -> None:
    (tmp_path / "erp.sqlite").write_text("this is no database, but long enough to be looked at")
    process = ErpProcess(template.python, tmp_path)
    with pytest.raises(SandboxFailure, match="file is not a database"):
        process.start()
    with pytest.raises(SandboxFailure, match="not running"):
        _ = process.pid


def test_a_folder_of_another_release_is_refused(template: Template, tmp_path: Path) -> None:
    template.settle(tmp_path, fresh=False)
    old = template.tenancy.model_copy(update={"lock": "before"})
    (tmp_path / "tenancy.json").write_text(old.model_dump_json())
    with pytest.raises(SandboxFailure, match="start fresh"):
        template.settle(tmp_path, fresh=False)
    assert template.settle(tmp_path, fresh=True) == template.tenancy


def test_passwords_are_for_the_owner_alone_and_different_for_everybody(template: Template) -> None:
    kept = template.folder / "tenancy.json"
    assert kept.stat().st_mode & 0o077 == 0
    logins = Tenancy.model_validate_json(kept.read_bytes()).logins
    assert len({each.password for each in logins.values()}) == len(logins) == 5


def test_only_one_process_at_a_time_builds(tmp_path: Path) -> None:
    lock, told = tmp_path / ".lock", []
    script = (
        "import sys; from pathlib import Path; from tieout.sandbox.tryton.environment import alone\n"
        "with alone(Path(sys.argv[1]), print, waiting='waits'):\n    print('in', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"

        def enter() -> None:
            with alone(lock, told.append, waiting="waiting"):
                told.append(other.poll())

        thread = threading.Thread(target=enter)
        thread.start()
        while not told:
            time.sleep(0.01)
        assert told == ["waiting"]
        assert other.stdin is not None
        other.stdin.close()
        thread.join(10)
    assert len(told) == 2


def test_requests_are_served_one_after_the_other(template: Template, tmp_path: Path) -> None:
    """On SQLite two requests at once would take the same invoice number: the server has one thread for them."""
    with TrytonServer(template, tmp_path) as erp:
        before = psutil.Process(erp.pid).num_threads()
        with httpx2.Client(base_url=erp.url, trust_env=False) as client:
            answers: list[Any] = []
            body = b'{"id":1,"method":"common.server.version","params":[]}'

            def ask() -> None:
                headers = {"Content-Type": "application/json"}
                answers.append(client.post("/rpc/", content=body, headers=headers).json()["result"])

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
        assert answers == ["8.0"] * 8
        assert psutil.Process(erp.pid).num_threads() == before
        assert os.getpgid(erp.pid) != os.getpgid(0)  # Ctrl-C is for us, not for it
