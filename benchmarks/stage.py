"""The sandbox's systems, the hub with a real worker and a real doorbell, and the people who act on the systems."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from tieout.app import Hub, calendar_of, open_hub, web
from tieout.domain.identity import Ref, business_key
from tieout.engine.rounds import caught_up
from tieout.folder.connections import resolve
from tieout.sandbox.story.desks import SalesDesk, WorkDesk
from tieout.settings import Settings

from .ground import Ground, until
from .recording import Recorder, make_floor

SELLER, LEAD, CONSULTANT = (
    "margaret.osei@kestrel.example",
    "david.lindqvist@kestrel.example",
    "tomas.herrera@kestrel.example",
)
_START = 900


@dataclass(frozen=True, slots=True)
class Systems:
    """The sandbox in its own process."""

    process: asyncio.subprocess.Process
    description: dict[str, Any]

    async def jump(self, day: date) -> None:
        """The story's clock goes on to the morning of a day."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{day}\n".encode())
        await self.process.stdout.readline()


@asynccontextmanager
async def systems(folder: Path, *bell: str) -> AsyncGenerator[Systems, None]:
    """`bell` is the address where the CRM rings, and its token; without it, it rings nowhere."""
    with (folder / "systems.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.systems", str(folder / "systems"), *bell,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log, limit=2**22,
        )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _START)
        if not line:
            raise RuntimeError((folder / "systems.log").read_text()[-3000:])
        yield Systems(process, json.loads(line))
    finally:
        process.stdin.close()
        await process.wait()


@dataclass(slots=True)
class Stage:
    """Everything that runs. Deals get numbers, so that each has a customer of its own."""

    ground: Ground
    systems: Systems
    hub: Hub
    recorder: Recorder
    held: AsyncExitStack
    deals: int = 0

    async def seller(self) -> SalesDesk:
        system = self.systems.description["systems"]["salesforce"]
        (person,) = [each for each in system["people"] if each["login"] == SELLER]
        app = system["people_app"]["client_id"], system["people_app"]["client_secret"]
        return SalesDesk(
            await self._http(system["url"]), _no_tick, app=app, username=SELLER, password=person["password"]
        )

    async def desk(self, login: str) -> WorkDesk:
        system = self.systems.description["systems"]["kantata"]
        (person,) = [each for each in system["people"] if each["login"] == login]
        return WorkDesk(await self._http(system["url"]), _no_tick, token=person["token"])

    async def deal(self, seller: SalesDesk) -> str:
        """An opportunity in negotiation with all that a kickoff needs; its id."""
        self.deals += 1
        account = await seller.create(
            "Account",
            {
                "Name": f"Client {self.deals} Inc.", "BillingStreet": "1 Main Street", "BillingCity": "Boston",
                "BillingPostalCode": "02101", "BillingCountry": "US", "Tax_Id__c": f"12-{self.deals:07}",
                "Tax_Id_Type__c": "us_ein", "Payment_Terms__c": "Net 30", "CurrencyIsoCode": "USD",
            },
        )  # fmt: skip
        return await seller.create(
            "Opportunity",
            {
                "Name": f"Deal {self.deals}", "AccountId": account, "StageName": "Negotiation/Review",
                "CloseDate": "2026-10-01", "CurrencyIsoCode": "USD", "Legal_Entity__c": "US", "Practice__c": "Data & AI",
                "Service_Package__c": "DATA-FOUNDATION", "Expected_Start_Date__c": "2026-10-01",
                "Expected_End_Date__c": "2027-01-29", "Payment_Terms__c": "Net 30", "Amount": 98000,
                "Project_Manager_Email__c": LEAD,
            },
        )  # fmt: skip

    async def win(self, seller: SalesDesk, deal: str) -> float:
        """Wins the deal and waits until sales is told that its project is ready; the moment of winning."""
        won = time.time()
        await seller.change("Opportunity", deal, {"StageName": "Closed Won"})
        await until(lambda: self.kickoff_run(deal), 60, f"the project of {deal}")
        return won

    async def kickoff_run(self, deal: str) -> dict[str, Any] | None:
        """The run that set the deal's project up, once it is over."""
        found = await self.rows(
            "select * from run where flow = 'opportunity_to_project' and subject = %s and state = 'done' limit 1",
            f"salesforce/opportunity/{deal}",
        )
        return found[0] if found else None

    async def quiet(self, patience: float = 60) -> None:
        """Until the hub has nothing left to do."""
        await until(lambda: caught_up(self.ground.database), patience, "the hub is still busy")

    async def rows(self, sql: Any, *values: Any) -> list[dict[str, Any]]:
        async with self.ground.database.transaction() as tx:
            return list(await (await tx.execute(sql, values)).fetchall())

    async def _http(self, url: str) -> httpx2.AsyncClient:
        return await self.held.enter_async_context(httpx2.AsyncClient(base_url=url, timeout=60, trust_env=False))


def listening() -> socket.socket:
    """A free port. With the protocol named, asyncio sends small answers at once instead of waiting 40 ms for more."""
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.bind(("127.0.0.1", 0))
    door.listen(128)
    return door


@asynccontextmanager
async def stage(ground: Ground, *, sweep_every: float) -> AsyncGenerator[Stage, None]:
    """The hub works in this process, the systems in another one; the CRM rings at the hub's door."""
    token, door = secrets.token_urlsafe(18), listening()
    port, recorder = door.getsockname()[1], Recorder()
    async with AsyncExitStack() as held:
        held.callback(door.close)
        started = await held.enter_async_context(
            systems(ground.folder, f"http://127.0.0.1:{port}/hooks/salesforce/{token}", token)
        )
        await make_floor(ground.database)
        configs = resolve(ground.firm, started.description["environment"])
        hub = await held.enter_async_context(
            open_hub(
                ground.url, configs, transports={name: recorder.transport(name) for name in configs},
                calendar=calendar_of(Path(started.description["calendar"])), every=timedelta(seconds=sweep_every),
            )
        )  # fmt: skip
        server = uvicorn.Server(
            uvicorn.Config(web(hub, configs, Settings(home=ground.folder)), log_level="warning", access_log=False)
        )
        answering = asyncio.create_task(server.serve(sockets=[door]))
        held.push_async_callback(_end, server, answering)
        await held.enter_async_context(hub.working())
        yield Stage(ground, started, hub, recorder, held)


async def _end(server: uvicorn.Server, answering: asyncio.Task[None]) -> None:
    server.should_exit = True
    await answering


def project_key(deal: str) -> str:
    return business_key("PRJ", Ref("salesforce", "opportunity", deal))


def engagement_key(deal: str) -> str:
    return business_key("ENG", Ref("salesforce", "opportunity", deal))


def _no_tick() -> None:
    """The systems' clock goes by itself."""
