"""W3 by several worker processes on one database; one of them may be killed in the middle."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from tieout.cli.stopping import until_stopped
from tieout.connectors.contract import AlreadyThere, Connector, Guarantee, Receipt, Write
from tieout.domain.firm import Firm
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.rounds import caught_up
from tieout.engine.worker import Worker
from tieout.flows.catalogue import FLOWS
from tieout.flows.opportunity_to_project import opportunity_to_project
from tieout.folder.loading import load
from tieout.store.database import Database, row
from tieout.systems.systems import systems_for
from tieout.testing.null_erp import NullErp

from .crowd import working
from .ground import KESTREL, Ground, ground, now, until
from .measuring import Figure, Watch
from .null_systems import NullCrm, NullPsa

_PATIENCE = 600
_TODAY = date(2026, 10, 5)


class Shared:
    """A null system of several processes, which survives any of them: it makes each thing once, and finds what it made.

    `books` is a folder: a file for each thing made, and a line for each call.
    """

    def __init__(self, system: Any, books: Path) -> None:
        self._system = system
        self._books = books
        self._calls = os.open(books / "calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._system, name)

    async def send(self, operation: str, request: bytes) -> Receipt:
        os.write(self._calls, f"{self._system.name} {operation}\n".encode())
        told, mine = await self._system.send(operation, request), f"{os.getpid()}-"
        receipt = Receipt(mine + told.id, parts={key: mine + each for key, each in told.parts.items()})
        if self._system.operation(operation).guarantee is not Guarantee.UNIQUE:
            return receipt
        whole = self._books / f"whole-{os.getpid()}-{told.id}"
        whole.write_text(json.dumps({"id": receipt.id, "parts": dict(receipt.parts)}))
        try:
            os.link(whole, self._made(operation, request))
        except FileExistsError:
            raise AlreadyThere(f"{operation}: there is one already") from None
        finally:
            whole.unlink()
        return receipt

    async def find(self, write: Write) -> Receipt | None:
        made = self._made(write.operation, await self._system.prepare(write))
        return Receipt(**json.loads(made.read_text())) if made.exists() else None

    def _made(self, operation: str, request: bytes) -> Path:
        return self._books / f"{self._system.name}.{operation}.{sha256(request).hexdigest()}"


def _systems(books: Path) -> dict[str, Connector]:
    systems = (NullCrm("salesforce"), NullPsa("kantata"), NullErp("erp-us", []), NullErp("erp-de", []))
    return {each.name: cast(Connector, Shared(each, books)) for each in systems}


async def measure(deals: int, workers: int, killed: int = 0) -> list[Figure]:
    """With `killed`, so many of the workers end by SIGKILL when half of the deals are through."""
    async with ground() as on:
        books = on.folder / "books"
        books.mkdir()
        crm = NullCrm("salesforce")
        intake = Intake(on.database, now, [Feed(crm, "opportunity", opportunity_to_project)])
        async with working(workers, "benchmarks.fleet", on.url, str(books)) as fleet:
            pids = {f"worker {number}": each.pid for number, each in enumerate(fleet, 1)}
            watch = Watch(intake=os.getpid(), postgres=on.postgres, **pids)
            crm.won = deals
            await intake.sweep(intake.feeds[0])
            if killed:
                await until(lambda: _through(on, deals // 2), _PATIENCE, "half of the deals", every=0.02)
                for each in fleet[:killed]:
                    os.kill(each.pid, signal.SIGKILL)
            began = time.perf_counter()
            await until(lambda: caught_up(on.database), _PATIENCE, f"{deals} projects")
            seconds, after = watch.wall, time.perf_counter() - began
            cpu = {} if killed else watch.each(deals)
        again = await _prove(on, books, deals, killed)
    one = {"hub": sum(cpu.values()) - cpu["postgres"], "postgres": cpu["postgres"]} if cpu else {}
    detail = {"seconds": seconds, **({"sent again": again, "seconds after the kill": after} if killed else {})}
    ends = f", {killed} killed in the middle" if killed else ""
    return [
        Figure(f"{deals:,} won deals by {workers} workers{ends}", deals / seconds, "deals/s", cpu=one, detail=detail)
    ]


async def _through(on: Ground, count: int) -> bool:
    async with on.database.statement() as tx:
        found = await row(tx, "select count(*) >= %s as so from run where state = 'done'", (count,))
    return found is not None and found["so"]


async def _prove(on: Ground, books: Path, deals: int, killed: int) -> int:
    """Every deal has its project, of each there is one in every system; how many calls were made a second time."""
    async with on.database.transaction() as tx:
        found = await row(
            tx,
            """
            select (select count(*) from run where flow = 'opportunity_to_project' and state = 'done') as done,
                   (select count(*) from project where state = 'active') as projects,
                   (select count(*) from effect where state <> 'done') as undone,
                   (select count(*) from effect) as effects,
                   (select coalesce(sum(abs(missing)), 0)::integer from conservation) as missing
            """,
        )
    assert found is not None
    effects = found.pop("effects")
    assert found == {"done": deals, "projects": deals, "undone": 0, "missing": 0}, found
    made, calls = _told(books)
    assert set(made.values()) == {deals}, made
    again = calls - effects
    assert again == 0 or (killed and again > 0), f"{again} calls too many"
    return again


def _told(books: Path) -> tuple[Counter[str], int]:
    """How many of each kind were made, and how many calls there were."""
    made = Counter(each.name.rpartition(".")[0] for each in books.iterdir() if each.name.count(".") > 1)
    return made, len((books / "calls").read_text().splitlines())


async def main(url: str, books: str, name: str) -> None:
    """One worker."""
    database, firm = Database(url), load(KESTREL)
    await database.open()

    def in_force() -> Firm:
        return firm

    executor = Executor(database, now, lambda: _TODAY, FLOWS, systems_for(_systems(Path(books)), now), in_force, name)
    async with Worker(database, now, executor, name).running():
        sys.stdout.write("working\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(until_stopped(main(*sys.argv[1:]), leash=True))
