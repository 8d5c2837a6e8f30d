"""The machine that the figures come from, so that nobody compares them with those of another one."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

from tieout.store.database import Database, row


def machine() -> dict[str, Any]:
    """Cores, processor, memory, system, Python, and how busy it was when the run began."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gb": round(pages * size / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
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


def _processor() -> str:
    told = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
