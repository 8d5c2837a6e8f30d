"""Replays from the command line: planned, read, confirmed, and told how they ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.cli.conftest import Said, Tieout

from tieout.cli.exits import Exit
from tieout.domain.firm import ApprovalRule, Firm
from tieout.domain.problems import Problem
from tieout.engine.execution import Executor
from tieout.engine.planner import Planner
from tieout.engine.rehearsal import Rehearser
from tieout.engine.run import Run, flow
from tieout.testing.books import Books
from tieout.testing.database import opened
from tieout.testing.hand import work_off

UNKNOWN = Problem("package.unknown", {"package": "NEW", "deal": "Globex", "link": ""})


@flow(version=1, title="Nothing to do any more")
async def opportunity_to_project(run: Run, systems: Any) -> None:
    await run.about(title="Globex", entity="US")


class Hub:
    """The part of a hub that plans and works, beside the command line, in a thread of its own."""

    rounds: Any = None

    def __init__(self, database: Any) -> None:
        self.database = database
        self.executor = Executor(database, self.clock, _day, [opportunity_to_project], lambda *_: None, _firm, "w")
        rehearser = Rehearser(database, self.clock, _day, [opportunity_to_project], lambda *_: None)
        self.planner = Planner(database, self.clock, _firm, rehearser)

    def clock(self) -> datetime:
        return datetime.now(UTC)


def _day() -> date:
    return date(2026, 11, 2)


def _firm() -> Firm:
    return Firm.model_construct(name="Kestrel", approvals=ApprovalRule())


@contextmanager
def at_work(url: str) -> Generator[None]:
    over = threading.Event()

    async def work() -> None:
        async with opened(url) as database:
            hub = Hub(database)
            while not over.is_set():
                await hub.planner.work()
                await work_off(hub)
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture
def held(on_database: Tieout, database_url: str) -> tuple[Tieout, list[str]]:
    """Two deals that wait for one reason."""

    async def wait() -> list[str]:
        async with opened(database_url) as database:
            books = Books(database)
            await books.open()
            return [await books.held(each, [UNKNOWN]) for each in ("006A", "006B")]

    return on_database, asyncio.run(wait())


def test_a_replay_is_planned_and_nothing_begins_by_itself(held: tuple[Tieout, list[str]], database_url: str) -> None:
    tieout, _ = held
    with at_work(database_url):
        said = tieout("replay", "H-20401", "--all", "--as", "anna")
        assert said.code == Exit.OK
        assert "P-3301  H-20401 and all with its cause  (as it is now): open" in said.out
        assert "would end" in said.out
        assert "Nothing has begun. To let it begin: tieout plans confirm P-3301" in said.out
        shown = tieout("plans", "show", "P-3301", "--json").document
        assert (shown["state"], shown["made_by"], shown["progress"]["planned"]) == ("open", "anna", 2)
        done = tieout("plans", "confirm", "P-3301", "--as", "bob")
        assert done.code == Exit.OK
        assert "P-3301" in tieout("plans", "list").out
        again = tieout("plans", "confirm", "P-3301", "--json")
        assert "was confirmed before" in again.err
        assert again.document["progress"]["done"] == 2
        assert again.document["confirmed_by"] == "bob"


def test_a_replay_is_confirmed_at_once(held: tuple[Tieout, list[str]], database_url: str) -> None:
    tieout, (run, _) = held
    with at_work(database_url):
        said = tieout("replay", run, "--yes", "--json")
        assert said.code == Exit.OK
        assert (said.document["state"], said.document["items"][0]["state"]) == ("done", "done")


def test_several_holds_are_one_plan(held: tuple[Tieout, list[str]], database_url: str) -> None:
    tieout, _ = held
    with at_work(database_url):
        said = tieout("replay", "H-20401", "h-20402", "--json").document
    assert (said["what"], said["progress"]["items"]) == ("H-20401, H-20402", 2)


def test_what_cannot_be_is_said(held: tuple[Tieout, list[str]], database_url: str) -> None:
    tieout, _ = held

    def refused(code: Exit, words: str, *arguments: str) -> None:
        said: Said = tieout(*arguments)
        assert (said.code, words in said.err) == (code, True), said.err

    refused(Exit.USAGE, "Say what to replay", "replay")
    refused(Exit.USAGE, "Several at once are holds", "replay", "H-20401", "no-such-run")
    refused(Exit.USAGE, "does not end as asleep", "replay", "H-20401", "--state", "asleep")
    refused(Exit.PROBLEM, "There is no hold H-1", "replay", "H-1")
    refused(Exit.PROBLEM, "There is no run", "replay", "no-such-run")
    refused(Exit.PROBLEM, "There is no plan P-1", "plans", "show", "P-1")
    assert "Nobody has asked" in tieout("plans", "list").out


def test_a_plan_is_approved_stopped_and_discarded(held: tuple[Tieout, list[str]], database_url: str) -> None:
    tieout, (run, _) = held
    with at_work(database_url):
        tieout("replay", run, "--json")
    assert "does not wait for an approval" in tieout("plans", "approve", "P-3301", "--as", "carl").err
    assert "is not at work" in tieout("plans", "stop", "P-3301").err
    assert tieout("plans", "discard", "P-3301", "--json").document == {"plan": "P-3301", "state": "discarded"}


def test_nobody_waits_for_ever_for_a_hub_that_does_not_run(
    held: tuple[Tieout, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tieout.cli.plans._PATIENCE", 0.3)
    tieout, (run, _) = held
    said = tieout("replay", run)
    assert (said.code, "Nobody works on P-3301." in said.err) == (Exit.UNREACHABLE, True)
