"""How long the conservation law takes over everything that a large firm receives in a month."""

from __future__ import annotations

from tieout.store import messages
from tieout.store.database import Tx, row

from .ground import ground
from .looking import compared, fill
from .measuring import Figure

MESSAGES = 1_000_000

# A month of a large firm: 97 of 100 messages are done, two ignored, one held.
_MESSAGES = """
    insert into message (connection, kind, record_id, version, day, currency, amount_minor, via, payload, received_at, state, reason)
    select 'kantata', 'time_entry', n::text, '2026-10-12T08:00:00Z#1', '2026-10-01'::date + n %% 30,
           case when n %% 3 = 0 then 'EUR' else 'USD' end, 1000 + n %% 40000, 'sweep',
           jsonb_build_object('source_id', n::text, 'minutes', 60, 'notes', 'workshop', 'state', 'approved'), now(),
           case n %% 100 when 0 then 'held' when 1 then 'ignored' when 2 then 'ignored' else 'done' end, 'said'
    from generate_series(1, %(messages)s) n
"""
_PAGES = """
    insert into intake (connection, kind, day, currency, messages, amount_minor)
    select connection, kind, day, currency, count(*), sum(amount_minor) from message
    group by 1, 2, 3, 4, id / 5000
"""


async def measure(count: int = MESSAGES) -> list[Figure]:
    async with ground() as on:
        await fill(on, [_MESSAGES, _PAGES], {"messages": count})

        async def look(tx: Tx) -> None:
            told = await messages.conservation(tx)
            assert sum(each["received"] for each in told) == count
            assert not any(each["missing"] or each["missing_minor"] for each in told)

        async def bare(tx: Tx) -> None:
            found = await row(tx, "select count(*) as n, sum(amount_minor) as amount from message")
            assert found is not None
            assert found["n"] == count

        name = f"conservation law over {count:,} messages, p95"
        return [await compared(on, name, [()] * 7, look, bare, "count and sum of the same table, unfiltered")]
