"""The machine that the figures come from, so that nobody compares them with those of another one."""

from __future__ import annotations

import os
import platform
import timeit
from pathlib import Path
from typing import Any

from tieout.store.database import Database, row


def machine() -> dict[str, Any]:
    """Cores, processor, memory, system and Python, and how fast Python is there."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gb": round(pages * size / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()} that adds ten million numbers in {_addition()} s",
    }


async def postgres_of(database: Database) -> str:
    """The server's version and the settings that decide what a commit costs."""
    async with database.transaction() as tx:
        found = await row(
            tx,
            """
            select current_setting('server_version') as version, current_setting('fsync') as fsync,
              current_setting('synchronous_commit') as commit, current_setting('shared_buffers') as buffers
            """,
        )
    assert found is not None
    return (
        f"PostgreSQL {found['version'].split()[0]}, embedded, fsync {found['fsync']}, "
        f"synchronous_commit {found['commit']}, shared_buffers {found['buffers']}"
    )


def _addition() -> float:
    """The best of three: of two machines with cores of one name one may be four times as fast."""
    return float(f"{min(timeit.repeat('for n in range(10_000_000): total += n', 'total = 0', repeat=3, number=1)):.1g}")


def _processor() -> str:
    told = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
