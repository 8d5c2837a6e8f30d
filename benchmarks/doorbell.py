"""Webhooks accepted and durable: `tieout serve --role web` in its own process, Outbound Messages over loopback."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

from tieout.store import bells
from tieout.store.bells import Ring
from tieout.store.database import row

from .ground import Ground, ground, now
from .load import Answers, fire, post
from .measuring import Figure, Watch, percentile, spread

# As many as one connection may ring at once before it is told to slow down (api.limits).
RINGS = 2000
CONNECTIONS = 32
_GROUP = 100
_TOKEN = "a-long-secret-at-the-end-of-an-address"  # noqa: S105
_ORG = "00D000000000001EAA"
_SETTINGS = {
    "SALESFORCE_URL": "http://127.0.0.1:9", "SALESFORCE_CLIENT_ID": "app", "SALESFORCE_CLIENT_SECRET": "secret",
    "SALESFORCE_ORGANIZATION_ID": _ORG, "SALESFORCE_DOORBELL_SECRET": _TOKEN, "KANTATA_TOKEN": "token",
    **{
        f"ERP_{entity}_{name}": value
        for entity in ("US", "DE")
        for name, value in {"URL": "http://127.0.0.1:9", "DATABASE": "erp", "USER": "hub", "PASSWORD": "secret"}.items()
    },
}  # fmt: skip
_MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{org}</OrganizationId>
<ActionId>04k000000000001AAA</ActionId><SessionId xsi:nil="true"/>
<EnterpriseUrl>https://kestrel.my.salesforce.com/services/Soap/c/60.0/{org}</EnterpriseUrl>
<PartnerUrl>https://kestrel.my.salesforce.com/services/Soap/u/60.0/{org}</PartnerUrl>
<Notification><Id>04l{number:012}AAA</Id><sObject xsi:type="sf:Opportunity" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
<sf:Id>006{number:012}AAA</sf:Id></sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>"""


async def measure(rings: int = RINGS) -> list[Figure]:
    async with ground() as on:
        connections = {f"TIEOUT_CONNECTION_{name}": value for name, value in _SETTINGS.items()}
        environment = {**os.environ, **connections, "TIEOUT_DATABASE_URL": on.url, "TIEOUT_HOME": str(on.folder)}
        serve = ["-m", "tieout.cli", "serve", "--role", "web", "--port", "0", "--json", "--leash"]
        async with _door(on, serve, environment) as (address, pid):
            url = f"{address}/hooks/salesforce/{_TOKEN}"
            await fire(url, _requests(url, range(rings, rings + 200)), CONNECTIONS)
            await asyncio.sleep(1)  # what the warm-up took from the limit has come back
            watch = Watch(hub=pid, postgres=on.postgres)
            told = await fire(url, _requests(url, range(rings)), CONNECTIONS)
            cpu = watch.each(rings)
            alone = await fire(url, _requests(url, range(2 * rings, 2 * rings + 100)), 1)
        await _prove(on, told, rings)
        async with _door(on, ["-m", "benchmarks.bare_door"], environment) as (address, _):
            await fire(address + "/", _requests(address + "/", range(200)), CONNECTIONS)
            bare = await fire(address + "/", _requests(address + "/", range(rings)), CONNECTIONS)
        stored = await _stored_in_groups(on, rings)
    floor = 1 / (bare.wall / rings + 1 / stored)
    floor_is = (
        f"a bare application of the same web server, and inserts committed in groups of {_GROUP}, one after the other"
    )
    rate = Figure(
        f"webhooks accepted and durable, {rings:,} over {CONNECTIONS} connections", rings / told.wall, "rings/s", floor,
        floor_is, cpu, {"bare application, per second": rings / bare.wall, "grouped inserts, per second": stored},
    )  # fmt: skip
    wait = Figure(
        "the same, p99 until the answer", percentile(told.times, 0.99), "ms", percentile(bare.times, 0.99),
        "the bare application", {}, {**spread(told.times), "alone on one connection, median": percentile(alone.times, 0.5)},
    )  # fmt: skip
    return [rate, wait]


def _requests(url: str, numbers: Sequence[int]) -> list[bytes]:
    return [
        post(url, _MESSAGE.format(org=_ORG, number=number).encode(), "text/xml; charset=utf-8") for number in numbers
    ]


@asynccontextmanager
async def _door(
    on: Ground, arguments: Sequence[str], environment: Mapping[str, str]
) -> AsyncGenerator[tuple[str, int], None]:
    """A server as a child: its address and its process."""
    with (on.folder / "door.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=dict(environment), stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError((on.folder / "door.log").read_text()[-3000:])
        yield json.loads(line)["address"], process.pid
    finally:
        process.stdin.close()
        await process.wait()


async def _prove(on: Ground, told: Answers, rings: int) -> None:
    """Everything was accepted, and everything that was accepted is there."""
    assert told.statuses == {200: rings}, told.statuses
    async with on.database.transaction() as tx:
        found = await row(tx, "select count(*) as n from bell where record_id < %s", (f"006{rings:012}AAA",))
    assert found is not None
    assert found["n"] == rings, f"{rings} acknowledged, {found['n']} stored"


async def _stored_in_groups(on: Ground, rings: int) -> float:
    """Rings per second, without any web server."""
    began = time.perf_counter()
    for first in range(0, rings, _GROUP):
        group = [
            Ring("salesforce", f"floor{number}", [("opportunity", f"007{number}")], now())
            for number in range(first, first + _GROUP)
        ]
        async with on.database.transaction() as tx:
            await bells.store(tx, group)
    return rings / (time.perf_counter() - began)
