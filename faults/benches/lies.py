"""Systems that are slow, refuse, throttle or lie, against every read and write of every connector."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.connectors.contract import kantata_bench, salesforce_bench, tryton_bench

from faults.bench import Bench, Budget, Outcome, Progress
from faults.lying import LIES, ON_READS, ON_WRITES, RETRY_AFTER, Liar, Lie
from tieout.connectors.contract import Change, Opening, OutcomeUnknown, Page, Receipt, Write
from tieout.domain.identity import Ref
from tieout.domain.problems import Conflict, Misconfigured, Rejected, Transient
from tieout.engine.effects import Context, Effects
from tieout.engine.run import Later
from tieout.sandbox.tryton.server import TrytonServer
from tieout.sandbox.tryton.template import build
from tieout.store import firm
from tieout.store.database import Database
from tieout.testing.contract import ConnectorBench, Sample
from tieout.testing.database import fresh_database, migrated_postgres, opened

_CACHE = Path(__file__).parents[2] / ".cache" / "tryton"
# Longer than a record stays invisible, so that a look-up after it is worth something.
_SETTLE = 45.0
# Seconds of the real clock: long enough for an honest answer of an emulator, and of the real ERP.
_TIMEOUT, _OF_THE_ERP = 0.5, 5.0
_LIVES, _PAGES = 60, 60
# A run begins again this soon, whether it was told to wait or not.
_STEP = timedelta(seconds=5)


@dataclass
class Moment:
    at: datetime = field(default_factory=lambda: datetime(2026, 11, 2, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at


@dataclass(frozen=True)
class Case:
    """A lie about one write, or about one kind of record that is read."""

    bench: ConnectorBench
    subject: str
    lie: Lie

    @property
    def about(self) -> str:
        return f"{self.bench.spec.kind} {self.subject}, {self.lie.name}"


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="tieout-lies-") as name, TrytonServer(build(_CACHE), Path(name)) as erp:
        async with tryton_bench.bench(erp, Path(name)) as ledger:
            return await walk([*emulated(), ledger], budget, seed, progress)


def emulated() -> list[ConnectorBench]:
    return [salesforce_bench.bench(), kantata_bench.bench()]


async def walk(benches: list[ConnectorBench], budget: Budget, seed: int, progress: Progress) -> Outcome:
    """Tells lies about every write and read of the benches, in an order that the seed gives."""
    outcome = Outcome()
    cases = [*_cases(benches)]
    Random(seed).shuffle(cases)  # noqa: S311 - repeatable on purpose
    goal = budget.goal(len(cases))
    async with _books(benches) as database:
        for number, case in enumerate(cases[:goal]):
            if budget.over:
                outcome.cut_short = f"{number} of {goal} lies"
                break
            await _judge(outcome, case, database)
            progress(number + 1, goal, case.about)
        outcome.saboteurs = {name: await _caught(name, database) for name in SABOTEURS}
    return outcome


def _cases(benches: Iterable[ConnectorBench]) -> Iterable[Case]:
    for bench in benches:
        yield from (Case(bench, name, lie) for name in bench.spec.writes for lie in ON_WRITES)
        yield from (Case(bench, kind, lie) for kind in bench.spec.reads for lie in ON_READS)


@asynccontextmanager
async def _books(benches: Iterable[ConnectorBench]) -> AsyncGenerator[Database]:
    connections = [(_name(each), each.spec.kind, each.spec.roles[0], None) for each in benches]
    with migrated_postgres() as template, fresh_database(template) as url:
        async with opened(url) as database:
            async with database.transaction() as tx:
                now = Moment()()
                await firm.apply(tx, content={}, entities=(), connections=connections, actor="bench", now=now)
            yield database


async def _judge(
    outcome: Outcome,
    case: Case,
    database: Database,
    spoil: Callable[[Any], Any] = lambda connection: connection,
    sabotage: frozenset[str] = frozenset(),
    **settings: Any,
) -> None:
    moment = Moment()
    liar = Liar(case.bench.network, case.lie, case.bench.spec.kind, moment)
    connection = spoil(_opened(case.bench, liar, settings))
    try:
        if case.subject in case.bench.spec.writes:
            effects = Effects(database, moment, Context("lies"), sabotage)
            await _write(outcome, case, connection, effects, moment)
        else:
            await _read(outcome, case, connection, moment)
    finally:
        await connection.close()
    outcome.real += 1 if case.lie.hides else liar.told


def _opened(bench: ConnectorBench, liar: Liar, settings: dict[str, Any]) -> Any:
    fields = type(bench.settings).model_fields
    wanted = {"settle": _SETTLE, "timeout": _OF_THE_ERP if bench.dear else _TIMEOUT, **settings}
    given = bench.settings.model_copy(update={name: each for name, each in wanted.items() if name in fields})
    return bench.spec.open(Opening(_name(bench), given, bench.fields, liar))


def _name(bench: ConnectorBench) -> str:
    return bench.name or bench.spec.kind


# -- writes


async def _write(outcome: Outcome, case: Case, connection: Any, effects: Effects, moment: Moment) -> None:
    """Lives of a run until it has a receipt; after each of them the system's books are read by somebody else."""
    sample = await case.bench.sample(case.subject)
    before = await case.bench.counted()
    if case.lie.hides:
        await connection.find(sample.absent or sample.write)
    for _ in range(_LIVES):
        came = await _came(effects.perform(connection, sample.write))
        if not await _stands(outcome, case, sample, came):
            return
        if isinstance(came, Receipt):
            await _counted(outcome, case, sample, before)
            return
        if what_of(came) not in case.lie.means or _overheard(case.lie, came):
            outcome.lost += 1
            outcome.evidence.append(f"{case.about}: {type(came).__name__}: {came}")
            return
        moment.at += _STEP
        case.bench.forward(_STEP)
    outcome.lost += 1
    outcome.evidence.append(f"{case.about}: not done after {_LIVES} lives")


async def _stands(outcome: Outcome, case: Case, sample: Sample, came: Any) -> bool:
    """Whether what is there is no more than was wanted, and all of it once the run says so."""
    there = len(await sample.seen())
    doubled, lacking = there > sample.whole, isinstance(came, Receipt) and there < sample.whole
    outcome.doubled += doubled
    outcome.lost += lacking
    if doubled or lacking:
        outcome.evidence.append(f"{case.about}: {there} are there of {sample.whole}, and the run came to {came}")
    return not (doubled or lacking)


async def _counted(outcome: Outcome, case: Case, sample: Sample, before: Any) -> None:
    """The whole books: no record more than the write makes, of any kind that writes make."""
    more = _more(case, sample, before, await case.bench.counted())
    if any(each > 0 for each in more.values()):
        brings = await _brought(case)  # a project comes with tasks, which are records of their own
        more = {kind: each - brings[kind] for kind, each in more.items()}
    for kind, each in more.items():
        outcome.doubled += max(each, 0)
        if each > 0:
            outcome.evidence.append(f"{case.about}: {each} more of {kind} than was wanted")


def _more(case: Case, sample: Sample, before: Any, after: Any) -> dict[str, int]:
    """By kind, besides the record itself."""
    creates = case.bench.spec.writes[case.subject].creates
    kinds = {each.creates for each in case.bench.spec.writes.values()} - {""}
    return {kind: after[kind] - before[kind] - (sample.whole if kind == creates else 0) for kind in kinds}


async def _brought(case: Case) -> dict[str, int]:
    """What the same write brings besides its record when nobody lies."""
    sample, connection = await case.bench.sample(case.subject), case.bench.connection
    before = await case.bench.counted()
    await connection.send(case.subject, await connection.prepare(sample.write))
    return _more(case, sample, before, await case.bench.counted())


def _overheard(lie: Lie, came: Any) -> bool:
    """Whether the system asked for a wait, and what is tried again does not know of it."""
    return lie.after is not None and isinstance(came, Transient) and came.after != lie.after


# -- reads


async def _read(outcome: Outcome, case: Case, connection: Any, moment: Moment) -> None:
    """Sweeps that go on from their cursors while they are lied to, and one more when they are not."""
    feed = case.bench.feed(case.subject)
    made = [await feed.make() for _ in range(3)]
    told: dict[str, set[str]] = {}
    cursor: str | None = None
    finished = 0
    for _ in range(_PAGES):
        came = await _came(connection.changes(case.subject, cursor))
        if isinstance(came, Page):
            _remember(told, came.changes)
            cursor, finished = came.cursor, finished + (not came.more)
            if finished == 3:
                break
        elif what_of(came) not in ("retry", "pause"):
            outcome.lost += 1
            outcome.evidence.append(f"{case.about}: {type(came).__name__}: {came}")
            return
        else:
            moment.at += _STEP
    for record in made:
        looked = await case.bench.connection.look(Ref(_name(case.bench), case.subject, record))
        if looked is None or looked.version not in told.get(record, set()):
            outcome.lost += 1
            outcome.evidence.append(f"{case.about}: {record} was never told as it is")


def _remember(told: dict[str, set[str]], changes: Iterable[Change]) -> None:
    for each in changes:
        told.setdefault(each.ref.id, set()).add(each.version)


# -- what it came to


async def _came(act: Any) -> Any:
    try:
        return await act
    except Exception as raised:  # which one it is, is what the bench is about
        return raised


def what_of(came: Any) -> str:
    """What the hub does next: done, retry, hold or pause; empty for what it has no word for."""
    match came:
        case Receipt() | Page():
            return "done"
        case Transient() | Later() | Conflict():
            return "retry"
        case Rejected():
            return "hold"
        case Misconfigured():
            return "pause"
        case _:
            return ""


# -- saboteurs


class _Spoilt:
    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _BelievesA200(_Spoilt):
    async def send(self, operation: str, request: bytes) -> Receipt:
        try:
            return await self.inner.send(operation, request)
        except OutcomeUnknown:
            return Receipt("it will have worked")


class _TakesLostForFailed(_Spoilt):
    async def send(self, operation: str, request: bytes) -> Receipt:
        try:
            return await self.inner.send(operation, request)
        except OutcomeUnknown as unknown:
            raise Transient(str(unknown)) from unknown


class _HearsNoWait(_Spoilt):
    async def send(self, operation: str, request: bytes) -> Receipt:
        try:
            return await self.inner.send(operation, request)
        except Transient as away:
            raise Transient(str(away)) from away


class _TrustsThatItWillPass(_Spoilt):
    """A certificate that proves nothing is a moment's trouble."""

    async def prepare(self, write: Write) -> bytes:
        return await self._later(self.inner.prepare(write))

    async def send(self, operation: str, request: bytes) -> Receipt:
        return await self._later(self.inner.send(operation, request))

    async def find(self, write: Write) -> Receipt | None:
        return await self._later(self.inner.find(write))

    async def _later(self, act: Awaitable[Any]) -> Any:
        try:
            return await act
        except Misconfigured as wrong:
            raise Transient(str(wrong)) from wrong


class _WaitsForNobody(_Spoilt):
    """A page that cannot be read counts as read."""

    async def changes(self, kind: str, since: str | None) -> Page:
        try:
            return await self.inner.changes(kind, since)
        except Transient:
            return Page([], since or '{"entries": "2999-01-01T00:00:00Z"}', more=False)


@dataclass(frozen=True)
class _Saboteur:
    subject: str
    lie: str
    spoil: Callable[[Any], Any] = lambda connection: connection
    engine: frozenset[str] = frozenset()
    settings: dict[str, Any] = field(default_factory=dict[str, Any])


_HIDDEN = "lost, and invisible for 30 s"
SABOTEURS = {
    "a login page with 200 is believed": _Saboteur(
        "client.create", "200 with a login page, of the change", _BelievesA200
    ),
    "a lost answer is a failure": _Saboteur(
        "client.create", "a body of four bytes a second, of the change", _TakesLostForFailed
    ),
    "looks up before the record can be seen": _Saboteur("client.create", _HIDDEN, settings={"settle": 5.0}),
    "looks up at once": _Saboteur("client.create", _HIDDEN, engine=frozenset({"look_at_once"})),
    "does not hear how long to wait": _Saboteur(
        "client.create", f"429 with Retry-After: {RETRY_AFTER}, of the change", _HearsNoWait
    ),
    "an expired certificate is waited for": _Saboteur("client.create", "an expired certificate", _TrustsThatItWillPass),
    "what cannot be read counts as read": _Saboteur("time_entry", "200 with a login page", _WaitsForNobody),
}


async def _caught(name: str, database: Database) -> bool:
    """Whether the bench sees the bug, on an account of its own."""
    saboteur, bench = SABOTEURS[name], kantata_bench.bench()
    lie = next(each for each in (*ON_WRITES, *LIES) if each.name == saboteur.lie)
    spoilt = Outcome()
    await _judge(
        spoilt, Case(bench, saboteur.subject, lie), database, saboteur.spoil, saboteur.engine, **saboteur.settings
    )
    await bench.close()
    return bool(spoilt.lost + spoilt.doubled)


BENCH = Bench(
    name="lies",
    title="Systems that are slow, refuse, throttle or lie never get a wrong “done”, and nothing is lost or doubled.",
    proves=("F9",),
    about=(
        "Every write and every kind of read of Salesforce, Kantata and a real Tryton, while the system answers 429 with and "
        "without Retry-After, bursts of 503, an error, a login page or nothing with status 200, an expired certificate, four "
        "bytes a second, a locked period, another schema, an answer in part, pages that repeat or skip a row, and records that "
        "stay invisible for 30 s of virtual time. After each life of a run somebody else reads the system's books: no receipt "
        "without the effect, no second record, and in the end exactly one. A page that skips a row is made good by the overlap "
        "of the next sweep, which is why rows are skipped within it."
    ),
    minutes=4,
    alone=True,
    run=run,
)
