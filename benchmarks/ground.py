"""What every benchmark stands on: an embedded Postgres on the disk, migrated, with the sandbox's firm in force."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tieout import sandbox
from tieout.domain.firm import Firm
from tieout.engine.operator import Operator
from tieout.folder.loading import load
from tieout.store.database import Database, migrate
from tieout.store.embedded import embedded_postgres

KESTREL = Path(sandbox.__file__).parent / "firm" / "kestrel"


@dataclass(frozen=True, slots=True)
class Ground:
    """`folder` is the benchmark's own and goes away at the end; `postgres` is the server's process."""

    folder: Path
    url: str
    database: Database
    postgres: int
    firm: Firm


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def ground() -> AsyncGenerator[Ground, None]:
    """On the disk, not in memory: a commit must cost what it costs."""
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as name:
        folder = Path(name)
        with embedded_postgres(folder / "postgres") as url:
            await asyncio.to_thread(migrate, url)
            database = Database(url)
            await database.open()
            try:
                firm = load(KESTREL)
                await Operator(database, now).apply_firm(firm, actor="benchmark")
                pid = int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
                yield Ground(folder, url, database, pid, firm)
            finally:
                await database.close()


async def until(true: Callable[[], Awaitable[object]], patience: float, what: str, *, every: float = 0.1) -> None:
    """Looks every so many seconds. Raises TimeoutError, saying what it waited for."""
    deadline = time.monotonic() + patience
    while not await true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {patience:.0f} s")
        await asyncio.sleep(every)
