"""The messages of notices on their way: claimed by one hand, tried, and settled; and how each channel does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from tieout.store.database import Tx, row, rows

_TO_SEND: LiteralString = """
  select m.*, n.rule, n.cause, n.thread, n.handle, n.reason from notice_message m join notice n on n.id = m.notice
  where m.channel = %(channel)s
    and (m.state = 'waiting' or (m.state = 'sending' and m.sending_at < %(abandoned)s))
    and not exists (select from notice_message e where e.notice = m.notice and e.sequence < m.sequence
                    and e.state in ('waiting', 'sending'))
    and not exists (select from channel c where c.name = m.channel and c.not_before > %(now)s)
  order by m.decided_at, m.notice, m.sequence limit 1
"""

# How a channel does that was never used.
UNUSED: Mapping[str, Any] = {
    "state": "well", "reason": "", "failures": 0, "failing_since": None, "not_before": None, "last_sent_at": None,
    "waiting": 0, "sent": 0, "oldest_at": None,
}  # fmt: skip


async def claim(tx: Tx, channel: str, now: datetime, *, abandoned: datetime) -> dict[str, Any] | None:
    """The next message of a channel, for whoever commits this; None when there is none to send now.

    A message whose sender has not been heard of since `abandoned` may have been sent or not: it is sent again.
    """
    values = {"channel": channel, "now": now, "abandoned": abandoned}
    found = await row(tx, _TO_SEND + " for update of m skip locked", values)
    if found is not None:
        await tx.execute(
            "update notice_message set state = 'sending', attempts = attempts + 1, sending_at = %s"
            " where notice = %s and sequence = %s",
            (now, found["notice"], found["sequence"]),
        )
    return found


async def peek(tx: Tx, channel: str, now: datetime) -> dict[str, Any] | None:
    """The next message without claiming it: what a sender does that forgets that there are others."""
    return await row(tx, _TO_SEND, {"channel": channel, "now": now, "abandoned": now})


async def settle(
    tx: Tx, notice: int, sequence: int, state: str, now: datetime, *, detail: str = "", handle: str = ""
) -> None:
    """Writes down what became of a message: sent, dropped, or waiting again."""
    await tx.execute(
        """
        update notice_message set state = %s, detail = %s, settled_at = case when %s = 'waiting' then null else %s::timestamptz end
        where notice = %s and sequence = %s and state <> 'sent'
        """,
        (state, detail, state, now, notice, sequence),
    )
    if handle:
        await tx.execute("update notice set handle = %s where id = %s", (handle, notice))


async def channel(tx: Tx, name: str) -> dict[str, Any]:
    """How a channel does; the row is made when there is none, and locked."""
    await tx.execute("insert into channel (name) values (%s) on conflict do nothing", (name,))
    found = await row(tx, "select * from channel where name = %s for update", (name,))
    assert found is not None
    return found


async def works(tx: Tx, name: str, now: datetime) -> None:
    await tx.execute(
        """
        update channel set state = 'well', reason = '', failures = 0, failing_since = null, not_before = null,
               last_sent_at = %s
        where name = %s
        """,
        (now, name),
    )


async def fails(tx: Tx, name: str, state: str, reason: str, now: datetime, not_before: datetime) -> None:
    await tx.execute(
        """
        update channel set state = %s, reason = %s, failures = failures + 1, failing_since = coalesce(failing_since, %s),
               not_before = %s
        where name = %s
        """,
        (state, reason, now, not_before, name),
    )


async def drop_all_but(tx: Tx, channels: Sequence[str], now: datetime) -> None:
    """Gives up what waits for channels that are no longer in the firm folder, and forgets how they did."""
    await tx.execute(
        """
        update notice_message set state = 'dropped', settled_at = %s, detail = 'the channel is gone'
        where state = 'waiting' and not channel = any(%s)
        """,
        (now, list(channels)),
    )
    await tx.execute("delete from channel where not name = any(%s)", (list(channels),))


async def channels(tx: Tx) -> list[dict[str, Any]]:
    """Every channel that was ever used or is waited for, with how many messages wait and were sent."""
    return await rows(
        tx,
        """
        select coalesce(c.name, m.channel) as name, coalesce(c.state, 'well') as state, coalesce(c.reason, '') as reason,
               coalesce(c.failures, 0) as failures, c.failing_since, c.not_before, c.last_sent_at,
               coalesce(m.waiting, 0)::integer as waiting, coalesce(m.sent, 0)::integer as sent, m.oldest_at
        from channel c full outer join (
          select channel, count(*) filter (where state in ('waiting', 'sending')) as waiting,
                 count(*) filter (where state = 'sent') as sent,
                 min(decided_at) filter (where state in ('waiting', 'sending')) as oldest_at
          from notice_message group by 1
        ) m on m.channel = c.name order by 1
        """,
    )


async def recent(tx: Tx, limit: int) -> list[dict[str, Any]]:
    """The newest messages, with their rule and cause."""
    return await rows(
        tx,
        """
        select n.rule, n.cause, n.reason, m.channel, m.sequence, m.body ->> 'title' as title, m.body ->> 'link' as link,
               m.body ->> 'event' as event, m.state, m.attempts, m.detail, m.decided_at, m.settled_at
        from notice_message m join notice n on n.id = m.notice order by m.decided_at desc, m.notice desc, m.sequence desc
        limit %s
        """,
        (limit,),
    )
