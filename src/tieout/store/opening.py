"""Holds that are new, all of one subject at once, with the first lines of their stories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.store.database import Tx


async def open_new(tx: Tx, new: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """One statement: a month-end finds a thousand causes. `new` are rows as `store.holds` finds them, with their route.

    One that somebody else has opened meanwhile stays as it is.
    """
    if not new:
        return
    await tx.execute(
        """
        with found as (
          select * from jsonb_to_recordset(%(new)s) as f(flow text, subject text, run text, entity text, engagement text,
            title text, code text, cause text, facts jsonb, quote text, minor numeric, currency text, owner text, due timestamptz,
            team text, rule text, assignee text, what text, said text)
        ), opened as (
          insert into hold (flow, subject, run_id, entity, engagement, title, code, cause, facts, quote, amount_minor, currency,
                            owner, opened_at, first_opened_at, due_at, team, rule, assignee)
          select flow, subject, run, entity, engagement, title, code, cause, facts, quote, minor, currency, owner, %(now)s, %(now)s,
                 due, team, rule, assignee from found
          on conflict (flow, subject, cause) where state = 'open' do nothing returning id, cause
        )
        insert into hold_event (hold_id, at, actor, what)
        select o.id, %(now)s, 'tieout', told.what
        from opened o join found f using (cause)
        cross join lateral unnest(array['opened: ' || f.what, f.said]) with ordinality told(what, place)
        where told.what <> '' order by o.id, told.place
        """,
        {"new": Jsonb(list(new)), "now": now},
    )
