"""The hub as its operators run it: what works may die and be replaced, and nobody who rings is refused."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import psutil
import pytest
from tests.cli.conftest import NOWHERE, Tieout

from tieout.cli.exits import Exit
from tieout.store import workers as store
from tieout.store.database import Database

pytestmark = [pytest.mark.loopback, pytest.mark.slow]
# Hands the listening socket over as systemd does.
SUPERVISOR = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"], os.environ["LISTEN_FDS"] = str(os.getpid()), "1"
os.execv(sys.executable, [sys.executable, "-m", "tieout.cli", "serve", *sys.argv[2:]])
"""
_PATIENCE = 60.0


def test_workers_die_and_the_hub_is_replaced_while_everybody_is_answered(
    on_database: Tieout, database_url: str, kestrel: Path
) -> None:
    assert on_database("apply", str(kestrel)).code == Exit.OK
    with socket.create_server(("127.0.0.1", 0)) as door, ExitStack() as asking:
        with hub(door, database_url) as first:
            answers = asking.enter_context(asked_all_the_time(door))
            before = two_workers(database_url, none_of=set())
            psutil.Process(min(before)).kill()
            after = two_workers(database_url, none_of=before)
            assert len(before & after) == 1
            assert first.poll() is None
        with hub(door, database_url):
            assert two_workers(database_url, none_of=after).isdisjoint(before | after)
            asking.close()  # whoever asks when nobody comes any more waits for ever
    assert set(answers) == {"200"}


@contextmanager
def hub(door: socket.socket, database_url: str) -> Generator[subprocess.Popen[bytes]]:
    """It answers at the door, with two workers, until the block ends and it is told to stop."""
    environment = {**os.environ, **NOWHERE, "TIEOUT_DATABASE_URL": database_url}
    command = [sys.executable, "-c", SUPERVISOR, str(door.fileno()), "--workers", "2", "--json", "--leash"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        pass_fds=[door.fileno()],
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["address"] == f"http://127.0.0.1:{door.getsockname()[1]}"
        yield process
        process.terminate()
        assert process.wait(_PATIENCE) == Exit.OK


@contextmanager
def asked_all_the_time(door: socket.socket) -> Generator[list[str]]:
    """The status of every answer to somebody who comes anew each time; what went wrong for whoever was refused or cut off."""
    answers: list[str] = []
    over = threading.Event()
    where = f"http://127.0.0.1:{door.getsockname()[1]}/api/v1/live"

    def ask() -> None:
        while not over.is_set():
            try:
                answers.append(str(httpx2.get(where, timeout=_PATIENCE).status_code))
            except httpx2.HTTPError as refused:
                answers.append(repr(refused))
            time.sleep(0.01)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
    finally:
        over.set()
        asking.join()


def workers(database_url: str) -> set[int]:
    """The processes of the workers that are there."""

    async def ask() -> set[int]:
        database = Database(database_url, most=1)
        await database.open()
        try:
            async with database.transaction() as tx:
                return {int(each["id"].split("-")[-2]) for each in await store.present(tx)}
        finally:
            await database.close()

    return asyncio.run(ask())


def two_workers(database_url: str, *, none_of: set[int]) -> set[int]:
    """Two workers, once they are there, and at most one of them is among those that were there before."""
    end = time.monotonic() + _PATIENCE
    while len(there := workers(database_url)) != 2 or there == none_of:
        assert time.monotonic() < end, f"there are {there}"
        time.sleep(0.1)
    return there
