"""The gathered journal: many runs share a commit, none is answered before it, and what is wrong with one is told to it alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tieout.connectors.contract import Claim, Guarantee, Operation, Receipt, Write
from tieout.domain.identity import effect_key
from tieout.engine.effects import Context, Effects
from tieout.engine.gathering import Gathering
from tieout.engine.journal import Journal, Linking
from tieout.engine.run import Later
from tieout.store import crosswalk, journal
from tieout.store.crosswalk import Link, TwoMeanings
from tieout.store.database import Database, Tx, blames_a_row, row
from tieout.store.scope import seen_by
from tieout.testing.books import Books
from tieout.testing.crash import Crashed

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SETTLE = timedelta(seconds=30)
RUNS = 6


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Life(Database):
    """A database whose user is gone from one commit on, before it or right after: every task of that life ends."""

    def __init__(self, url: str, *, at: int = 0, after: bool = False) -> None:
        super().__init__(url)
        self._at, self._after = at, after
        self.commits = 0
        self.over = False

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx, None]:
        self.alive()
        async with super().transaction() as tx:
            yield tx
            self.alive()
            self.commits += 1
            self._end(self.commits == self._at and not self._after)
        self._end(self.commits == self._at and self._after)

    single = transaction

    def alive(self) -> None:
        self._end(self.over)

    def _end(self, now: bool) -> None:
        if now:
            self.over = True
            raise Crashed(f"at commit {self.commits}")


@asynccontextmanager
async def living(url: str, *, at: int = 0, after: bool = False) -> AsyncGenerator[Life, None]:
    life = Life(url, at=at, after=after)
    await life.open()
    try:
        yield life
    finally:
        await life.close()


class Target:
    """A system that can only be searched (class D), and makes as many as it is asked for."""

    name = "kantata"

    def __init__(self) -> None:
        self.made: list[str] = []
        self.life: Life | None = None
        self._operation = Operation(
            "project.create", Guarantee.LOOK_UP, "set up", SETTLE, timedelta(hours=20), creates="project",
            money=Claim.UNTOUCHED, undo="",
        )  # fmt: skip

    def operation(self, name: str) -> Operation:
        return self._operation

    async def prepare(self, write: Write) -> bytes:
        return write.subject.encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        assert self.life is not None
        self.life.alive()
        self.made.append(request.decode())
        return Receipt(f"K{len(self.made)}")

    async def find(self, write: Write) -> Receipt | None:
        return Receipt(f"K{self.made.index(write.subject) + 1}") if write.subject in self.made else None


async def live(life: Life, target: Target, clock: Clock, sabotage: frozenset[str]) -> Sequence[object]:
    """Six runs at once, each with two effects of which the second needs the first."""
    target.life, shared = life, Journal(life, sabotage)

    async def run(number: int) -> None:
        effects = Effects(life, clock, Context(f"run-{number}"), sabotage, journal=shared)
        for part in ("customer", "project"):
            subject = f"{part}-{number}"
            links = Linking(lambda receipt: [Link(part, subject, "kantata", receipt.id, clock())])  # noqa: B023 - at once
            await effects.perform(target, Write("project.create", subject, "1", {}), links)  # type: ignore[arg-type]

    return await asyncio.gather(*(run(number) for number in range(RUNS)), return_exceptions=True)


async def walk(books: Books, sabotage: frozenset[str] = frozenset()) -> int:
    """Ends a life at every commit in turn, before it and after, and lets the next one finish; how many were doubled."""
    doubled = at = 0
    over = True
    while over:
        at, over = at + 1, False
        for after in (False, True):
            target, clock = Target(), Clock()
            async with living(books.database.url, at=at, after=after) as life:
                await live(life, target, clock, sabotage)
                over = life.over
            clock.now += SETTLE
            async with living(books.database.url) as second:
                assert await live(second, target, clock, frozenset()) == [None] * RUNS
            assert len(set(target.made)) == 2 * RUNS, "lost"
            doubled += len(target.made) - 2 * RUNS
            async with books.database.transaction() as tx:
                found = await row(tx, "select count(*) as n from crosswalk where connection = 'kantata'")
                assert found == {"n": 2 * RUNS}, "a receipt without its links"
                await tx.execute("delete from effect; delete from crosswalk")
    assert at <= 3 * 2 * 2 + 2, f"{at - 1} commits for {2 * RUNS} effects: nothing was gathered"
    return doubled


async def test_a_life_that_ends_at_any_commit_of_many_runs_leaves_one_of_everything(books: Books) -> None:
    assert await walk(books) == 0


async def test_saboteur_a_word_before_the_commit_doubles(books: Books) -> None:
    assert await walk(books, frozenset({"early_word"})) > 0


async def test_what_is_wrong_with_one_is_told_to_it_alone(books: Books) -> None:
    async def linked(tx: Tx, links: Sequence[Link]) -> list[None]:
        await crosswalk.link_all(tx, links)
        return [None] * len(links)

    link = Gathering(books.database.transaction, linked)
    await link(Link("project", "PRJ-0", "kantata", "K0", NOON))
    wanted = [Link("project", f"PRJ-{number}", "kantata", f"K{number % 4}", NOON) for number in range(1, 6)]
    told = await asyncio.gather(*map(link, wanted), return_exceptions=True)
    assert [type(each) for each in told] == [type(None), type(None), type(None), TwoMeanings, TwoMeanings]
    nul = Link("project", "PRJ-\0", "kantata", "K9", NOON)
    good = Link("project", "PRJ-8", "kantata", "K8", NOON)
    failed, fine = await asyncio.gather(link(nul), link(good), return_exceptions=True)
    assert isinstance(failed, Exception)
    assert fine is None


async def test_when_the_database_is_away_everybody_is_told_at_once(books: Books) -> None:
    tries = 0

    async def away(tx: Tx, items: Sequence[int]) -> list[int]:
        nonlocal tries
        tries += 1
        await tx.execute("select pg_terminate_backend(pg_backend_pid())")
        return list(items)

    told = await asyncio.gather(*map(Gathering(books.database.transaction, away), range(5)), return_exceptions=True)
    assert tries == 1
    assert all(isinstance(each, Exception) and not blames_a_row(each) for each in told)


async def test_two_runs_on_one_effect_share_no_commit_and_one_of_them_is_overtaken(books: Books) -> None:
    clock, target = Clock(), Target()
    async with living(books.database.url) as life:
        target.life, shared = life, Journal(life)
        both = [Effects(life, clock, Context(f"run-{each}"), journal=shared) for each in range(2)]
        write = Write("project.create", "PRJ-1", "1", {})
        told = await asyncio.gather(*(each.perform(target, write) for each in both), return_exceptions=True)  # type: ignore[arg-type]
    assert sorted(type(each).__name__ for each in told) == [Later.__name__, Receipt.__name__]
    assert target.made == ["PRJ-1"]


async def test_who_claims_the_same_effects_at_the_same_moment_is_overtaken_and_meets_no_error(books: Books) -> None:
    async def claim(wanted: Sequence[journal.Claim]) -> list[bool]:
        async with books.database.transaction() as tx:
            return await journal.claim(tx, wanted)

    for meeting in range(20):
        parts = [("kantata", "project.create", f"PRJ-{meeting}-{number}", "1") for number in range(50)]
        wanted = [journal.Claim(effect_key(*each), *each[:2], "D", *each[2:], "run", b"", NOON) for each in parts]
        for won in zip(*await asyncio.gather(*(claim(wanted) for _ in range(3))), strict=True):
            assert sum(won) == 1


async def test_who_is_cancelled_before_the_group_begins_writes_nothing(books: Books) -> None:
    written: list[int] = []

    async def write(tx: Tx, items: Sequence[int]) -> Sequence[int]:
        written.extend(items)
        await asyncio.sleep(0.01)
        return items

    gather = Gathering(books.database.transaction, write)
    first, second, third = (asyncio.create_task(gather(each)) for each in (1, 2, 3))
    await asyncio.sleep(0)
    second.cancel()
    assert (await first, await third) == (1, 3)
    assert written == [1, 3]


async def test_who_reads_for_some_entities_alone_shares_with_nobody(books: Books) -> None:
    shared: list[int] = []

    async def seen(tx: Tx, items: Sequence[str]) -> Sequence[str]:
        found = await row(tx, "select coalesce(current_setting('tieout.scope', true), '') as scope")
        assert found is not None
        shared.append(len(items))
        return [found["scope"]] * len(items)

    gather = Gathering(books.database.statement, seen)

    async def reader(entities: Sequence[str] | None) -> str:
        with seen_by(entities):
            return await gather("")

    told = await asyncio.gather(*map(reader, (None, ["DE"], None, ["US"], None)))
    assert told == ["", "DE", "", "US", ""]
    assert sorted(shared) == [1, 1, 3]
