"""The power goes while four writers bring messages in: what was acknowledged is there when it comes back."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg
from psycopg_pool import PoolTimeout

from faults import writers
from faults.bench import Bench, Budget, Outcome, Progress
from faults.volume import Volume, volume, why_not
from tieout.store.database import migrate
from tieout.store.embedded import embedded_postgres
from tieout.testing.database import opened

_CUTS, _WRITERS, _MEGABYTES = 50, 4, 4096
_SABOTEUR_CUTS = 5
# Settings of the server that lose acknowledged messages; the hub's self-check refuses both.
_SABOTEURS = ("synchronous_commit = off", "fsync = off")


@dataclass(slots=True)
class Walk:
    """What one disk went through."""

    acknowledged: set[str] = field(default_factory=set[str])
    lost: set[str] = field(default_factory=set[str])
    broken: int = 0
    cuts: int = 0
    recoveries: list[float] = field(default_factory=list[float])


def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    reason = why_not()
    if reason:
        return Outcome(skipped=reason)
    outcome, cuts, chance = Outcome(), budget.goal(_CUTS), random.Random(seed)  # noqa: S311 - not a secret
    for setting in _SABOTEURS:
        walk = _walk(_SABOTEUR_CUTS, chance, [setting], budget, enough=True)
        outcome.real += walk.cuts
        outcome.saboteurs[setting] = bool(walk.lost)
        progress(0, cuts, f"{setting}: {len(walk.lost):,} of {len(walk.acknowledged):,} lost")
    walk = _walk(cuts, chance, [], budget, progress=progress)
    outcome.real += walk.cuts
    outcome.lost = len(walk.lost) + walk.broken
    outcome.evidence = sorted(walk.lost)[:20]
    if walk.cuts < cuts:
        outcome.cut_short = f"{walk.cuts} of {cuts} power cuts"
    outcome.measures = {
        "power cuts with full durability": (walk.cuts, ""),
        "messages acknowledged": (len(walk.acknowledged), ""),
        "of these lost": (len(walk.lost), ""),
        "slowest start with recovery": (max(walk.recoveries, default=0.0), "s"),
    }
    return outcome


def _walk(
    cuts: int,
    chance: random.Random,
    settings: Iterable[str],
    budget: Budget,
    *,
    enough: bool = False,
    progress: Progress | None = None,
) -> Walk:
    """Lives on one disk, each ended by a power cut; ends early when the time is over or, with `enough`, when anything was lost."""
    walk = Walk()
    with tempfile.TemporaryDirectory(prefix="tieout-power-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with volume(folder, _MEGABYTES) as disk:
            home = disk.path / "postgres"
            _configure(home, settings)
            while walk.cuts < cuts and not budget.over and not (enough and walk.lost):
                _life(disk, home, walk, chance.uniform(0.5, 2.5))
                if progress is not None:
                    progress(walk.cuts, cuts, f"{len(walk.acknowledged):,} acknowledged, {len(walk.lost):,} lost")
            _last_look(home, walk)
    return walk


def _configure(home: Path, settings: Iterable[str]) -> None:
    """Makes the database with settings that keep it, and gives it the others once it is on the disk."""
    with embedded_postgres(home) as url:
        migrate(url)
    with (home / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{each}\n" for each in settings)
        file.flush()
        os.fsync(file.fileno())


def _life(disk: Volume, home: Path, walk: Walk, seconds: float) -> None:
    """Starts on the disk, looks at what is there from earlier lives, writes, and loses the power."""
    command = [sys.executable, "-W", "ignore", "-m", "faults.writers", str(home), str(walk.cuts), str(_WRITERS)]
    with subprocess.Popen(command, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        said = b""
        try:
            told: dict[str, Any] = json.loads(child.stdout.readline() or "{}")
            if told:
                walk.recoveries.append(told["recovered"])
                _compare(walk, told["url"])
                said = _acknowledged(child.stdout, seconds)
            disk.cut()
            _kill(child, told.get("pid"))
        finally:
            child.kill()
        said += child.stdout.read()
    if told:
        walk.acknowledged.update(each for line in said.split(b"\n")[:-1] for each in json.loads(line))
    else:  # not even the server starts
        walk.lost |= walk.acknowledged
    walk.cuts += 1
    disk.restore()


def _last_look(home: Path, walk: Walk) -> None:
    """After the last power cut nobody starts again to look."""
    try:
        with embedded_postgres(home) as url:
            _compare(walk, url)
    except subprocess.SubprocessError:
        walk.lost |= walk.acknowledged


def _acknowledged(out: IO[bytes], seconds: float) -> bytes:
    """Listens for a while to what is acknowledged."""
    said, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline:
        said += out.read(2**20)
    return said


def _kill(child: subprocess.Popen[bytes], postmaster: int | None) -> None:
    """A machine without power runs nothing."""
    child.kill()
    if postmaster is None:
        return
    with suppress(psutil.NoSuchProcess):
        server = psutil.Process(postmaster)
        for each in (server, *server.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                each.kill()


def _compare(walk: Walk, url: str) -> None:
    """Everything that was ever acknowledged is there, the law holds, and no cursor is ahead of its page."""
    try:
        there, cursors, broken = asyncio.run(_stored(url))
    except (psycopg.Error, PoolTimeout):  # a server that has forgotten its tables
        there, cursors, broken = set[str](), dict[str, str](), 0
    walk.lost |= walk.acknowledged - there
    walk.broken += broken + sum(value not in there for value in cursors.values())


async def _stored(url: str) -> tuple[set[str], dict[str, str], int]:
    async with opened(url) as database:
        return await writers.stored(database)


BENCH = Bench(
    name="power-cut",
    title="Nothing that was acknowledged is lost in a power cut.",
    proves=("F2",),
    about=(
        "An embedded Postgres with the product's own settings on an ext4 disk of its own. Four writers bring rings (through "
        "the belfry's group commit) and pages with their cursor (through intake's own statements) in, and say each id "
        "outside the disk once it is acknowledged. Then the disk loses its power (`EXT4_IOC_SHUTDOWN` without flushing the "
        "journal), every process is killed, the disk is mounted again, the server recovers, and everything that was ever "
        "acknowledged must be there, no cursor ahead of its page, and the conservation law at zero."
    ),
    minutes=6,
    run=run,
)
