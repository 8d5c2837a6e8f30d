"""The short walk of F7: deliveries in any order against the real door, intake and Postgres, and every guard missed when it is gone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from contextlib import AsyncExitStack, ExitStack
from typing import Any, ClassVar

import pytest
from faults.bench import Budget
from faults.benches import webhooks
from faults.benches.webhooks import SABOTEURS, last_arrival_wins, noticed, one_walk, the_last_page_wins
from faults.deliveries import KINDS, LAVISH, RINGS, World, world
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

pytestmark = pytest.mark.anyio
NUMBERS = st.integers(0, 2)
SHORT = settings(
    max_examples=10,
    stateful_step_count=30,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


class Deliveries(RuleBasedStateMachine):
    """Whatever happens at the source, on the way and in the hub, in whatever order."""

    template: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.held = AsyncExitStack()
        self.world: World = self.wait(self.held.enter_async_context(world(self.template)))
        for kind, number in itertools.product(sorted(KINDS), (0, 1, 2, 0, 1, 0)):
            self.world.change(kind, number)

    def wait(self, act: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(act)

    def any_states(self, data: Any, kind: str) -> list[tuple[str, int]]:
        states = self.world.sources[kind].states
        some = st.sampled_from(sorted(states)).flatmap(
            lambda each: st.tuples(st.just(each), st.integers(0, len(states[each]) - 1))
        )
        return data.draw(st.lists(some, min_size=1, max_size=5))

    @rule(
        kind=st.sampled_from(sorted(KINDS)),
        number=NUMBERS,
        at_once=st.booleans(),
        back=st.booleans(),
        delete=st.sampled_from([False] * 9 + [True]),
    )
    def the_source_changes(self, kind: str, number: int, at_once: bool, back: bool, delete: bool) -> None:
        self.world.change(kind, number, at_once=at_once, back=back, delete=delete)

    @rule(kind=st.sampled_from(sorted(KINDS)), data=st.data())
    def a_page_arrives(self, kind: str, data: Any) -> None:
        self.wait(self.world.sweep(kind, self.any_states(data, kind)))

    @rule(how=st.sampled_from(sorted(RINGS)), number=NUMBERS)
    def somebody_rings(self, how: str, number: int) -> None:
        self.wait(self.world.ring(how, number))

    @rule(data=st.data())
    def the_bells_are_answered(self, data: Any) -> None:
        self.wait(self.world.answer_bells(dict(self.any_states(data, "opportunity"))))

    @rule(most=st.integers(1, 4))
    def runs_are_worked_off(self, most: int) -> None:
        self.wait(self.world.work(most))

    def teardown(self) -> None:
        try:
            verdict = self.wait(self.world.finish())
        finally:
            self.wait(self.held.aclose())
            self.loop.close()
        assert verdict.everything == []


def machine(template: str) -> type[Deliveries]:
    return type("Deliveries", (Deliveries,), {"template": template})


@pytest.mark.slow
def test_whatever_arrives_in_whatever_order_the_newest_state_stays_and_is_made_once(postgres_template: str) -> None:
    run_state_machine_as_test(machine(postgres_template), settings=SHORT)


@pytest.mark.slow
def test_the_machine_finds_that_the_last_arrival_wins(postgres_template: str) -> None:
    with (
        last_arrival_wins(),
        pytest.raises((AssertionError, BaseExceptionGroup), match=r"for news after it|its source says"),
    ):
        run_state_machine_as_test(machine(postgres_template), settings=SHORT)


@pytest.mark.slow
@pytest.mark.parametrize("name", SABOTEURS)
async def test_a_guard_that_is_gone_is_missed(postgres_template: str, name: str) -> None:
    sabotage, limits = SABOTEURS[name]
    assert await noticed(postgres_template, sabotage, limits, 2026)


async def wrong_entries(template: str, *sabotage: Any) -> list[str]:
    """What is wrong with time entries, which two guards keep in order: that of intake and that of their own table."""
    found: list[str] = []
    with ExitStack() as gone:
        for each in sabotage:
            gone.enter_context(each())
        for seed in range(4):
            found += (await one_walk(template, seed, LAVISH)).verdict.lost
    return [each for each in found if each.startswith("entry")]


@pytest.mark.slow
async def test_each_guard_of_the_order_of_time_entries_holds_without_the_other(postgres_template: str) -> None:
    assert await wrong_entries(postgres_template, last_arrival_wins) == []
    assert await wrong_entries(postgres_template, the_last_page_wins) == []
    assert await wrong_entries(postgres_template, last_arrival_wins, the_last_page_wins) != []


@pytest.mark.slow
async def test_the_bench_counts_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "SABOTEURS", {})
    outcome = await webhooks.run(Budget(120, share=0.01), 7, lambda done, goal, what: None)
    assert outcome.complaints == [], outcome.evidence
    assert outcome.real >= 200
    assert outcome.real == sum(count for count, _ in outcome.measures.values())
