"""The clock may be wrong (F14): it can go back two hours in the middle of everything, and nothing is lost, doubled or reordered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from tieout.connectors.contract import Claim, Guarantee, Operation
from tieout.connectors.kantata.mapping import day, stamp
from tieout.engine.settling import Accept, Known, Wait, next_act, outlived
from tieout.store import messages
from tieout.store.database import Database
from tieout.store.messages import Arrival
from tieout.testing.books import Books
from tieout.testing.simulation.for_real import ForReal, Troubled, known
from tieout.testing.simulation.in_turn import InTurn
from tieout.testing.simulation.script import Script, Step, scripted
from tieout.testing.simulation.world import BEGINNING

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
BACK = timedelta(hours=2)


def with_a_clock_that_goes_back(seed: int) -> Script:
    """The script of a seed in which the clock steps back two hours somewhere, and then goes on until all has come to rest."""
    script, chance = scripted(seed), Random(seed)
    at = chance.randrange(len(script.steps))
    rest = [Step("forward", number=8000), Step("deliver"), Step("people"), Step("work")] * 4
    back = Step("forward", number=-round(BACK.total_seconds()))
    return replace(script, steps=(*script.steps[:at], back, *script.steps[at:], *rest))


def test_nothing_is_lost_or_doubled_when_the_clock_goes_back() -> None:
    for seed in range(150):
        script = with_a_clock_that_goes_back(seed)
        end = InTurn(script).play()
        assert all(state in ("done", "ignored") for _, _, state in end["messages"]), f"seed {seed}"
        wanted = {each.value for each in (script.customer, *script.subjects) if each is not Guarantee.NONE}
        assert all(count == 1 for made, count in end["made"].items()), f"seed {seed}: {end['made']}"
        assert {made[7] for made in end["made"]} >= wanted, f"seed {seed}"


async def test_the_engine_does_the_same_when_the_clock_goes_back(database: Database, database_url: str) -> None:
    await known(database, BEGINNING)
    troubled = Troubled(database_url)
    await troubled.open()
    for seed in range(8):
        script = with_a_clock_that_goes_back(seed)
        model, real = InTurn(script), ForReal(script, database, troubled)
        assert await real.play() == model.play(), f"seed {seed}"
        assert real.stage.history == model.stage.history, f"seed {seed}"
    await troubled.close()


async def test_a_newer_state_is_newer_although_the_clock_went_back(books: Books) -> None:
    def deal(version: str) -> Arrival:
        return Arrival("salesforce", "opportunity", "006A", version, "USD", 100)

    async with books.database.transaction() as tx:
        await messages.record(tx, [deal("2026-11-02T10:00:00Z#a")], via="sweep", now=NOON)
        await messages.record(tx, [deal("2026-11-02T10:05:00Z#b")], via="sweep", now=NOON - BACK)
        await messages.record(tx, [deal("2026-11-02T10:04:00Z#c")], via="sweep", now=NOON + BACK)
        waiting = await messages.waiting(tx, "salesforce", "opportunity", 10)
    assert [each["version"] for each in waiting] == ["2026-11-02T10:00:00Z#a", "2026-11-02T10:05:00Z#b"]


def test_nobody_asks_early_and_nobody_stops_when_the_clock_goes_back() -> None:
    post = Operation(
        "post", Guarantee.LOOK_UP, "post", timedelta(seconds=40), creates="", money=Claim.UNTOUCHED, undo=""
    )
    doubt = Known("unknown", 1, sent_at=NOON, first_sent_at=NOON)
    assert next_act(post, doubt, (), NOON - BACK) == Wait(NOON + post.settle, "unknown")
    assert next_act(post, Known("done", 1, NOON, NOON), (), NOON - BACK) == Accept()
    assert not outlived(NOON, NOON - BACK)


def test_the_hour_that_comes_twice_keeps_its_order() -> None:
    """In Los Angeles 1 November 2026 has two half past ones; text order would take the second for the earlier one."""
    first, second = "2026-11-01T01:50:00-07:00", "2026-11-01T01:10:00-08:00"
    assert second < first
    assert stamp(first) < stamp(second)


@pytest.mark.parametrize("moment", ["2026-10-31T23:30:00+14:00", "2026-10-31T23:30:00-11:00"])
def test_work_at_the_end_of_a_month_belongs_to_the_day_the_consultant_says(moment: str) -> None:
    """Kiritimati's last half hour of October is still the 31st in the books, and so is Pago Pago's, 25 hours later."""
    assert day(moment) == date(2026, 10, 31)


def test_a_leap_day_is_a_day_to_work_on() -> None:
    assert day("2028-02-29") == date(2028, 2, 29)
    assert stamp("2028-02-29T23:30:00-11:00") == "2028-03-01T10:30:00Z"
