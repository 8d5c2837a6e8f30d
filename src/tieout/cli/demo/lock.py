"""One demo per folder: a lock that ends with its process, whatever happens to it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tieout.cli.exits import Exit, stop

# Everything that a demo keeps; nothing else in the folder is ever deleted.
_KEPT = ("postgres", "logs", "visitors.json", "calendar")


@contextmanager
def alone(folder: Path, *, fresh: bool) -> Generator[Path]:
    """The folder to ourselves, emptied first when `fresh`. Raises Stop when another demo runs in it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.pread(lock, 32, 0).decode().strip()
            raise stop(
                Exit.PROBLEM,
                f"A demo is running in this folder already (process {who}).",
                where=str(folder),
                fix="Use it, stop it with Ctrl-C, or start this one with another TIEOUT_HOME.",
            ) from None
        os.truncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        if fresh:
            _clear(folder)
        yield folder
    finally:
        os.close(lock)


@contextmanager
def held(file: Path) -> Generator[None]:
    """A file's lock, as soon as whoever has it is gone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def database_lock(folder: Path) -> Path:
    """Held by whoever keeps the database of a folder: a demo that was killed leaves a keeper that needs a moment."""
    return folder / ".database"


def _clear(folder: Path) -> None:
    with held(database_lock(folder)):
        _remove(folder)


def _remove(folder: Path) -> None:
    for name in _KEPT:
        there = folder / name
        if there.is_dir():
            shutil.rmtree(there)
        else:
            there.unlink(missing_ok=True)
