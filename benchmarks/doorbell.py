"""Webhooks accepted and durable: `tieout serve --role web` in its own process, Outbound Messages over loopback."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence

import psutil

from tieout.api.limits import Limits
from tieout.store.database import row

from .ground import Ground, ground
from .load import Answers, fire, post
from .measuring import Figure, Watch, percentile, spread
from .serving import served

# Short rounds by turns: a processor that changes its pace changes it for both.
RINGS = 800
ROUNDS = 8
CONNECTIONS = 32
STEADY = 500.0  # rings per second
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


class Side:
    """One of the two doors under the same load. `answers` and `spent` (seconds of one core, by party) add up."""

    def __init__(self, url: str, watch: Watch) -> None:
        self._url = url
        self._watch = watch
        self.rung = 0
        self.answers = Answers()
        self.spent: Counter[str] = Counter()

    async def fire(self, rings: int, connections: int = CONNECTIONS, rate: float | None = None) -> Answers:
        requests = [_request(self._url, number) for number in range(self.rung, self.rung + rings)]
        self._watch.reset()
        told = await fire(self._url, requests, connections, rate)
        self.spent.update(self._watch.cpu())
        self.rung += rings
        assert told.statuses == {200: rings}, told.statuses
        self.answers.add(told)
        return told

    def forget(self) -> None:
        self.answers, self.spent = Answers(), Counter()

    @property
    def rate(self) -> float:
        return len(self.answers.times) / self.answers.wall

    def cpu(self, party: str) -> float:
        """Milliseconds of one core for one ring."""
        return 1000 * self.spent[party] / len(self.answers.times)


async def measure(rings: int = RINGS) -> list[Figure]:
    """The hub's door and the floor's by turns, so that whatever else keeps the machine busy meets both."""
    async with ground() as on:
        environment = _environment(on)
        serve = ["-m", "tieout.cli", "serve", "--role", "web", "--port", "0", "--json", "--leash"]
        bare = ["-m", "benchmarks.bare_door"]
        async with served(on, serve, environment) as (there, hub), served(on, bare, environment) as (beside, floor_pid):
            _apart((hub, floor_pid), on.postgres)
            watch = Watch(hub=hub, floor=floor_pid, postgres=on.postgres)
            door, floor = Side(f"{there}/hooks/salesforce/{_TOKEN}", watch), Side(f"{beside}/", watch)
            await _warm(door, floor)
            for number in range(ROUNDS):
                for each in (door, floor) if number % 2 else (floor, door):
                    await asyncio.sleep(rings / Limits().rings)  # what a round took from the limit comes back
                    await each.fire(rings)
            both = _together(door, floor, rings)
            steady = [await each.fire(4 * rings, rate=STEADY) for each in (door, floor)]
            alone = [await each.fire(100, connections=1) for each in (door, floor)]
            await _prove(on, door.rung)
    return [*both, _on_schedule(steady), _alone(alone)]


def _apart(doors: Sequence[int], postgres: int) -> None:
    """Both doors on the first core, the load and Postgres on the second: cores differ, and neither door may choose."""
    first, *others = sorted(os.sched_getaffinity(0))
    server = psutil.Process(postgres)
    for each in doors:
        os.sched_setaffinity(each, {first})
    for each in (os.getpid(), postgres, *(child.pid for child in server.children(recursive=True))):
        os.sched_setaffinity(each, others or {first})


async def _warm(*sides: Side) -> None:
    for each in sides:
        await each.fire(200)
        each.forget()
    await asyncio.sleep(1)


def _together(door: Side, floor: Side, rings: int) -> list[Figure]:
    floor_is = "a bare application of the same web server that commits one row per request, in groups"
    what = f"webhooks accepted and durable, {ROUNDS} times {rings:,} over {CONNECTIONS} connections"
    rate = Figure(
        what, door.rate, "rings/s", floor.rate, floor_is, {party: door.cpu(party) for party in ("hub", "postgres")},
        {
            "CPU per request of the floor, ms": floor.cpu("floor"),
            "of its postgres": floor.cpu("postgres"),
            "the load itself, % of a core": 100 * door.answers.cpu / door.answers.wall,
            "beside the floor": 100 * floor.answers.cpu / floor.answers.wall,
        },
    )  # fmt: skip
    wait = Figure(
        "the same, p99 until the answer", percentile(door.answers.times, 0.99), "ms",
        percentile(floor.answers.times, 0.99), "the same floor", {}, spread(door.answers.times),
    )  # fmt: skip
    return [rate, wait]


def _on_schedule(steady: Sequence[Answers]) -> Figure:
    door, floor = (each.times for each in steady)
    return Figure(
        f"{STEADY:.0f} webhooks a second on a schedule, p99 from the moment of each", percentile(door, 0.99), "ms",
        percentile(floor, 0.99), "the same floor", {}, spread(door),
    )  # fmt: skip


def _alone(alone: Sequence[Answers]) -> Figure:
    door, floor = (each.times for each in alone)
    return Figure(
        "a webhook alone, median",
        percentile(door, 0.5),
        "ms",
        percentile(floor, 0.5),
        "the same floor",
        {},
        spread(door),
    )


def _request(url: str, number: int) -> bytes:
    return post(url, _MESSAGE.format(org=_ORG, number=number).encode(), "text/xml; charset=utf-8")


def _environment(on: Ground) -> dict[str, str]:
    connections = {f"TIEOUT_CONNECTION_{name}": value for name, value in _SETTINGS.items()}
    return {**os.environ, **connections, "TIEOUT_DATABASE_URL": on.url, "TIEOUT_HOME": str(on.folder)}


async def _prove(on: Ground, rung: int) -> None:
    """Everything that was accepted is there."""
    async with on.database.transaction() as tx:
        found = await row(tx, "select count(*) as n from bell")
    assert found is not None
    assert found["n"] == rung, f"{rung} acknowledged, {found['n']} stored"
