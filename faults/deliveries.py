"""A source whose messages come twice, late, out of order, forged and played back, before the real door and the real intake.

Deals ring at the door and are applied by a flow that believes whatever message it is given, so that nothing but intake
keeps the order; time entries come in pages and are stored by the store's own statement, which has a guard of its own.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, cast

import httpx2
from standardwebhooks import Webhook

from tieout.api.belfry import Belfry
from tieout.api.hooks import Doorway
from tieout.api.limits import Limits
from tieout.connectors.contract import Change, Page
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.salesforce.doorbell import SalesforceDoorbell
from tieout.domain.firm import Firm
from tieout.domain.identity import Ref
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.run import Run, flow
from tieout.store import bells, messages, runs
from tieout.store.bells import Ring
from tieout.store.database import Database, rows
from tieout.systems.register import Register
from tieout.testing.books import Books
from tieout.testing.database import fresh_database, opened

KINDS = {"opportunity": "salesforce", "time_entry": "kantata"}
TOKEN, SECRET = "of-the-door", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"  # noqa: S105 - of another legal entity's door
LAVISH = Limits(rings=1e9, rings_at_once=10**9)
BEGAN = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
# A ring is answered with one look, as long as nothing rings meanwhile.
_LOOKS = 5
# These need one before them that is right.
AFTER_AN_HONEST_ONE = frozenset({"twice", "id used again", "played back"})


@dataclass(frozen=True, slots=True)
class Call:
    """A ring as it goes out: who signed what and when, and what became of it on the way."""

    id: str
    record: str
    signed_at: datetime
    secret: str = SECRET
    padding: bytes = b""
    token: str = TOKEN
    claimed: str = ""
    changed: bytes = b""
    compressed: bool = False

    @property
    def _signed(self) -> bytes:
        return json.dumps({"type": "opportunity.changed", "refs": [self.record]}).encode() + self.padding

    @property
    def body(self) -> bytes:
        return gzip.compress(self._signed) if self.compressed else self._signed + self.changed

    @property
    def headers(self) -> dict[str, str]:
        sign = Webhook(self.secret).sign if self.secret else lambda *_: "v1,"
        return {
            "webhook-id": self.claimed or self.id,
            "webhook-timestamp": str(int(self.signed_at.timestamp())),
            "webhook-signature": sign(self.id, self.signed_at, self._signed.decode()),
            **({"content-encoding": "gzip"} if self.compressed else {}),
        }


# What becomes of a ring on its way …
SPOILT: Mapping[str, Callable[[Call], Call]] = {
    "honest": lambda call: call,
    "twice": lambda call: call,
    "played back": lambda call: call,
    "id used again": lambda call: replace(call, record=record_id("opportunity", 99)),
    "from the future": lambda call: replace(call, signed_at=call.signed_at + timedelta(minutes=6)),
    "body changed": lambda call: replace(call, changed=b" "),
    "id changed": lambda call: replace(call, claimed=f"{call.id}0"),
    "not signed": lambda call: replace(call, secret=""),
    "signed by another": lambda call: replace(call, secret=OTHER_SECRET),
    "wrong token": lambda call: replace(call, token="guessed"),  # noqa: S106 - it is wrong
    "huge": lambda call: replace(call, padding=b" " * 10 * 2**20),
    "compressed": lambda call: replace(call, compressed=True),
}
# … and what the door must answer.
RINGS: Mapping[str, int] = {
    "honest": 200, "twice": 200, "id used again": 200, "played back": 401, "from the future": 401, "body changed": 401,
    "id changed": 401, "not signed": 401, "signed by another": 401, "wrong token": 404, "huge": 413, "compressed": 415,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class State:
    """What a record is at a second of the source's clock."""

    second: int
    content: int
    deleted: bool = False

    @property
    def version(self) -> str:
        moment = BEGAN + timedelta(seconds=self.second)
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}#{'d' if self.deleted else ''}{self.content:06}"


class Source:
    """Remembers every state that each record ever had, and tells whichever it is asked to tell."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.name = KINDS[kind]
        self.states: dict[str, list[State]] = {}
        self.page: list[tuple[str, int]] = []
        self.stale: dict[str, int] = {}
        self.told: list[tuple[str, int]] = []

    async def changes(self, kind: str, since: str | None) -> Page:
        page, self.page = self.page, []
        return Page([self._change(record, self.states[record][which]) for record, which in page], since or "0", False)

    async def look(self, ref: Ref) -> Change | None:
        states = self.states.get(ref.id)
        if not states:
            return None
        which = self.stale.pop(ref.id, len(states) - 1)
        self.told.append((ref.id, which))
        return self._change(ref.id, states[which])

    def _change(self, record: str, state: State) -> Change:
        told = (
            None
            if state.deleted
            else {**_ENTRY, "source_id": record, "source_version": state.version, "minutes": state.content}
        )
        return Change(Ref(self.name, self.kind, record), state.version, told, deleted=state.deleted)


_ENTRY = {
    "project": "W1", "task": "", "person": "K003", "person_name": "Priya", "work_date": "2026-10-01", "billable_minutes": 0,
    "rate": None, "currency": "USD", "state": "approved", "approved_by": "lead", "approved_at": None, "notes": "", "mapping": "m1",
}  # fmt: skip


@flow(version=1, title="A deal is what the message says", starts_on=("crm", "opportunity"))
async def deal(run: Run, systems: World) -> None:
    for each in run.messages:
        systems.applied[each.ref.id].append(each.version)


@flow(version=1, title="A page of time", starts_on=("psa", "time_entry"), page=20)
async def page_of_time(run: Run, systems: World) -> None:
    gone = {each.ref.id: each.version for each in run.messages if each.deleted}
    await run.step("store the page", systems.register.take_time, "kantata", run.id, [], gone)
    await run.step("settle the messages", systems.register.settle_time, "kantata", run.id)


@dataclass(slots=True)
class Verdict:
    """What went wrong, one sentence each: a state lost or undone, one applied twice, a ring believed that proved nothing."""

    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    believed: list[str] = field(default_factory=list[str])

    @property
    def everything(self) -> list[str]:
        return [*self.lost, *self.doubled, *self.believed]


class World:
    """One database with a source for each kind, the door, intake, and a worker; `faults` counts what was done to them."""

    def __init__(self, database: Database, limits: Limits = LAVISH) -> None:
        self.database = database
        self.sources = {kind: Source(kind) for kind in KINDS}
        self.applied: dict[str, list[str]] = defaultdict(list)
        self.faults: Counter[str] = Counter()
        self.verdict = Verdict()
        self.second = 0
        self.off = timedelta()
        self.register = Register(database, self.now)
        flows = {"opportunity": deal, "time_entry": page_of_time}
        self.feeds = {kind: Feed(cast(Any, source), kind, flows[kind]) for kind, source in self.sources.items()}
        self.intake = Intake(database, self.now, list(self.feeds.values()))
        self._executor = Executor(
            database, self.now, BEGAN.date, [deal, page_of_time], lambda *_: self, _no_firm, "worker"
        )
        self._doorway = Doorway(
            {"salesforce": _doorbell()}, {"salesforce": TOKEN}, Belfry(self._commit, lambda: None), limits, self.now,
            lambda: 10**12, lambda: 0.0,
        )  # fmt: skip
        self._rung: dict[tuple[str, str], set[bytes]] = {}
        self._numbers = 0
        self._seen = 0
        self._told: set[tuple[str, int]] = set()
        self._newest: Counter[str] = Counter()

    async def _commit(self, rings: Sequence[Ring]) -> None:
        async with self.database.statement() as tx:
            await bells.store(tx, rings)

    def there(self) -> datetime:
        """The source's clock."""
        return BEGAN + timedelta(seconds=self.second)

    def now(self) -> datetime:
        """The hub's clock, which may be `off`."""
        return self.there() + self.off

    # -- what happens at the source

    def change(
        self, kind: str, number: int, *, at_once: bool = False, back: bool = False, delete: bool = False
    ) -> None:
        """The next state of a record: later, in the same second (`at_once`), what it was before (`back`), or its end."""
        states = self.sources[kind].states.setdefault(record_id(kind, number), [])
        if states and states[-1].deleted:
            return
        if not at_once:
            self.second += 1
        self._numbers += 1
        content = states[-2].content if back and len(states) > 1 else self._numbers
        states.append(State(max(self.second, states[-1].second if states else 0), content, delete and bool(states)))

    # -- what arrives

    async def sweep(self, kind: str, page: Sequence[tuple[str, int]]) -> None:
        """A page with any states of any records, in any order: late, repeated, or told by a replica that is behind."""
        source = self.sources[kind]
        source.page = list(page)
        self._count(source, page)
        await self.intake.sweep(self.feeds[kind])
        await self._watch(source, page)

    async def answer_bells(self, stale: Mapping[str, int]) -> None:
        """Follows every ring; a look at a record of `stale` is answered with an older state."""
        source = self.sources["opportunity"]
        source.stale = dict(stale)
        self._count(source, list(stale.items()))
        for _ in range(_LOOKS):
            if not await self.intake.answer_bells(cast(Any, source)):
                break
        else:
            self.verdict.lost.append("rings are answered, and are not answered: they are looked at again and again")
        await self._watch(source, source.told)
        source.told = []

    async def ring(self, how: str, number: int) -> None:
        """Rings for a deal, honestly or not, and looks whether the door answers as it must."""
        self._numbers += 1
        call = Call(f"msg_{self._numbers}", record_id("opportunity", number), self.there())
        if how in AFTER_AN_HONEST_ONE:
            await self._post(call, "honest")
        if how != "honest":
            self.faults[f"a ring: {how}"] += 1
        if how == "played back":
            self.second += 6 * 60
        await self._post(SPOILT[how](call), how)

    async def _post(self, call: Call, how: str) -> None:
        if RINGS[how] == 200:
            self._rung.setdefault((call.id, call.record), set()).add(call.body)
        door = httpx2.ASGITransport(self._doorway)
        async with httpx2.AsyncClient(transport=door, base_url="https://hub") as client:
            answer = await client.post(f"/hooks/salesforce/{call.token}", content=call.body, headers=call.headers)
        if answer.status_code != RINGS[how]:
            self.verdict.believed.append(f"a ring ({how}) was answered with {answer.status_code}, not {RINGS[how]}")

    # -- what the hub does about it

    async def work(self, most: int = 10_000) -> None:
        """Works so many runs off at most, in the order in which they are handed to the workers: one of a lane at a time."""
        while most > 0:
            async with self.database.transaction() as tx:
                due = await runs.due(tx, self.now(), most)
                await runs.handed_over(tx, [each["id"] for each in due])
            if not due:
                return
            for each in due:
                await self._executor.execute(each["id"], each["generation"])
            most -= len(due)

    async def finish(self) -> Verdict:
        """The source is read once more as it is, everything is worked off, and what the hub then holds true is compared."""
        self.second += 1
        for kind, source in self.sources.items():
            await self.sweep(kind, [(record, len(states) - 1) for record, states in source.states.items()])
        await self.answer_bells({})
        await self.work()
        await self._compare()
        return self.verdict

    async def _compare(self) -> None:
        async with self.database.transaction() as tx:
            entries = {
                each["source_id"]: [(_content(each["version"]), each["state"])]
                for each in await rows(tx, "select source_id, version, state from time_entry")
            }
            law = await messages.conservation(tx)
            kept = {
                (each["id"], each["record_id"]): each["n"]
                for each in await rows(tx, "select id, record_id, count(*) as n from bell group by 1, 2")
            }
        for record, states in self.sources["opportunity"].states.items():
            self._compare_deal(record, states[-1])
        for record, states in self.sources["time_entry"].states.items():
            wanted = (_content(states[-1].version), "deleted" if states[-1].deleted else "approved")
            # An entry that was gone before the hub ever saw it is nothing to hold on to.
            if entries.get(record, [wanted] if states[-1].deleted else []) != [wanted]:
                self.verdict.lost.append(f"entry {record} is {entries.get(record)}, and its source says {wanted}")
        self.verdict.lost += [
            f"the conservation law of {each['kind']}: {each['missing']} missing, {each['in_flight']} in flight"
            for each in law
            # Nobody sold the entries' project, so they wait; deals have nothing to wait for.
            if each["missing"] or each["in_flight"] or (each["held"] and each["kind"] == "opportunity")
        ]
        made = {ring: len(bodies) for ring, bodies in self._rung.items()}
        if kept != made:
            self.verdict.doubled.append(f"{sum(kept.values())} rings are kept, {sum(made.values())} were made")

    def _compare_deal(self, record: str, state: State) -> None:
        made = [_content(each) for each in self.applied[record]]
        self.verdict.doubled += [f"{record} was made {one} twice" for one, other in pairwise(made) if one == other]
        if made[-1:] != [_content(state.version)]:
            self.verdict.lost.append(f"{record} is {made[-1:]}, and its source says {state.version}")

    async def _watch(self, source: Source, told: Sequence[tuple[str, int]]) -> None:
        """Whether what was taken for news is at least as new as everything told of its record before."""
        async with self.database.transaction() as tx:
            found = await rows(
                tx, "select id, record_id, version, state from message where id > %s order by id", (self._seen,)
            )
        for each in found:
            self._seen = each["id"]
            if each["state"] != "ignored":
                taken = [which for record, which in told if record == each["record_id"]]
                self._taken(source, each["record_id"], taken, _base(each["version"]))
        for record, which in told:
            self._newest[record] = max(self._newest[record], source.states[record][which].second)

    def _taken(self, source: Source, record: str, told: Sequence[int], version: str) -> None:
        states = [source.states[record][which] for which in told]
        before = [each.second for each in states[: [each.version for each in states].index(version)]]
        newest = max([self._newest[record], *before])
        if states[len(before)].second < newest:
            self.verdict.lost.append(
                f"{record} was told as of second {newest}, and {version} was taken for news after it"
            )

    def _count(self, source: Source, told: Sequence[tuple[str, int]]) -> None:
        """What of a page or a look is a fault: not the newest state, or one that was told before."""
        for record, which in told:
            if which < len(source.states[record]) - 1:
                self.faults["an older state"] += 1
            elif (record, which) in self._told:
                self.faults["the newest state again"] += 1
            self._told.add((record, which))


def record_id(kind: str, number: int) -> str:
    return f"006{number:012}" if kind == "opportunity" else f"{number}"


def _base(version: str) -> str:
    """A version without the count of how often the source went back to it."""
    return version.partition("~")[0]


def _content(version: str) -> str:
    return _base(version).partition("#")[2]


def _no_firm() -> Firm:
    return Firm.model_construct(name="Nobody's")


def _doorbell() -> SalesforceDoorbell:
    settings = {
        "url": "https://acme.my.salesforce.com", "client_id": "id", "client_secret": "s", "webhook_secret": SECRET,
        "doorbell_secret": TOKEN,
    }  # fmt: skip
    return SalesforceDoorbell("salesforce", SalesforceConfig.model_validate(settings))


@asynccontextmanager
async def world(template: str, limits: Limits = LAVISH) -> AsyncGenerator[World, None]:
    """A world on a fresh database of its own."""
    with fresh_database(template) as url:
        async with opened(url) as database:
            await Books(database, BEGAN).open()
            yield World(database, limits)


async def walk(world_: World, chance: random.Random, steps: int) -> None:
    """So many things happen, at the source, on the way and in the hub, in an order that the seed decides."""
    for _ in range(steps):
        kind, number = chance.choice(list(KINDS)), chance.randrange(5)
        states = world_.sources[kind].states
        told = (
            [(each, chance.randrange(len(states[each]))) for each in chance.choices([*states], k=4)] if states else []
        )
        match chance.choice(_DEEDS):
            case "change":
                spice = chance.random()
                world_.change(kind, number, at_once=spice < 0.4, back=spice < 0.2, delete=spice > 0.95)
            case "sweep":
                await world_.sweep(kind, told)
            case "ring":
                await world_.ring(chance.choice(list(RINGS)), number)
            case "answer":
                stale = told if kind == "opportunity" else []
                await world_.answer_bells(dict(stale))
            case _:
                await world_.work(chance.randrange(1, 4))


_DEEDS = ("change", "change", "change", "sweep", "sweep", "sweep", "ring", "ring", "answer", "work")
