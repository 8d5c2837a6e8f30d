"""How long the evidence pack of a large invoice takes, and how long anybody takes to check it."""

from __future__ import annotations

import time

from tieout.domain.access import Actor
from tieout.domain.evidence.checking import check
from tieout.engine.evidence import evidence_pack
from tieout.testing.books import Books

from .ground import ground
from .measuring import Figure, Watch, percentile, spread

PACKS = 7
_READER = Actor("Anna Fischer", "anna.fischer@kestrel.example", frozenset({"finance"}))


async def measure(entries: int = 10_000) -> list[Figure]:
    """The median of several packs, each of an invoice of so many entries on two lines; every pack is checked."""
    async with ground() as on:
        books = Books(on.database)
        await books.open()
        deal = await books.deal(1)
        await books.time(deal, [(f"T{n}", 1 + n % 2, 15) for n in range(entries)])
        await books.posted(deal, await books.proposal(deal), "2026/0001")
        pack = await evidence_pack(on.database, books.now, "2026/0001", reader=_READER)
        made: list[float] = []
        checked: list[float] = []
        watch = Watch(postgres=on.postgres)
        own = time.process_time()
        for _ in range(PACKS):
            began = time.perf_counter()
            pack = await evidence_pack(on.database, books.now, "2026/0001", reader=_READER)
            made.append(time.perf_counter() - began)
        cpu = {"hub": 1000 * (time.process_time() - own) / PACKS, **watch.each(PACKS)}
        own = time.process_time()
        for _ in range(PACKS):
            began = time.perf_counter()
            found = check(pack.data)
            checked.append(time.perf_counter() - began)
            assert found.good
            assert found.facts is not None
            assert sum(len(each.entries) for each in found.facts.lines) == entries
        reading = {"verify": 1000 * (time.process_time() - own) / PACKS}
        return [
            Figure(
                f"an evidence pack of {entries:,} entries", percentile(made, 0.5), "s", cpu=cpu, detail=spread(made)
            ),
            Figure(
                f"checking a pack of {entries:,} entries",
                percentile(checked, 0.5),
                "s",
                cpu=reading,
                detail=spread(checked),
            ),
        ]
