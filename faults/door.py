"""`tieout serve` as a process of its own, and a sender that rings at its door and remembers what was acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx2
from benchmarks.ground import KESTREL

_TOKEN, _ORG = "a-long-secret-at-the-end-of-an-address", "00D000000000001EAA"
_CONNECTIONS = {
    "SALESFORCE_URL": "http://127.0.0.1:9", "SALESFORCE_CLIENT_ID": "app", "SALESFORCE_CLIENT_SECRET": "secret",
    "SALESFORCE_ORGANIZATION_ID": _ORG, "SALESFORCE_DOORBELL_SECRET": _TOKEN, "KANTATA_TOKEN": "token",
    **{
        f"ERP_{entity}_{name}": value
        for entity in ("US", "DE")
        for name, value in {"URL": "http://127.0.0.1:9", "DATABASE": "erp", "USER": "hub", "PASSWORD": "secret"}.items()
    },
}  # fmt: skip
_MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{org}</OrganizationId>
<Notification><Id>04l{number:012}AAA</Id><sObject xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="sf:Opportunity"
 xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>006{number:012}AAA</sf:Id></sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>"""


def environment(home: Path, database: str = "", **more: str) -> dict[str, str]:
    """What a hub of the sandbox's firm is told; its systems answer nowhere, for nobody reads what rang."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIEOUT_")}
    told = {f"TIEOUT_CONNECTION_{name}": value for name, value in _CONNECTIONS.items()}
    return {
        **inherited,
        **told,
        "TIEOUT_HOME": str(home),
        **({"TIEOUT_DATABASE_URL": database} if database else {}),
        **more,
    }


async def tieout(told: Mapping[str, str], *command: str) -> None:
    """Carries out one command. Raises RuntimeError with what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tieout.cli", *command, env=dict(told), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"tieout {command[0]} ended with {process.returncode}: {said.decode()[-2000:]}")


async def founded(told: Mapping[str, str]) -> None:
    """A migrated database with the sandbox's firm in force."""
    await tieout(told, "migrate")
    await tieout(told, "apply", str(KESTREL))


@asynccontextmanager
async def serving(told: Mapping[str, str], log: Path, role: str = "web") -> AsyncGenerator[str]:
    """The address of a hub, which ends with the block."""
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tieout.cli", "serve", "--role", role, "--port", "0", "--json", "--leash", env=dict(told),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=file,
        )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        if not line:
            raise RuntimeError(f"the hub did not start; see {log}")
        yield json.loads(line)["address"]
    finally:
        process.stdin.close()
        await process.wait()


@dataclass(slots=True)
class Sender:
    """Rings for one record after the other; `acknowledged` are the ids of those that were answered with 2xx."""

    address: str
    acknowledged: set[str] = field(default_factory=set[str])
    answers: Counter[int] = field(default_factory=Counter[int])
    moments: list[float] = field(default_factory=list[float])
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def ring(self, count: int, connections: int = 8) -> Counter[int]:
        """How often each status was answered; 0 stands for no answer at all."""
        told: Counter[int] = Counter()
        async with httpx2.AsyncClient(base_url=self.address, timeout=20, trust_env=False) as http:
            left = iter(range(count))

            async def work() -> None:
                for _ in left:
                    told[await self._one(http)] += 1

            await asyncio.gather(*(work() for _ in range(connections)))
        self.answers += told
        return told

    @property
    def last(self) -> float:
        """When something was acknowledged for the last time (monotonic seconds)."""
        return self.moments[-1] if self.moments else 0.0

    def longest_gap(self, since: float) -> float:
        """The longest time between two acknowledgements."""
        times = [each for each in self.moments if each >= since]
        return max((after - before for before, after in pairwise(times)), default=0.0)

    async def _one(self, http: httpx2.AsyncClient) -> int:
        number = next(self._numbers)
        body = _MESSAGE.format(org=_ORG, number=number)
        try:
            answer = await http.post(f"/hooks/salesforce/{_TOKEN}", content=body, headers={"Content-Type": "text/xml"})
        except httpx2.TransportError:
            return 0
        if answer.is_success:
            self.acknowledged.add(f"006{number:012}AAA")
            self.moments.append(time.monotonic())
        return answer.status_code
