"""A console on a seeded database, with people who can sign in: for tests in the process and for a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import anyio
import httpx2
from starlette.applications import Starlette
from tests.console import seed

from tieout.console.application import console
from tieout.console.setting import Door, Environment, Visitor
from tieout.engine.access import Access
from tieout.engine.operator import Operator
from tieout.engine.replay import Replays
from tieout.store.database import Database
from tieout.testing.database import fresh_database, opened

ORIGIN = "http://console.test"
# Name → (roles, what they do, as the sandbox's door says it).
PEOPLE: Mapping[str, tuple[tuple[str, ...], str]] = {
    "Anna Fischer": (("finance", "operator"), "Finance, Germany"),
    "Carlos Mendes": (("finance",), "Finance, United States"),
    "Margaret Osei": (("operator",), "Partner, sells and asks for approvals"),
    "Priya Raman": (("engineer",), "Integration engineer"),
    "Klaus Brandt": (("viewer",), "Partner, reads only"),
}
_TOKEN = re.compile(r'name="token_of_form" value="([0-9a-f]+)"')


@dataclass(frozen=True)
class World:
    """The console, and what a test wants to know beside it."""

    app: Starlette
    database: Database
    seeded: seed.Seeded
    tokens: Mapping[str, str]
    now: Callable[[], datetime]


@contextmanager
def seeded_template(postgres_template: str, canary: str = "") -> Generator[tuple[str, seed.Seeded], None, None]:
    """A database with the day of `seed` in it, to be copied and never connected to."""
    with fresh_database(postgres_template) as url:

        async def fill() -> seed.Seeded:
            async with opened(url) as database:
                return await seed.seed(database, canary=canary)

        yield url, anyio.run(fill)


@asynccontextmanager
async def world_on(url: str, seeded: seed.Seeded, now: datetime = seed.NOW) -> AsyncGenerator[World, None]:
    async with opened(url) as database:
        tokens = await _tokens(database, now)
        visitors = tuple(Visitor(name, does, tokens[name]) for name, (_, does) in PEOPLE.items())
        doors = (Door("salesforce", "Salesforce sandbox", "http://127.0.0.1:8001/"),)
        clock = _Clock(now)
        app = console(
            database,
            Operator(database, clock),
            Replays(database, clock),
            Access(database, clock),
            lambda: seed.KESTREL,
            clock,
            seed.link,
            Environment("SANDBOX", "0.1.0", visitors, doors),
        )
        yield World(app, database, seeded, tokens, clock)


class _Clock:
    """Stands still, so that a page is the same whenever it is drawn."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now


async def _tokens(database: Database, now: datetime) -> dict[str, str]:
    access = Access(database, lambda: now - timedelta(minutes=1))
    found: dict[str, str] = {}
    for name, (roles, _) in PEOPLE.items():
        email = f"{name.lower().replace(' ', '.')}@kestrel.example"
        found[name] = await access.issue(name=name, email=email, roles=roles, actor="console tests")
    return found


class Caller:
    """Somebody who uses the console without scripts: follows links, sends the forms that the pages contain."""

    def __init__(self, app: Starlette) -> None:
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
        self.http = httpx2.AsyncClient(transport=transport, base_url=ORIGIN)

    async def sign_in(self, world: World, name: str = "Anna Fischer") -> Caller:
        return await self.enter(world.tokens[name])

    async def enter(self, token: str) -> Caller:
        """Signs in with a token."""
        page = await self.http.get("/sign-in")
        data = {"token": token, "token_of_form": token_of(page.text)}
        answer = await self.http.post("/sign-in", data=data, headers={"Origin": ORIGIN})
        assert answer.status_code == 303, answer.text
        return self

    async def get(self, path: str, status: int = 200) -> str:
        answer = await self.http.get(path)
        assert answer.status_code == status, f"{path}: {answer.status_code}\n{answer.text[:2000]}"
        return answer.text

    async def send(self, path: str, data: Mapping[str, Any], *, page: str = "/holds", status: int = 303) -> str:
        """Sends a form as the page would, and returns the page that the answer leads to."""
        token = token_of(await self.get(page))
        answer = await self.http.post(path, data={**data, "token_of_form": token}, headers={"Origin": ORIGIN})
        assert answer.status_code == status, f"{path}: {answer.status_code}\n{answer.text[:2000]}"
        return await self.get(answer.headers["location"]) if status == 303 else answer.text


def token_of(page: str) -> str:
    found = _TOKEN.search(page)
    assert found, "the page has no form"
    return found[1]
