"""Where the sandbox keeps what it is: one folder, held by one process at a time, that a later start continues."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tieout.sandbox.clock import replace_text

# A sandbox whose owner was killed needs a moment to notice.
_PATIENCE_SECONDS = 15


class FolderTaken(Exception):
    """Another sandbox works in the folder; the message says which folder and what to do."""


class StateFolder:
    """The paths of everything that is kept. Only what is named here is ever deleted."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.salesforce = root / "salesforce.sqlite"
        self.kantata = root / "kantata.sqlite"
        self.erp = root / "erp"
        self.clock = root / "clock"
        self.played = root / "played"
        self.journal = root / "journal.jsonl"
        self.ports = root / "ports.json"
        self.calendar = root / "calendar"

    @contextmanager
    def held(self, *, fresh: bool) -> Generator[StateFolder]:
        """The folder to ourselves, emptied first when `fresh`. Raises FolderTaken."""
        self.root.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take(lock)
            if fresh:
                self._clear()
            yield self
        finally:
            os.close(lock)

    def remembered_ports(self) -> dict[str, int]:
        return json.loads(self.ports.read_text(encoding="utf-8")) if self.ports.exists() else {}

    def remember_ports(self, ports: Mapping[str, int]) -> None:
        replace_text(self.ports, json.dumps(ports))

    def _take(self, lock: int) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    message = f"another sandbox works in {self.root}: stop it, or choose another folder"
                    raise FolderTaken(message) from None
                time.sleep(0.1)
            else:
                return

    def _clear(self) -> None:
        """The ports stay: links that were shown before keep their addresses."""
        for database in (self.salesforce, self.kantata):
            for each in self.root.glob(f"{database.name}*"):
                each.unlink()
        for each in (self.clock, self.played, self.journal, self.calendar):
            each.unlink(missing_ok=True)
        shutil.rmtree(self.erp, ignore_errors=True)
