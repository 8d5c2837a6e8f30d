"""A real browser before a served console: one for looking, and one of its own for each journey that changes something."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from tests.console.seed import Seeded
from tests.console.world import World, seeded_template, world_on

from tieout.testing.database import fresh_database

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# A machine that runs the whole suite at once can stand still for some seconds; what is waited for is an event, not a speed.
expect.set_options(timeout=20_000)


@dataclass(frozen=True)
class Site:
    """A console that answers at an address."""

    address: str
    world: World


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def day(postgres_template: str) -> Generator[tuple[str, Seeded], None, None]:
    with seeded_template(postgres_template) as found:
        yield found


@pytest.fixture(scope="session")
async def browser() -> AsyncGenerator[Browser, None]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
async def site(day: tuple[str, Seeded]) -> AsyncGenerator[Site, None]:
    """For looking only: every test of the session sees the same day."""
    with fresh_database(day[0]) as url:
        async with served(url, day[1]) as site:
            yield site


@pytest.fixture
async def own_site(day: tuple[str, Seeded]) -> AsyncGenerator[Site, None]:
    """For journeys that change something."""
    with fresh_database(day[0]) as url:
        async with served(url, day[1]) as site:
            yield site


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answers.set()


@asynccontextmanager
async def served(url: str, seeded: Seeded) -> AsyncGenerator[Site, None]:
    async with world_on(url, seeded) as world:
        door = socket.create_server(("127.0.0.1", 0))
        server = _Server(uvicorn.Config(world.app, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[door]))
        await server.answers.wait()
        yield Site(f"http://127.0.0.1:{door.getsockname()[1]}", world)
        server.should_exit = True
        await serving


@asynccontextmanager
async def visit(
    browser: Browser,
    site: Site,
    name: str = "Anna Fischer",
    *,
    width: int = 1360,
    height: int = 860,
    script: bool = True,
) -> AsyncGenerator[tuple[Page, list[str]], None]:
    """A signed-in page, and every complaint that the browser makes about it: errors, refused scripts and styles."""
    context = await open_context(browser, width=width, height=height, script=script)
    complaints: list[str] = []
    page = await context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(f"{site.address}/sign-in")
    await page.get_by_role("button", name=name).click()
    await page.wait_for_url(f"{site.address}/")
    yield page, complaints
    await context.close()


async def open_context(browser: Browser, *, width: int, height: int, script: bool) -> BrowserContext:
    return await browser.new_context(
        viewport={"width": width, "height": height},
        timezone_id="Europe/Berlin",
        locale="en-GB",
        reduced_motion="reduce",
        java_script_enabled=script,
    )
