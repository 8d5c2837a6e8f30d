"""The suite's house rules: no sockets but loopback, and those only where a test asks for them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from pytest_socket import disable_socket, socket_allow_hosts
from xdist.scheduler import LoadScopeScheduling

from tieout.store.database import Database
from tieout.testing.books import Books
from tieout.testing.database import fresh_database, migrated_postgres, opened

# Rooms whose slow tests share what takes long to start. Flows take longest; the ERP that they build, connectors need as well.
SHARED = ("tests/journeys/", "tests/flows/", "tests/connectors/")
_ROOM = pytest.StashKey[str]()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_template() -> Generator[str, None, None]:
    """One real Postgres for the session; its migrated database is copied and never connected to."""
    with migrated_postgres() as url:
        yield url


@pytest.fixture
def database_url(postgres_template: str) -> Generator[str, None, None]:
    """The address of a fresh, migrated database of this test's own."""
    with fresh_database(postgres_template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[Database, None]:
    """An open pool on this test's own database."""
    async with opened(database_url) as database:
        yield database


@pytest.fixture
async def books(database: Database) -> Books:
    """Two legal entities, four connections, and a hand that writes deals, time, invoices and payments."""
    books = Books(database)
    await books.open()
    return books


def shared(nodeid: str) -> str:
    """The room whose things a test shares, or nothing."""
    return next((each for each in SHARED if nodeid.startswith(each)), "")


class Together(LoadScopeScheduling):
    """In a parallel run, what shares an ERP, a browser or a hub stays in one process; other tests go where there is room."""

    def _split_scope(self, nodeid: str) -> str:
        return shared(nodeid) or nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together | None:
    """For `--dist loadscope`, in place of xdist's own: its mark for groups has no effect under pytest 9.2."""
    return Together(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stays together comes first: the others fill what room there is at the end."""
    order = (*SHARED, "")
    items.sort(key=lambda item: order.index(shared(item.nodeid)))


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: Any) -> None:
    """A test marked `loopback` may open sockets to this machine; every other test only to Unix sockets.

    Behind a room this machine stays open: its servers live as long as the process, and are still rung at.
    """
    room = shared(item.nodeid)
    if room and item.get_closest_marker("loopback"):
        item.config.stash[_ROOM] = room
    if item.get_closest_marker("loopback") or _ROOM in item.config.stash:
        socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)
    else:
        disable_socket(allow_unix_socket=True)
