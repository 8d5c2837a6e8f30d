"""The simulation and the real engine are twins (F19): the same script gives the same history, act by act, and the same books."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator

import pytest

from tieout.store.database import Database
from tieout.testing.simulation.for_real import ForReal, Troubled, known
from tieout.testing.simulation.in_turn import InTurn
from tieout.testing.simulation.scenario import Trouble
from tieout.testing.simulation.script import scripted
from tieout.testing.simulation.world import BEGINNING

pytestmark = pytest.mark.anyio
SCRIPTS = 40


@pytest.fixture
async def troubled(database: Database, database_url: str) -> AsyncGenerator[Troubled, None]:
    await known(database, BEGINNING)
    troubled = Troubled(database_url)
    await troubled.open()
    yield troubled
    await troubled.close()


async def test_the_same_script_gives_the_same_history(database: Database, troubled: Troubled) -> None:
    struck: Counter[Trouble] = Counter()
    for seed in range(SCRIPTS):
        model, real = InTurn(scripted(seed)), ForReal(scripted(seed), database, troubled)
        simulated, lived = model.play(), await real.play()
        assert real.stage.history == model.stage.history, f"seed {seed}"
        assert lived == simulated, f"seed {seed}"
        struck += real.stage.struck
    assert len(struck) >= 10
    assert struck.total() > 5 * SCRIPTS


@pytest.mark.parametrize("saboteur", ["look_at_once", "stale_key", "late_content", "fresh_key"])
async def test_a_bug_makes_the_same_other_history_in_both(
    database: Database, troubled: Troubled, saboteur: str
) -> None:
    for seed in range(400):
        model = InTurn(scripted(seed), frozenset({saboteur}))
        honest = InTurn(scripted(seed))
        model.play()
        honest.play()
        if model.stage.history == honest.stage.history:
            continue  # this script gives the bug no occasion
        real = ForReal(scripted(seed), database, troubled, frozenset({saboteur}))
        await real.play()
        assert real.stage.history == model.stage.history, "the twins have the same bug"
        assert real.stage.history != honest.stage.history
        return
    raise AssertionError(f"no script in which {saboteur} matters")
