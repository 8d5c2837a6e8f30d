"""The firm in a box: every system on its port, the people at their desks, the clock, and the control server beside them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import httpx2
from starlette.types import ASGIApp

from tieout.connectors.kantata.emulator import FAULT_BODIES as KANTATA_FAULTS
from tieout.connectors.salesforce.emulator import FAULT_BODIES as SALESFORCE_FAULTS
from tieout.sandbox import firm as description_file
from tieout.sandbox.clock import StoryClock
from tieout.sandbox.control import Control
from tieout.sandbox.credentials import Credentials
from tieout.sandbox.crm import Crm, furnish
from tieout.sandbox.description import environment, erp_connection, systems
from tieout.sandbox.faults import Faults
from tieout.sandbox.folder import StateFolder
from tieout.sandbox.ledgers import Ledgers, ledgers
from tieout.sandbox.options import Bell, Options
from tieout.sandbox.psa import Psa
from tieout.sandbox.relay import Relay
from tieout.sandbox.serving import Ports, served, url_of
from tieout.sandbox.story.books import Auditor
from tieout.sandbox.story.cast import Office, cast
from tieout.sandbox.story.deals import EVE
from tieout.sandbox.story.play import Story

_MORNING = time(6)
_TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class Box:
    """A sandbox that runs."""

    story: Story
    auditor: Auditor
    description: Mapping[str, Any]

    async def books(self) -> Mapping[str, Any]:
        return await self.auditor.books()


@asynccontextmanager
async def opened(options: Options) -> AsyncGenerator[Box]:
    """While inside, everything answers. Raises FolderTaken, SandboxFailure, or OSError for a port that is taken."""
    firm = description_file.load()
    async with AsyncExitStack() as held:
        folder = held.enter_context(StateFolder(options.state).held(fresh=options.fresh))
        start = datetime.combine(EVE, _MORNING, tzinfo=UTC)
        clock = StoryClock(start, state=folder.clock, calendar=options.calendar or folder.calendar)
        credentials = Credentials(options.seed)
        outbound = await held.enter_async_context(httpx2.AsyncClient(timeout=_TIMEOUT, trust_env=False))
        crm = Crm(firm, credentials, clock, state=folder.salesforce, outbound=outbound, seed=options.seed)
        held.callback(crm.org.close)
        psa = Psa(firm, credentials, clock, state=folder.kantata, seed=options.seed)
        held.callback(psa.account.close)
        options.progress("starting the ERP" if options.erp else "starting without the ERP")
        erp = await held.enter_async_context(ledgers(options, folder, firm))
        box = _Assembly(options, folder, clock, crm, psa, erp)
        yield await box.assemble(held)


class _Assembly:
    """What belongs together while a box is put together."""

    def __init__(
        self, options: Options, folder: StateFolder, clock: StoryClock, crm: Crm, psa: Psa, erp: Ledgers
    ) -> None:
        self._options = options
        self._folder = folder
        self._clock = clock
        self._crm = crm
        self._psa = psa
        self._erp = erp
        self._described: dict[str, Any] = {}

    async def assemble(self, held: AsyncExitStack) -> Box:
        story, auditor = cast(
            self._crm, self._psa, await self._office(held), self._clock,
            seed=self._options.seed, journal=self._folder.journal, played=self._folder.played,
        )  # fmt: skip
        control = Control(story, lambda: self._described, auditor.books)
        await self._serve(held, control)
        held.push_async_callback(control.close)
        self._options.progress("the firm takes up its work")
        await story.raise_curtain()
        if self._options.day is not None:
            await story.advance(self._options.day)
        return Box(story, auditor, self._described)

    async def _office(self, held: AsyncExitStack) -> Office:
        """People come in by doors of their own: a fault on the hub's line is no fault in the office."""
        crm_app, psa_app = self._crm.org.asgi(), self._psa.account.asgi()
        ports = Ports(None, {})
        doors = {"salesforce": ports.open("salesforce"), "kantata": ports.open("kantata")}
        apps: dict[str, ASGIApp] = {"salesforce": crm_app, "kantata": psa_app}
        await held.enter_async_context(served({name: (doors[name], app) for name, app in apps.items()}, lifespan="off"))
        clients = {
            name: await held.enter_async_context(
                httpx2.AsyncClient(base_url=url_of(door), timeout=_TIMEOUT, trust_env=False)
            )
            for name, door in doors.items()
        }
        await furnish(self._crm, clients["salesforce"])
        await _hang_bell(clients["salesforce"], self._options.bell)
        return Office(clients["salesforce"], clients["kantata"], self._erp.clerks, self._erp.readers)

    async def _serve(self, held: AsyncExitStack, control: Control) -> None:
        ports = Ports(self._options.port_base, self._folder.remembered_ports())
        seed = self._options.seed
        apps: dict[str, ASGIApp] = {
            "control": control.asgi(),
            "salesforce": Faults(self._crm.org.asgi(), seed, SALESFORCE_FAULTS),
            "kantata": Faults(self._psa.account.asgi(), seed, KANTATA_FAULTS),
        }
        for entity, line in self._erp.lines.items():
            apps[erp_connection(entity)] = Faults(Relay(line), seed)
        doors = {name: ports.open(name) for name in apps}
        urls = {name: url_of(door) for name, door in doors.items()}
        self._crm.org.public_url, self._psa.account.public_url = urls["salesforce"], urls["kantata"]
        self._folder.remember_ports({name: door.getsockname()[1] for name, door in doors.items()} | self._erp_port())
        self._described = self._describe(urls)
        await held.enter_async_context(served({name: (doors[name], app) for name, app in apps.items()}))

    def _erp_port(self) -> dict[str, int]:
        server = self._erp.server
        return {"erp": httpx2.URL(server.url).port or 0} if server is not None else {}

    def _describe(self, urls: Mapping[str, str]) -> dict[str, Any]:
        span = self._crm.firm.story
        described = systems(self._crm, self._psa, self._erp, urls, self._options.bell)
        return {
            "firm": self._crm.firm.name,
            "control": urls["control"],
            "state": str(self._folder.root.resolve()),
            "calendar": str((self._options.calendar or self._folder.calendar).resolve()),
            "story": {"first_day": span.first_day.isoformat(), "last_day": span.last_day.isoformat()},
            "systems": described,
            "environment": environment(described),
            "erp": self._erp.server.url if self._erp.server is not None else None,
        }


async def _hang_bell(http: httpx2.AsyncClient, bell: Bell | None) -> None:
    """The org rings where it was told this time, and nowhere else."""
    address = "/_sandbox/outbound-messages"
    for message in (await http.get(address)).json()["messages"]:
        await http.delete(f"{address}/{message['id']}")
    if bell is None:
        return
    for name, fields in (("Opportunity", ["Id"]), ("OpportunityLineItem", ["Id", "OpportunityId"])):
        answer = await http.post(address, json={"object": name, "fields": fields, "url": bell.url})
        answer.raise_for_status()


def default_cache() -> Path:
    """Where the prepared ERP is kept when nobody says: in the user's cache, for every sandbox of this user."""
    return Path.home() / ".cache" / "tieout"
