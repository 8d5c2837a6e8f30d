"""The hub as the demo runs it: a child process on the demo's database, with the firm of the sandbox applied."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tieout import sandbox
from tieout.cli.demo.children import Child
from tieout.cli.desk import Desk
from tieout.domain.firm import Firm
from tieout.folder.loading import load
from tieout.store.database import migrate

FIRM_FOLDER = Path(sandbox.__file__).parent / "firm" / "kestrel"
SWEEP_EVERY = 0.4
_START = 60
_LIFETIME = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the firm who may enter the console with one click."""

    name: str
    email: str
    does: str
    roles: tuple[str, ...]


FINANCE = Person("Anna Fischer", "anna.fischer@kestrel.example", "finance: value tables and approvals", ("finance",))
PEOPLE = (
    FINANCE,
    Person("Margaret Osei", "margaret.osei@kestrel.example", "sales operations: what holds up deals", ("operator",)),
    Person("Esther Quaye", "administrator@kestrel.example", "the integration engineer", ("engineer", "operator")),
)


async def prepare(url: str) -> None:
    """The newest schema."""
    await asyncio.to_thread(migrate, url)


async def apply_firm(desk: Desk) -> Firm:
    """The firm of the sandbox in force; doing it again changes nothing."""
    firm = load(FIRM_FOLDER)
    await desk.operator.apply_firm(firm, actor="demo")
    return firm


async def let_in(desk: Desk, file: Path) -> None:
    """Writes who may enter with one click; tokens that were given before and are still good stay."""
    known = await asyncio.to_thread(_known, file)
    good = {name: token for name, token in known.items() if await desk.access.identify(token) is not None}
    visitors: list[dict[str, str]] = []
    for each in PEOPLE:
        token = good.get(each.name) or await desk.access.issue(
            name=each.name, email=each.email, roles=each.roles, actor="demo", lifetime=_LIFETIME
        )
        visitors.append({"name": each.name, "does": each.does, "token": token})
    await asyncio.to_thread(_keep, file, visitors)


def _known(file: Path) -> dict[str, str]:
    found: list[dict[str, str]] = json.loads(file.read_text()) if file.exists() else []
    return {each["name"]: each["token"] for each in found}


def _keep(file: Path, visitors: Sequence[Mapping[str, str]]) -> None:
    file.touch(0o600)
    file.write_text(json.dumps(visitors, indent=1))


@dataclass(frozen=True, slots=True)
class Bell:
    """Where the CRM rings, and what it says to be let in."""

    url: str
    token: str


def bell(port: int, folder: Path) -> Bell:
    """The doorbell of this folder's hub; its token stays the same for the next start."""
    file = folder / "bell"
    if not file.exists():
        file.touch(0o600)
        file.write_text(secrets.token_urlsafe(18))
    token = file.read_text().strip()
    return Bell(f"http://127.0.0.1:{port}/hooks/salesforce/{token}", token)


class HubProcess:
    """`tieout serve` as a child; it can be killed and started again on the same port."""

    def __init__(self, *, url: str, port: int, home: Path, connections: Mapping[str, str]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("TIEOUT_", "PG"))}
        self.child = Child(
            "the hub",
            [
                "-m", "tieout.cli", "serve", "--json", "--leash", "--sweep-every", str(SWEEP_EVERY),
                "--calendar", str(home / "calendar"),
            ],
            environment={
                **environment,
                **connections,
                "TIEOUT_DATABASE_URL": url,
                "TIEOUT_HOME": str(home),
                "TIEOUT_PORT": str(port),
                "TIEOUT_ENVIRONMENT": "sandbox",
            },
            log=home / "logs" / "hub.log",
        )  # fmt: skip
        self.address = ""
        self.killed = 0
        self._up = asyncio.Event()
        self._up.set()

    async def start(self) -> str:
        self.address = (await self.child.start(_START))["address"]
        return self.address

    async def kill_and_restart(self) -> None:
        """As a power cut would: no goodbye, and up again."""
        self._up.clear()
        await self.child.kill()
        self.killed += 1
        await self.start()
        self._up.set()

    async def ended_by_itself(self) -> int:
        """Returns the exit code once the hub has ended and nobody had killed it."""
        while True:
            code = await self.child.ended()
            if self._up.is_set():
                return code
            await self._up.wait()
