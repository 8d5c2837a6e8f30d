"""The log of the hub: where it goes, and what happens when it can go nowhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TELLS = """
import structlog
from tieout.cli.logs import to_standard_error
to_standard_error("info")
structlog.get_logger("tieout").error("100 % of it", run="a")
print("goes on")
"""


def told(stderr: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-c", TELLS], stdout=subprocess.PIPE, stderr=stderr, check=False)


def test_each_event_is_a_line_of_json_on_standard_error() -> None:
    ended = told(subprocess.PIPE)
    (line,) = ended.stderr.splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["run"]) == ("100 % of it", "error", "a")
    assert ended.stdout == b"goes on\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_the_log_stops_nothing() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    ended = told(full)
    os.close(full)
    assert (ended.stdout, ended.returncode) == (b"goes on\n", 0)


def test_a_reader_of_the_log_that_went_away_stops_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = told(writer)
    os.close(writer)
    assert (ended.stdout, ended.returncode) == (b"goes on\n", 0)
