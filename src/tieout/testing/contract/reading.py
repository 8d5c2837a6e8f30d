"""What every source promises: overlap, nothing lost whatever the order, and one version of a record wherever it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import TypeVar

from tieout.connectors.contract import Change, Page
from tieout.domain.identity import Ref
from tieout.domain.problems import Misconfigured, Transient
from tieout.testing.contract.bench import Broken, Trial, promise
from tieout.testing.contract.network import AWAY, LIES, UNANSWERED
from tieout.testing.contract.striking import at_every_call

_LONG = timedelta(hours=1)
_PAGES = 500
_DEEDS = ("make", "make", "late", "change", "change", "change", "remove", "read", "read", "read", "wait", "wait")
_Deed = TypeVar("_Deed")


async def the_same_cursor_tells_the_same(trial: Trial) -> None:
    feed = trial.bench.feed(trial.subject)
    made = [await feed.make() for _ in range(3)]
    for since in (None, (await drained(trial, None))[1]):
        first = await trial.source.changes(trial.subject, since)
        second = await trial.source.changes(trial.subject, since)
        promise(_said(first) == _said(second), f"since {since}: {_said(first)}, then {_said(second)}")
    changes, _ = await drained(trial, None)
    lacking = set(made) - {each.ref.id for each in changes}
    promise(not lacking, f"the first sweep left out {lacking}")


async def looking_agrees_with_the_sweep(trial: Trial) -> None:
    feed = trial.bench.feed(trial.subject)
    record = await feed.make()
    changes, _ = await drained(trial, None)
    swept = newest(changes)[record]
    looked = await trial.source.look(ref(trial, record))
    promise(looked == swept, f"the sweep told {swept}, a look tells {looked}")
    promise("#" in swept.version, f"{swept.version} has no fingerprint: two states of one instant would be the same")


async def a_document_has_the_version_of_its_record(trial: Trial) -> None:
    record = await trial.bench.feed(trial.subject).make()
    looked = await trial.source.look(ref(trial, record))
    reading = await trial.source.read(ref(trial, record))
    if looked is None or reading is None:
        raise Broken(f"{record} was just made; look tells {looked}, read {reading}")
    promise(reading.version == looked.version, f"read {reading.version}, looked at {looked.version}")
    promise(bool(reading.trail), "no field says where it came from")


async def a_change_is_seen(trial: Trial) -> None:
    feed = trial.bench.feed(trial.subject)
    change = _able(feed.change, "change")
    record = await feed.make()
    changes, cursor = await drained(trial, None)
    before = newest(changes)[record].version
    trial.bench.forward(_LONG)
    await change(record)
    changes, _ = await drained(trial, cursor)
    after = newest(changes).get(record)
    promise(after is not None and after.version > before, f"{before} became {after}")


async def versions_are_in_the_source_s_order(trial: Trial) -> None:
    """Byte by byte, as the hub compares them: it takes a state for older when the source made it earlier, and only then."""
    feed = trial.bench.feed(trial.subject)
    record = await feed.make()
    told = [await _version(trial, record)]
    for _ in range(3 if feed.change else 0):
        trial.bench.forward(timedelta(minutes=1))
        await _able(feed.change, "change")(record)
        told.append(await _version(trial, record))
    stamps = [each.partition("#")[0].encode() for each in told]
    promise(stamps == sorted(set(stamps)), f"one state after the other was told as {told}")
    changes, _ = await drained(trial, None)
    versions = [*told, *(each.version for each in changes)]
    promise(
        all(each.count("#") == 1 and "~" not in each for each in versions), f"a stamp, `#`, a fingerprint: {versions}"
    )
    forms = {re.sub(r"[0-9]", "0", each.partition("#")[0]) for each in versions}
    promise(len(forms) == 1, f"stamps of different forms have no order as text: {sorted(forms)}")


async def _version(trial: Trial, record: str) -> str:
    looked = await trial.source.look(ref(trial, record))
    promise(looked is not None, f"{record} was just made, and a look tells nothing")
    return looked.version if looked else ""


async def a_late_commit_is_seen(trial: Trial) -> None:
    """A slow transaction: its record becomes visible after a later one was read, with the stamp of its beginning."""
    feed = trial.bench.feed(trial.subject)
    late = _able(feed.late, "late")
    await feed.make()
    _, cursor = await drained(trial, None)
    trial.bench.forward(_LONG)
    quick = await feed.make()
    changes, cursor = await drained(trial, cursor)
    slow = await late(feed.lag)
    looked = await trial.source.look(ref(trial, slow))
    promise(
        looked is not None and looked.version < newest(changes)[quick].version,
        f"the bench's late record is not late: {looked and looked.version}",
    )
    await _has_seen(trial, slow, (await drained(trial, cursor))[0])


async def a_deletion_is_seen(trial: Trial) -> None:
    feed = trial.bench.feed(trial.subject)
    record = await feed.make()
    _, cursor = await drained(trial, None)
    if not feed.merges:
        trial.bench.forward(_LONG)
        await _able(feed.remove, "remove")(record)
    changes, _ = await drained(trial, cursor)
    swept = newest(changes).get(record)
    promise(swept is not None and swept.deleted, f"what was removed is told as {swept}")
    promise(not feed.merges or (swept is not None and bool(swept.merged_into)), f"a merge is told as {swept}")
    promise(await trial.source.look(ref(trial, record)) == swept, "a look tells another end of it")


async def nothing_is_lost_whatever_the_order(trial: Trial) -> None:
    """A seeded walk: people work at the source while the hub reads it page by page."""
    for seed in (1,) if trial.bench.dear else (1, 2, 3):
        await Walk(trial, seed).go()


class Walk:
    """People make, change, remove and are late; between any two of their deeds the hub may read one page."""

    def __init__(self, trial: Trial, seed: int) -> None:
        self._trial = trial
        self._feed = trial.bench.feed(trial.subject)
        self._chance = Random(seed)  # noqa: S311 - repeatable on purpose
        self._seed = seed
        self._made: list[str] = []
        self._removed: set[str] = set()
        self._forgets = f"a_deletion_is_seen:{trial.subject}" in trial.bench.spec.waivers
        self._seen: list[Change] = []
        self._cursor: str | None = None

    async def go(self) -> None:
        for _ in range(self._trial.bench.steps):
            await self._deed()
        for _ in ("the sweep that is going on", "a whole one after it"):
            while await self._read():
                pass
        for record in self._made:
            if record in self._removed and self._forgets:
                continue
            await _has_seen(self._trial, record, self._seen, f"seed {self._seed}: ")

    async def _deed(self) -> None:
        feed, chance = self._feed, self._chance
        record = chance.choice(self._made) if self._made else ""
        match chance.choice(_DEEDS):
            case "make":
                self._made.append(await feed.make())
            case "late" if feed.late:
                self._made.append(await feed.make())
                await self._read()
                self._made.append(await feed.late(feed.lag))
            case "change" if record and feed.change and record not in self._removed:
                await feed.change(record)
            case "remove" if record and feed.remove and record not in self._removed:
                self._removed.add(record)
                await feed.remove(record)
            case "read":
                await self._read()
            case _:
                self._trial.bench.forward(timedelta(seconds=chance.choice((0, 1, 45, 400))))

    async def _read(self) -> bool:
        page = await self._trial.source.changes(self._trial.subject, self._cursor)
        self._seen += page.changes
        if page.complete:
            self._cursor = page.cursor
        return page.more


async def what_cannot_be_read_tells_nothing(trial: Trial) -> None:
    """No page and no look while a call fails: an empty page would be believed, and the cursor would move on."""
    record = await trial.bench.feed(trial.subject).make()
    source, kind = trial.source, trial.subject
    for act in (lambda: source.changes(kind, None), lambda: source.look(ref(trial, record))):
        async for strike in at_every_call(trial, (*AWAY, *UNANSWERED, *LIES), act):
            allowed = Transient | Misconfigured if strike.fault in LIES else Transient
            promise(isinstance(strike.result, allowed), f"{strike}")


def ref(trial: Trial, record: str) -> Ref:
    return Ref(trial.source.name, trial.subject, record)


async def drained(trial: Trial, since: str | None) -> tuple[list[Change], str]:
    """All changes after a cursor, over all pages, and the cursor that follows."""
    changes: list[Change] = []
    for _ in range(_PAGES):
        page = await trial.source.changes(trial.subject, since)
        promise(page.complete, f"an incomplete page without a fault, after {since}")
        changes += page.changes
        since = page.cursor
        if not page.more:
            return changes, page.cursor
    raise Broken(f"after {_PAGES} pages there is still more")


def newest(changes: Sequence[Change]) -> dict[str, Change]:
    """The last state of each record: by the source's stamp, and of two states of one instant the one told last."""
    return {each.ref.id: each for each in sorted(changes, key=lambda each: each.version.partition("#")[0])}


async def _has_seen(trial: Trial, record: str, changes: Sequence[Change], where: str = "") -> None:
    looked = await trial.source.look(ref(trial, record))
    swept = newest(changes).get(record)
    told_of = {each.version for each in changes if each.ref.id == record}
    promise(
        looked is not None and looked.version in told_of and swept is not None and swept.version == looked.version,
        f"{where}{record} is at {looked and looked.version}, the sweeps told of {sorted(told_of)}",
    )


def _said(page: Page) -> tuple[list[tuple[str, str]], str, bool]:
    return [(each.ref.id, each.version) for each in page.changes], page.cursor, page.more


def _able(deed: _Deed | None, name: str) -> _Deed:
    if deed is None:
        raise Broken(f"the bench's feed cannot “{name}”: give it a hand, or waive the check with a reason")
    return deed
