"""Two workers on one database and a PSA that throttles: few calls are refused, nobody is lost, a person hardly waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from statistics import median

import pytest
from tests.engine.throttled_psa import CHECKS, Network, throttling, two_workers

from tieout.store.database import Database


@pytest.fixture
def network() -> Iterator[Network]:
    with throttling() as network:
        yield network


async def test_two_workers_share_what_the_vendor_allows(database: Database, network: Network) -> None:
    async with AsyncExitStack() as stack:
        workers = await two_workers(stack, database, network)
        filling = asyncio.create_task(workers.work("backfill", CHECKS, 8))
        persons = await workers.persons(filling)
        took = await filling
    assert len(took) == CHECKS
    # With the finding of the pace, which these few calls hardly outweigh; W4 in benchmarks/ measures the goal of 5 %.
    assert network.refused <= 0.15
    assert persons[int(0.95 * len(persons))] <= median(took)


async def test_the_saboteur_no_limiter_is_caught(database: Database, network: Network) -> None:
    async with AsyncExitStack() as stack:
        workers = await two_workers(stack, database, network, frozenset({"no_limiter"}))
        await workers.work("backfill", CHECKS, 8)
    assert network.refused > 0.3


async def test_the_saboteur_one_lane_is_caught(database: Database, network: Network) -> None:
    async with AsyncExitStack() as stack:
        workers = await two_workers(stack, database, network, frozenset({"one_lane"}))
        caught = False
        for _ in range(3):  # on a busy machine a person may have luck once
            filling = asyncio.create_task(workers.work("backfill", CHECKS, 8))
            persons = await workers.persons(filling)
            took = await filling
            if caught := persons[int(0.95 * len(persons))] > median(took):
                break
    assert caught
