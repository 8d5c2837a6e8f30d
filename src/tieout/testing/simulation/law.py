"""What must be true of every simulated world when it has come to rest, whatever struck it."""

from __future__ import annotations

from tieout.connectors.contract import Guarantee
from tieout.testing.simulation.books import Run
from tieout.testing.simulation.life import CUSTOMER
from tieout.testing.simulation.target import CREATE
from tieout.testing.simulation.world import World


def broken(world: World) -> list[str]:
    """Every law that this world broke, as sentences; none when all is well."""
    return [
        *_conservation(world),
        *_made(world, CREATE[world.scenario.customer].name, CUSTOMER, needed=bool(world.books.runs)),
        *(said for subject in range(len(world.scenario.subjects)) for said in _of_subject(world, subject)),
    ]


def _conservation(world: World) -> list[str]:
    """received = done + held + ignored, in count and in minor units, and nothing is left in flight."""
    messages = world.books.messages.values()
    settled = [each for each in messages if each.state in ("done", "held", "ignored")]
    found = [
        f"S{each.subject}: state {each.version} is {each.state} for ever" for each in messages if each not in settled
    ]
    if len(settled) != world.books.received:
        found.append(f"{world.books.received} messages received, {len(settled)} settled")
    if sum(each.minor for each in settled) != world.books.received_minor:
        found.append(f"{world.books.received_minor} received in minor units, and less is settled")
    found += [
        f"run {each.id} is {each.state} for ever"
        for each in world.books.runs.values()
        if each.state not in ("done", "ignored")
    ]
    return found  # fmt: skip


def _of_subject(world: World, subject: int) -> list[str]:
    guarantee, name, runs = world.scenario.subjects[subject], f"S{subject}", _runs(world, subject)
    operation = CREATE[guarantee].name
    given_up = any(each.state == "ignored" and each.about == "document" for each in runs)
    needed = bool(runs) and not given_up
    found = _made(world, operation, name, needed=needed)
    if guarantee is Guarantee.NONE and world.target.received[operation, name] > 1:
        found.append(f"{name} (class E) was sent {world.target.received[operation, name]} times without a person")
    if needed:
        found += _content(world, subject)
    return [*found, *_attempts(world, subject)]


def _made(world: World, operation: str, name: str, *, needed: bool) -> list[str]:
    """Exactly one, however often it was tried."""
    there = len(world.target.made[operation, name])
    if there == 0 and needed:
        return [f"{name} is lost: {operation} made nothing"]
    # A target that breaks its own promise may double, and then a person must have been told.
    told = name in world.beyond and name in world.told
    return [f"{name} is doubled: {operation} made {there}"] if there > 1 and not told else []


def _content(world: World, subject: int) -> list[str]:
    """The target says what the record said last, not what arrived last."""
    said, newest = world.target.reports.get(f"S{subject}"), len(world.scenario.changes[subject]) - 1
    return [] if said == newest else [f"S{subject} is reported as state {said}, and the newest is {newest}"]


def _attempts(world: World, subject: int) -> list[str]:
    """No life claims an effect twice, so whatever is tried again and again is seen by the number of lives."""
    lives = sum(world.lives[each.id] for each in _runs(world, subject))
    found = [each for key, each in world.books.effects.items() if key[1] == f"S{subject}" and each.attempts > lives]
    return [f"S{subject}: {each.request.operation} has {each.attempts} attempts in {lives} lives" for each in found]


def _runs(world: World, subject: int) -> list[Run]:
    return [each for each in world.books.runs.values() if each.subject == subject]
