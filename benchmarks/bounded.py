"""Processes that may use a part of a core each and no more: what one of them adds where the machine is not the limit already."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
# Microseconds in which a process may use its part.
_PERIOD = 20_000


@contextmanager
def bounded(pid: int, percent: int) -> Generator[None]:
    """A control group of its own for a process, which must have ended when the block ends. Needs root, and either version of
    control groups. Raises OSError otherwise."""
    first_version = (_GROUPS / "cpu").is_dir()
    group = (_GROUPS / "cpu" if first_version else _GROUPS) / f"tieout-{pid}"
    group.mkdir()
    try:
        quota = _PERIOD * percent // 100
        if first_version:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD}")
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        group.rmdir()
