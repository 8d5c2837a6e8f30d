"""Webhooks come twice, late, out of order, forged and played back: the newest state stays, once, and nobody is believed unproved."""

from __future__ import annotations

import gzip
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from faults.bench import Bench, Budget, Outcome, Progress
from faults.deliveries import LAVISH, World, walk, world
from faults.recording import recorded_by
from tieout.api.hooks import Doorway
from tieout.api.limits import Limits
from tieout.connectors.signatures import Hmac
from tieout.store import bells, messages, time
from tieout.store.bells import Ring
from tieout.store.database import Tx, rows
from tieout.store.messages import Arrival
from tieout.testing.database import migrated_postgres

_FAULTS, _STEPS = 20_000, 80
# A saboteur shows within this many walks.
_PATIENCE = 12
Sabotage = AbstractContextManager[Any]
_numbers = itertools.count(1)


@contextmanager
def last_arrival_wins() -> Iterator[None]:
    """Intake has no guard of the order any more: what comes after a newer state is news."""
    record = messages.record

    async def careless(tx: Tx, arrivals: Sequence[Arrival], **more: Any) -> list[dict[str, Any]]:
        stored = await record(tx, arrivals, **more)
        ids = [each["id"] for each in stored]
        await tx.execute(
            "update message set state = 'received', reason = '', settled_at = null where id = any(%s)", (ids,)
        )
        return stored

    with recorded_by(careless):
        yield


@contextmanager
def the_last_page_wins() -> Iterator[None]:
    """The store of time entries has no guard of its own any more."""
    take_page = time.take_page

    async def careless(tx: Tx, connection: str, run_id: str, rates: Sequence[Mapping[str, Any]], now: Any) -> None:
        await tx.execute(
            """
            update time_entry set version = '', state = 'draft'
            where source_id in (select record_id from message where run_id = %s)
            """,
            (run_id,),
        )
        await take_page(tx, connection, run_id, rates, now)

    with patch.object(time, "take_page", careless):
        yield


@contextmanager
def nothing_is_remembered() -> Iterator[None]:
    """Every arrival is taken for news, as if nothing like it had ever come."""
    record = messages.record

    async def forgetful(tx: Tx, arrivals: Sequence[Arrival], **more: Any) -> list[dict[str, Any]]:
        return await record(
            tx, [replace(each, version=f"{each.version}~n{next(_numbers)}") for each in arrivals], **more
        )

    with recorded_by(forgetful):
        yield


@contextmanager
def what_was_told_once_is_never_news() -> Iterator[None]:
    """The source went back to a state within one second, and intake says that it has seen it."""
    record = messages.record

    async def stubborn(tx: Tx, arrivals: Sequence[Arrival], **more: Any) -> list[dict[str, Any]]:
        known = await rows(
            tx,
            "select record_id, version from message where record_id = any(%s)",
            ([each.record_id for each in arrivals],),
        )
        seen = {(each["record_id"], each["version"]) for each in known}
        return await record(tx, [each for each in arrivals if (each.record_id, each.version) not in seen], **more)

    with recorded_by(stubborn):
        yield


@contextmanager
def every_ring_is_a_new_one() -> Iterator[None]:
    store = bells.store

    async def forgetful(tx: Tx, rings: Sequence[Ring]) -> None:
        await store(tx, [replace(each, content=f"{each.content}{next(_numbers)}") for each in rings])

    with patch.object(bells, "store", forgetful):
        yield


def one_id_is_one_ring() -> Sabotage:
    store = bells.store

    async def narrow(tx: Tx, rings: Sequence[Ring]) -> None:
        known = {each["id"] for each in await rows(tx, "select id from bell")}
        await store(tx, [each for each in rings if each.id not in known])

    return patch.object(bells, "store", narrow)


def no_signature_is_looked_at() -> Sabotage:
    return patch.object(Hmac, "verify", lambda self, headers, body, now: headers.get("webhook-id", ""))


def no_replay_window() -> Sabotage:
    verify = Hmac.verify

    def patient(self: Hmac, headers: Mapping[str, str], body: bytes, now: Any) -> str:
        return verify(replace(self, tolerance=timedelta(days=1)), headers, body, now)

    return patch.object(Hmac, "verify", patient)


def what_is_compressed_is_unpacked() -> Sabotage:
    body = Doorway._body

    async def obliging(self: Doorway, headers: dict[str, str], receive: Any) -> bytes:
        packed = headers.pop("content-encoding", "")
        told = await body(self, headers, receive)
        return gzip.decompress(told) if packed else told

    return patch.object(Doorway, "_body", obliging)


def the_token_is_not_looked_at() -> Sabotage:
    return patch.object(Doorway, "_door", lambda self, connection, token: self.doorbells[connection])


def nothing() -> Sabotage:
    return ExitStack()


# The bug and the limits with which it is brought back, by name.
SABOTEURS: Mapping[str, tuple[Callable[[], Sabotage], Limits]] = {
    "last arrival wins": (last_arrival_wins, LAVISH),
    "nothing is remembered": (nothing_is_remembered, LAVISH),
    "what was told once is never news": (what_was_told_once_is_never_news, LAVISH),
    "every ring is a new one": (every_ring_is_a_new_one, LAVISH),
    "one id is one ring": (one_id_is_one_ring, LAVISH),
    "no signature is looked at": (no_signature_is_looked_at, LAVISH),
    "no replay window": (no_replay_window, LAVISH),
    "the token is not looked at": (the_token_is_not_looked_at, LAVISH),
    "what is compressed is unpacked": (what_is_compressed_is_unpacked, LAVISH),
    "any size is taken": (nothing, replace(LAVISH, ring=2**30)),
}


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    """Walks of consecutive seeds, each in a database of its own."""
    outcome, struck, goal = Outcome(), Counter[str](), budget.goal(_FAULTS)
    with migrated_postgres() as template:
        for name, (sabotage, limits) in SABOTEURS.items():
            outcome.saboteurs[name] = await noticed(template, sabotage, limits, seed)
            progress(0, goal, f"{name}: {'noticed' if outcome.saboteurs[name] else 'not noticed'}")
        for each in itertools.count(seed):
            if struck.total() >= goal:
                break
            if budget.over:
                outcome.cut_short = f"{struck.total():,} of {goal:,} faults"
                break
            gone = await one_walk(template, each, LAVISH)
            struck += gone.faults
            outcome.lost += len(gone.verdict.lost) + len(gone.verdict.believed)
            outcome.doubled += len(gone.verdict.doubled)
            outcome.evidence += [f"seed {each}: {what}" for what in gone.verdict.everything][:5]
            progress(struck.total(), goal, f"{each - seed + 1:,} walks")
    outcome.real = struck.total()
    outcome.measures = {what: (count, "") for what, count in sorted(struck.items())}
    return outcome


async def one_walk(template: str, seed: int, limits: Limits) -> World:
    async with world(template, limits) as here:
        await walk(here, random.Random(seed), _STEPS)  # noqa: S311 - repeatable on purpose
        await here.finish()
        return here


async def noticed(template: str, sabotage: Callable[[], Sabotage], limits: Limits, seed: int) -> bool:
    """Whether the bug shows in one of a few walks."""
    with sabotage():
        for each in range(seed, seed + _PATIENCE):
            gone = await one_walk(template, each, limits)
            if gone.verdict.everything:
                return True
    return False


BENCH = Bench(
    name="webhooks",
    title="The newest state of a record stays, made once, whatever comes twice, late, out of order, forged or played back.",
    proves=("F7",),
    about=(
        "Deals and time entries change at a source, several times within one second too, go back to what they were, and are "
        "deleted. Pages bring any of their states in any order, looks are answered by a replica that is behind, and rings "
        "reach the door honest, repeated, played back after six minutes, signed for the future or by another legal entity, "
        "changed, with an id that was used before, compressed, or ten megabytes long. Door, group commit, intake, runs, the "
        "store of time entries and Postgres are the product's own. No state may undo a newer one or be made twice, no ring "
        "may be believed that proves nothing or be kept twice, and when the source has been read once more everything must "
        "be as it says, with the conservation law at zero."
    ),
    minutes=2,
    run=run,
)
