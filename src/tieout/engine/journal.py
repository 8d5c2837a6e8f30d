"""What every run writes about itself and its effects, gathered: claims and receipts of many runs share statements and commits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tieout.connectors.contract import Receipt
from tieout.engine.gathering import Gathering
from tieout.store import crosswalk, endings, journal, together
from tieout.store.crosswalk import Link
from tieout.store.database import Database, Tx
from tieout.store.journal import Received

# Groups under way at once. Fewer share more; more of them than the database has processors for only make each other wait.
_TURNS = 2

# What becomes true in our own books in the transaction that records the receipt.
OnDone = Callable[[Tx, Receipt], Awaitable[None]]


async def nothing_more(tx: Tx, receipt: Receipt) -> None:
    """For effects that teach the hub nothing beyond their receipt."""


@dataclass(frozen=True, slots=True)
class Linking:
    """Teaches the crosswalk which records a receipt names: an OnDone that the journal may gather."""

    links: Callable[[Receipt], Sequence[Link]]

    async def __call__(self, tx: Tx, receipt: Receipt) -> None:
        await crosswalk.link_all(tx, self.links(receipt))


@dataclass(frozen=True, slots=True)
class Proof:
    """A receipt to be written down, with what it teaches."""

    key: str
    receipt: Receipt
    now: datetime
    look_again_at: datetime | None
    on_done: OnDone = nothing_more


class Journal:
    """One for all runs of a process. Each verb answers when what it wrote is durable.

    `sabotage` brings a known bug back: `early_word` answers before the commit.
    """

    def __init__(self, database: Database, sabotage: frozenset[str] = frozenset()) -> None:
        self._database = database
        early, turns = "early_word" in sabotage, asyncio.Semaphore(_TURNS)
        write = database.transaction if early else database.single  # so that there is a moment before the commit
        self.look = Gathering(database.single, journal.look, turns=turns)
        self.contents = Gathering(database.single, journal.contents, turns=turns)
        self.claim = Gathering(write, journal.claim, lambda each: each.key, turns=turns, early=early)
        self._receive = Gathering(database.transaction, _receive, lambda each: each.key, turns=turns, early=early)
        self.tell = Gathering(database.single, together.tell, lambda each: each[0], turns=turns)
        self.decision = Gathering(database.statement, together.decisions, turns=turns)
        self.held = Gathering(database.statement, together.held, turns=turns)
        self.end = Gathering(database.transaction, endings.end, lambda each: each.run_id, turns=turns)

    async def receive(self, proof: Proof) -> Receipt:
        """The first receipt of the effect: this one, or what came before it. What it teaches becomes true with it.

        Whoever has more to write than links does so in a transaction of its own: it may take long.
        """
        if proof.on_done is nothing_more or isinstance(proof.on_done, Linking):
            return await self._receive(proof)
        async with self._database.transaction() as tx:
            (first,) = await _receive(tx, [proof])
        return first


async def _receive(tx: Tx, proofs: Sequence[Proof]) -> list[Receipt]:
    told = [Received(each.key, _stored(each.receipt), each.now, each.look_again_at) for each in proofs]
    earlier = await journal.receive(tx, told)
    new = [each for each, first in zip(proofs, earlier, strict=True) if first is None]
    links = [link for each in new if isinstance(each.on_done, Linking) for link in each.on_done.links(each.receipt)]
    if links:
        await crosswalk.link_all(tx, links)
    for each in new:
        if not isinstance(each.on_done, Linking):
            await each.on_done(tx, each.receipt)
    return [each.receipt if first is None else receipt_of(first) for each, first in zip(proofs, earlier, strict=True)]


def _stored(receipt: Receipt) -> dict[str, Any]:
    return {"id": receipt.id, "parts": dict(receipt.parts), "answer": receipt.answer}


def receipt_of(stored: Mapping[str, Any]) -> Receipt:
    return Receipt(stored["id"], stored["parts"], stored["answer"])
