"""The sandbox as a program: it says where it is, ends when told, and never outlives whoever started it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

pytestmark = pytest.mark.loopback

PROGRAM = """
import sys
from pathlib import Path
from tieout.sandbox.options import Options
from tieout.sandbox.serve import as_json, run_sandbox
run_sandbox(Options(Path(sys.argv[1]), erp=False), as_json, leash="leash" in sys.argv)
"""
# A parent that starts the sandbox, tells its process id, and waits to be killed.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2], "leash"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(60)
"""


@contextmanager
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def described(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_a_sandbox_that_is_told_to_stop_ends_in_order(tmp_path: Path) -> None:
    with started([sys.executable, "-c", PROGRAM, str(tmp_path)]) as process:
        control = described(process)["control"]
        assert httpx2.get(f"{control}/health", trust_env=False).json()["ok"]
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0


def test_a_sandbox_ends_with_its_parent_even_when_that_is_killed(tmp_path: Path) -> None:
    with started([sys.executable, "-c", PARENT, PROGRAM, str(tmp_path)]) as parent:
        assert parent.stdout is not None
        sandbox = psutil.Process(int(parent.stdout.readline()))
        assert described(parent)["control"]
        parent.kill()
        assert psutil.wait_procs([sandbox], timeout=15)[1] == []
