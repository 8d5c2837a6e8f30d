"""The real ERP and the real Postgres of the contract suite, shared by all checks of a session."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest
from tests.connectors.contract import tryton_bench

from tieout.sandbox.tryton.server import TrytonServer
from tieout.sandbox.tryton.template import build
from tieout.store.database import Database
from tieout.testing.contract import ConnectorBench
from tieout.testing.database import fresh_database, opened

_CACHE = Path(__file__).parents[3] / ".cache" / "tryton"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for the session: connections that are dear to open stay open."""
    return "asyncio"


@pytest.fixture(scope="session")
async def books_of_effects(postgres_template: str) -> AsyncGenerator[Database, None]:
    """One database for all checks: each makes effects of its own subjects."""
    with fresh_database(postgres_template) as url:
        async with opened(url) as database:
            yield database


@pytest.fixture(scope="session")
async def ledger(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ConnectorBench]:
    folder = tmp_path_factory.mktemp("erp")
    with TrytonServer(build(_CACHE), folder) as erp:
        async with tryton_bench.bench(erp, folder) as bench:
            yield bench
