"""A seeded database for the session, a copy of it and a signed-in caller for each test."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

import pytest
from tests.console.seed import Seeded
from tests.console.world import Caller, World, seeded_template, world_on

from tieout.testing.database import fresh_database


@pytest.fixture(scope="session")
def day(postgres_template: str) -> Generator[tuple[str, Seeded], None, None]:
    with seeded_template(postgres_template) as found:
        yield found


@pytest.fixture
async def world(day: tuple[str, Seeded]) -> AsyncGenerator[World, None]:
    template, seeded = day
    with fresh_database(template) as url:
        async with world_on(url, seeded) as world:
            yield world


@pytest.fixture
async def anna(world: World) -> Caller:
    """Anna Fischer of finance, signed in."""
    return await Caller(world.app).sign_in(world)
