"""A real Postgres for tests: one server for a session, a fresh migrated database for each test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tieout.store.copies import copy_of
from tieout.store.database import Database, migrate
from tieout.store.embedded import embedded_postgres

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_ROOM = 2_000_000_000
_numbers = itertools.count(1)


@contextmanager
def migrated_postgres() -> Generator[str, None, None]:
    """Starts a server and yields the address of a migrated, empty database, the template for `fresh_database`.

    Nothing may connect to the template itself. The data lie in memory where there is room, with the same durability
    settings as in production: a test sees what a user would see, only sooner.
    """
    roomy = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
    with (
        tempfile.TemporaryDirectory(prefix="tieout-pg-", dir=_MEMORY if roomy else None) as folder,
        embedded_postgres(Path(folder)) as url,
    ):
        migrate(url)
        yield url


@contextmanager
def fresh_database(template: str) -> Generator[str, None, None]:
    """Yields the address of a copy of the template that belongs to the caller alone."""
    with copy_of(template, f"test_{os.getpid()}_{next(_numbers)}") as url:
        yield url


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[Database, None]:
    """A pool on a database, closed at the end of the block."""
    database = Database(url)
    await database.open()
    try:
        yield database
    finally:
        await database.close()
