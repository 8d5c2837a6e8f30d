"""The real ERP as a part of the sandbox: started beside the emulators, with a line of its own for each legal entity."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx2

from tieout.connectors.tryton.client import TrytonClient
from tieout.sandbox.firm import KestrelFirm
from tieout.sandbox.folder import StateFolder
from tieout.sandbox.options import Options
from tieout.sandbox.tryton.clerk import FinanceClerk
from tieout.sandbox.tryton.server import TrytonServer
from tieout.sandbox.tryton.template import Template, build

_TIMEOUT = 120


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The running ERP; without one there is no server, and nobody has a desk."""

    server: TrytonServer | None
    clerks: Mapping[str, FinanceClerk]
    readers: Mapping[str, TrytonClient]
    # One HTTP client per entity, for the relays.
    lines: Mapping[str, httpx2.AsyncClient]
    # Where the ERP's own web client is, if it was given one.
    web_url: str = ""


@asynccontextmanager
async def ledgers(options: Options, folder: StateFolder, firm: KestrelFirm) -> AsyncGenerator[Ledgers]:
    """While inside, the ERP runs. Building it the first time takes about a minute. Raises SandboxFailure."""
    if not options.erp:
        yield Ledgers(None, {}, {}, {})
        return
    cache = options.erp_cache or folder.root / "erp-cache"
    template = await asyncio.to_thread(build, cache, options.progress)
    server = await asyncio.to_thread(_started, template, options, folder, firm)
    try:
        async with AsyncExitStack() as desks:
            yield await _opened(server, options, firm, desks)
    finally:
        await asyncio.to_thread(server.stop)


def _started(template: Template, options: Options, folder: StateFolder, firm: KestrelFirm) -> TrytonServer:
    """On the port behind those of the row, or on the one it had before if that is still free."""
    ports = [folder.remembered_ports().get("erp", 0), 0]
    if options.port_base is not None:
        ports = [options.port_base + 3 + len(firm.entities)]
    for port in ports:
        server = TrytonServer(template, folder.erp, port=port, web=options.erp_web, progress=options.progress)
        try:
            server.start()
        except OSError:
            if port == ports[-1]:
                raise
        else:
            return server
    raise AssertionError("the last port is tried or raises")


async def _opened(server: TrytonServer, options: Options, firm: KestrelFirm, desks: AsyncExitStack) -> Ledgers:
    clerks: dict[str, FinanceClerk] = {}
    readers: dict[str, TrytonClient] = {}
    lines: dict[str, httpx2.AsyncClient] = {}
    for entity in firm.entities:
        login = server.tenancy.clerk(entity.code)
        clerks[entity.code] = FinanceClerk.at(server.url, login)
        desks.push_async_callback(clerks[entity.code].close)
        reader = TrytonClient.at(server.url, database=server.database, user=login.user, password=login.password)
        readers[entity.code] = reader
        desks.push_async_callback(reader.close)
        line = httpx2.AsyncClient(base_url=server.url, timeout=_TIMEOUT, trust_env=False)
        lines[entity.code] = await desks.enter_async_context(line)
    return Ledgers(server, clerks, readers, lines, web_url=server.url if options.erp_web else "")
