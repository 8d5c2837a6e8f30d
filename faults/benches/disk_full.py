"""The disk fills up: the doorbells say no before it is full, nothing acknowledged is lost, deleted ballast lets work go on."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from faults.bench import Bench, Budget, Outcome, Progress
from faults.door import Sender, environment, founded, serving
from faults.volume import Volume, volume, why_not
from tieout.store.database import rows
from tieout.store.embedded import embedded_postgres
from tieout.testing.database import opened

_DISK, _BALLAST, _STEP = 640, 96, 4
_RINGS, _TIMES, _PATIENCE = 40, 5, 60.0


@dataclass(slots=True)
class Neighbour:
    """Something else that writes to the same disk."""

    file: Path

    def grow(self, megabytes: float) -> None:
        """As far as there is room."""
        with self.file.open("ab", buffering=0) as file:
            try:
                for _ in range(int(megabytes * 16)):
                    file.write(b"\0" * 2**16)
            except OSError:
                return


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    reason = why_not()
    if reason:
        return Outcome(skipped=reason)
    outcome, times = Outcome(), budget.goal(_TIMES)
    outcome.saboteurs["the hub looks at another disk than its database's"] = await _unguarded(outcome)
    for number in range(times):
        if budget.over:
            outcome.cut_short = f"{number} of {times} full disks"
            break
        await _guarded(outcome)
        progress(number + 1, times, f"writes went on after {outcome.measures['until writes go on'][0]:.1f} s")
    return outcome


async def _guarded(outcome: Outcome) -> None:
    """The private database in the hub's home on a small disk, as `tieout serve` keeps it."""
    with tempfile.TemporaryDirectory(prefix="tieout-full-") as name, _small_disk(Path(name)) as disk:
        home, neighbour = disk.path / "home", Neighbour(disk.path / "neighbour")
        told = environment(home, TIEOUT_BALLAST_MB=str(_BALLAST))
        with embedded_postgres(home / "postgres") as url:
            await founded(told)
            async with serving(told, Path(name) / "hub.log") as address:
                sender = Sender(address)
                free = await _fill(sender, disk, neighbour)
                outcome.measures["free when the doorbells said no"] = (free / 2**20, "MB")
                neighbour.grow(_DISK)
                said = await sender.ring(_RINGS)
                neighbour.grow(_DISK)
                outcome.real += 1
                if sender.answers.keys() - {200, 507, 429} or said.keys() != {507}:
                    outcome.lost += 1
                    outcome.evidence.append(
                        f"answers before the disk was full: {dict(sender.answers)}, after: {dict(said)}"
                    )
                (home / "ballast").unlink()
                outcome.measures["until writes go on"] = (await _goes_on(sender), "s")
            await _count(outcome, sender, url)
            outcome.measures["messages acknowledged"] = (len(sender.acknowledged), "")


async def _unguarded(outcome: Outcome) -> bool:
    """The same with a hub whose home is elsewhere: it meets the full disk itself, and still nothing acknowledged is lost."""
    with tempfile.TemporaryDirectory(prefix="tieout-full-") as name, _small_disk(Path(name)) as disk:
        neighbour = Neighbour(disk.path / "neighbour")
        with embedded_postgres(disk.path / "postgres") as url:
            told = environment(Path(name) / "home", url)
            await founded(told)
            async with serving(told, Path(name) / "hub.log") as address:
                sender = Sender(address)
                said = await _until_it_hurts(sender, neighbour)
                outcome.real += 1
                neighbour.file.unlink()
                outcome.measures["until writes go on, the database itself having met the full disk"] = (
                    await _goes_on(sender), "s",
                )  # fmt: skip
            await _count(outcome, sender, url)
    return 507 not in said and bool(said.keys() & {0, 500, 503})


async def _fill(sender: Sender, disk: Volume, neighbour: Neighbour) -> int:
    """The neighbour grows while rings come, until the first is refused; what was free then."""
    while True:
        told = await sender.ring(_RINGS)
        if told.keys() & {507, 503, 500, 0} or disk.free < _STEP * 2**20:
            return disk.free
        neighbour.grow(_STEP)


async def _until_it_hurts(sender: Sender, neighbour: Neighbour) -> Mapping[int, int]:
    """Whatever room the database gives back is taken at once, until rings are no longer acknowledged."""
    began = time.monotonic()
    while True:
        neighbour.grow(_DISK)
        told = await sender.ring(_RINGS)
        if told.keys() != {200} or time.monotonic() - began > _PATIENCE:
            return told


async def _goes_on(sender: Sender) -> float:
    """Seconds until everything is acknowledged again. Raises TimeoutError."""
    began = time.monotonic()
    while (await sender.ring(_RINGS)).keys() != {200}:
        if time.monotonic() - began > _PATIENCE:
            raise TimeoutError(f"nothing is acknowledged {_PATIENCE:.0f} s after there was room again")
        await asyncio.sleep(0.2)
    return time.monotonic() - began


async def _count(outcome: Outcome, sender: Sender, url: str) -> None:
    async with opened(url) as database, database.transaction() as tx:
        there = {each["record_id"] for each in await rows(tx, "select record_id from bell")}
    missing = sorted(sender.acknowledged - there)
    outcome.lost += len(missing)
    outcome.evidence += missing[:10]


def _small_disk(folder: Path) -> AbstractContextManager[Volume]:
    folder.chmod(0o755)
    return volume(folder, _DISK)


BENCH = Bench(
    name="disk-full",
    title="A disk that fills up costs answers, never messages, and deleting the ballast lets work go on.",
    proves=("F12",),
    about=(
        f"`tieout serve` with its private database and {_BALLAST} MB of ballast on an ext4 disk of {_DISK} MB, on which "
        "something else grows until not a byte is free, while Outbound Messages ring. The doorbells must answer 507 before "
        "the database meets the full disk, never anything else; after the ballast is deleted, and nothing else is done, "
        "rings are acknowledged again; and everything that was acknowledged is there. The saboteur is a hub that looks at "
        "another disk than its database's: it gives no 507, its database meets the full disk; not even then is anything lost."
    ),
    minutes=2,
    alone=True,
    run=run,
)
