"""Everything that a demo starts, in its order, and stops in the other one: database, sandbox, hub."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tieout.cli.demo import hub as hubs
from tieout.cli.demo.box import Box
from tieout.cli.demo.catching_up import CatchingUp, feeds_of
from tieout.cli.demo.children import Child
from tieout.cli.demo.hub import Bell, HubProcess
from tieout.cli.demo.lock import alone
from tieout.cli.demo.options import Options
from tieout.cli.demo.voice import Voice
from tieout.cli.desk import Desk, desk_on
from tieout.domain.firm import Firm

_DATABASE_START = 60
# The first start installs and builds the ERP.
_SANDBOX_START = 900


@dataclass(frozen=True, slots=True)
class Stage:
    """What the play plays on. `hub` runs; `catch_up` waits until it has seen and done everything."""

    folder: Path
    desk: Desk
    firm: Firm
    box: Box
    hub: HubProcess
    catch_up: CatchingUp


@asynccontextmanager
async def set_up(options: Options, voice: Voice) -> AsyncGenerator[Stage]:
    """While inside, everything runs. Raises Stop when something does not start."""
    async with AsyncExitStack() as held:
        folder = held.enter_context(alone(options.home, fresh=options.fresh)).resolve()
        port = _free_port(options.port)
        sandbox = _sandbox(options, folder, hubs.bell(port, folder))
        held.push_async_callback(sandbox.stop)
        async with asyncio.TaskGroup() as starting:
            arriving = starting.create_task(_arrived(sandbox, folder, voice))
            desk, firm = await _desk(held, folder, voice)
        description = arriving.result()
        http = await held.enter_async_context(httpx2.AsyncClient(trust_env=False, timeout=30))
        box = Box(description, http)
        if options.rude_webhooks:
            await box.ring_rudely()
        hub = HubProcess(url=desk.database.url, port=port, home=folder, connections=box.environment)
        held.push_async_callback(hub.child.stop)
        with voice.waiting("starting the hub"):
            await hub.start()
        voice.say(f"the hub and its console answer at {hub.address}")
        yield Stage(folder, desk, firm, box, hub, CatchingUp(desk.database, feeds_of(firm), patience=options.patience))


async def _desk(held: AsyncExitStack, folder: Path, voice: Voice) -> tuple[Desk, Firm]:
    """The database, migrated, with the firm applied and the visitors let in."""
    keeper = Child(
        "the database",
        ["-m", "tieout.cli.demo.keeper", str(folder)],
        environment=dict(os.environ),
        log=folder / "logs" / "database.log",
    )
    held.push_async_callback(keeper.stop)
    with voice.waiting("starting Postgres"):
        url = (await keeper.start(_DATABASE_START))["url"]
    await hubs.prepare(url)
    voice.say("Postgres runs, the schema is up to date")
    desk = await held.enter_async_context(desk_on(url))
    firm = await hubs.apply_firm(desk)
    await hubs.let_in(desk, folder / "visitors.json")
    voice.say(f"{firm.name} is in force: {len(firm.entities)} legal entities, {len(firm.connections)} systems")
    return desk, firm


def _sandbox(options: Options, folder: Path, bell: Bell) -> Child:
    arguments = ["-m", "tieout.cli", "sandbox", "--json", "--leash", "--state", str(folder / "sandbox")]
    arguments += ["--bell", bell.url, "--bell-token", bell.token, "--seed", str(options.seed)]
    arguments += ["--fresh"] if options.fresh else []
    arguments += ["--erp-ui"] if options.erp_ui else []
    return Child("the sandbox", arguments, environment=dict(os.environ), log=folder / "logs" / "sandbox.log")


async def _arrived(sandbox: Child, folder: Path, voice: Voice) -> dict[str, object]:
    """Waits for the systems, and tells what they are busy with: the first time takes a while."""
    telling = asyncio.create_task(_retell(sandbox.log, voice))
    try:
        with voice.waiting("starting the systems: Salesforce, Kantata, Tryton"):
            description = await sandbox.start(_SANDBOX_START)
    finally:
        telling.cancel()
    for name, system in description["systems"].items():
        voice.say(f"{system['title']} answers at {system['url']} ({name})")
    return description


async def _retell(log: Path, voice: Voice) -> None:
    """The sandbox's own progress, as it appears in its log."""
    told = len(_lines(log))
    while True:
        await asyncio.sleep(0.2)
        for each in (lines := _lines(log))[told:]:
            if each.startswith("· "):
                voice.say(each.removeprefix("· "))
        told = len(lines)


def _lines(log: Path) -> list[str]:
    """The whole lines of a log so far."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def _free_port(wanted: int) -> int:
    """The port that was asked for, or another one when it is taken."""
    for port in (wanted, 0):
        with socket.socket() as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind(("127.0.0.1", port))
            except OSError:
                continue
            return door.getsockname()[1]
    return wanted
