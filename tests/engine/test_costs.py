"""What a run of batches has cost is learned while it goes on, each call and each line once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tieout.engine.costs import Costs
from tieout.store import forecast
from tieout.store.database import Database

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


async def learned(database: Database) -> dict[str, tuple[int, int]]:
    async with database.transaction() as tx:
        return {each["connection"]: (each["calls"], each["lines"]) for each in await forecast.costs(tx, NOW)}


async def test_a_run_of_batches_is_learned_while_it_goes_on_and_each_call_once(database: Database) -> None:
    rows, calls = Counter[str](), Counter[str]()
    costs = Costs("time_to_erp", 0, rows, NOW)
    for minute in range(4):
        calls["erp-us"] += 10
        rows["erp-us"] += 5_000
        await costs.learn(database, calls, NOW + timedelta(minutes=minute))
    assert await learned(database) == {"erp-us": (40, 20_000), "": (0, 20_000)}
    calls["erp-us"] += 1
    rows["erp-us"] += 7
    assert costs.news(calls, over=True) == {"erp-us": (1, 7), "": (0, 7)}


async def test_what_a_run_without_batches_has_cost_is_known_at_its_end_alone(database: Database) -> None:
    costs = Costs("opportunity_to_project", 1, Counter(), NOW)
    await costs.learn(database, {"erp-us": 3}, NOW + timedelta(minutes=5))
    assert await learned(database) == {}
    assert costs.news({"erp-us": 3}, over=False) == {"erp-us": (3, 0), "": (0, 0)}
    assert costs.news({"erp-us": 5}, over=True) == {"erp-us": (2, 1), "": (0, 1)}
