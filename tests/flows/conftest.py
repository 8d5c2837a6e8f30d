"""One world for all flow tests: real Postgres, the real ERP, the emulators on loopback, and a hub worked by hand."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from tieout.testing.database import fresh_database

from .world import World, opened_world


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for the session: the world lives in it."""
    return "asyncio"


@pytest.fixture(scope="session")
async def world(postgres_template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[World, None]:
    with fresh_database(postgres_template) as url:
        async with opened_world(tmp_path_factory.mktemp("world"), url) as world:
            yield world


@pytest.fixture(autouse=True)
async def conservation(world: World) -> AsyncGenerator[None, None]:
    """Every test moves data, so every test ends with the law: received = done + held + ignored + in flight."""
    yield
    assert await world.rows("select * from conservation where missing <> 0 or missing_minor <> 0") == []
