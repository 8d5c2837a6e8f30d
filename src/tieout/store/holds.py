"""Holds, decisions and approvals: everything that waits for a person, and what the person said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from tieout.domain.money import Money
from tieout.domain.problems import Problem, explain
from tieout.store.database import Tx, row, rows

# Who ends a hold whose run finds the problem gone, when no person did anything about it.
SOURCE = "source"


async def open_holds(
    tx: Tx, run: Mapping[str, Any], problems: Sequence[Problem], *, title: str, amount: Money | None, now: datetime
) -> None:
    """Opens a hold per problem of a run's subject, and closes those that the subject no longer has."""
    await close_holds(
        tx,
        run["flow"],
        run["subject"],
        by=SOURCE,
        resolution="the source was corrected",
        now=now,
        but={problem.cause for problem in problems},
    )
    for problem in problems:
        explained = explain(problem)
        worth = problem.amount or amount
        stored = await row(
            tx,
            """
            insert into hold (flow, subject, run_id, entity, engagement, title, code, cause, facts, quote, amount_minor, currency,
                              owner, opened_at, due_at)
            values (%(flow)s, %(subject)s, %(run)s, %(entity)s, %(engagement)s, %(title)s, %(code)s, %(cause)s, %(facts)s,
                    %(quote)s, %(minor)s, %(currency)s, %(owner)s, %(now)s, %(due)s)
            on conflict (flow, subject, cause) where state = 'open' do update
            set facts = excluded.facts, quote = excluded.quote, run_id = excluded.run_id, times = hold.times + 1,
                amount_minor = excluded.amount_minor, currency = excluded.currency,
                -- The run that a deed set in motion, or a later one of the subject, still has the problem: it did not help.
                acted_by = case when excluded.run_id = hold.acted_run
                  or starts_with(excluded.run_id, hold.flow || ':' || hold.subject || ':') then '' else hold.acted_by end
            returning id, times
            """,
            {
                "flow": run["flow"],
                "subject": run["subject"],
                "run": run["id"],
                "entity": run["entity"],
                "engagement": run["engagement"],
                "title": title,
                "code": problem.code,
                "cause": problem.cause,
                "facts": Jsonb(dict(problem.facts)),
                "quote": problem.quote,
                "minor": worth.rounded().minor if worth else 0,
                "currency": worth.currency if worth else "",
                "owner": explained.owner,
                "now": now,
                "due": now + explained.within,
            },
        )
        if stored is not None and stored["times"] == 1:
            await note(tx, stored["id"], "tieout", f"opened: {explained.what}", now)


async def close_holds(
    tx: Tx, flow: str, subject: str, *, by: str, resolution: str, now: datetime, but: set[str] | None = None
) -> None:
    """Ends the holds of a subject. What ends by itself after a person did something about it was ended by that person."""
    closed = await rows(
        tx,
        """
        update hold set state = 'resolved', resolved_at = %(now)s,
               resolved_by = case when %(by)s = %(source)s and acted_by <> '' then acted_by else %(by)s end,
               resolution = case when %(by)s = %(source)s and acted_by <> '' then acted_why else %(resolution)s end
        where flow = %(flow)s and subject = %(subject)s and state = 'open' and not (cause = any(%(but)s))
        returning id, resolved_by, resolution
        """,
        {
            "now": now, "by": by, "source": SOURCE, "resolution": resolution, "flow": flow, "subject": subject,
            "but": list(but or ()),
        },
    )  # fmt: skip
    for each in closed:
        await note(tx, each["id"], each["resolved_by"], f"resolved: {each['resolution']}", now)


async def act(tx: Tx, hold_ids: Sequence[int], actor: str, why: str, now: datetime) -> None:
    """A person did something that may end these open holds: the story says so, and whoever they end by is this person."""
    for each in await rows(
        tx,
        """
        update hold set acted_by = %s, acted_why = %s, acted_run = run_id where id = any(%s) and state = 'open' returning id
        """,
        (actor, why, list(hold_ids)),
    ):
        await note(tx, each["id"], actor, why, now)


async def note(tx: Tx, hold_id: int, actor: str, what: str, now: datetime) -> None:
    await tx.execute(
        "insert into hold_event (hold_id, at, actor, what) values (%s, %s, %s, %s)", (hold_id, now, actor, what)
    )


async def get(tx: Tx, hold_id: int) -> dict[str, Any] | None:
    return await row(tx, "select * from hold where id = %s", (hold_id,))


async def events(tx: Tx, hold_id: int) -> list[dict[str, Any]]:
    return await rows(tx, "select * from hold_event where hold_id = %s order by id", (hold_id,))


async def listed(tx: Tx, state: str = "open") -> list[dict[str, Any]]:
    """Holds of a state, the largest amount that is due soonest first."""
    return await rows(
        tx, "select * from hold where state = %s order by due_at::date, amount_minor desc, id limit 1000", (state,)
    )


async def of_cause(tx: Tx, cause: str) -> list[dict[str, Any]]:
    return await rows(tx, "select * from hold where cause = %s and state = 'open' order by id", (cause,))


async def of_run(tx: Tx, run_id: str) -> list[dict[str, Any]]:
    return await rows(tx, "select * from hold where run_id = %s and state = 'open' order by id", (run_id,))


async def of_subject(tx: Tx, flow: str, subject: str) -> list[dict[str, Any]]:
    return await rows(
        tx, "select * from hold where flow = %s and subject = %s and state = 'open' order by id", (flow, subject)
    )


async def of_code(tx: Tx, code: str, facts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Open holds of a code whose facts contain these."""
    return await rows(
        tx,
        "select * from hold where code = %s and state = 'open' and facts @> %s order by id",
        (code, Jsonb(dict(facts))),
    )


async def snooze(tx: Tx, hold_id: int, days: int, actor: str, now: datetime) -> None:
    await tx.execute("update hold set snoozed_until = %s where id = %s", (now + timedelta(days=days), hold_id))
    await note(tx, hold_id, actor, f"snoozed for {days} days", now)


async def assign(tx: Tx, hold_id: int, assignee: str, actor: str, now: datetime) -> None:
    await tx.execute("update hold set assignee = %s where id = %s", (assignee, hold_id))
    await note(tx, hold_id, actor, f"assigned to {assignee}", now)


async def decide(tx: Tx, subject: str, code: str, choice: str, *, reason: str, actor: str, now: datetime) -> None:
    """What a person answered to a question that only a person can answer; the last answer counts."""
    await tx.execute(
        """
        insert into decision (subject, code, choice, reason, decided_by, decided_at) values (%s, %s, %s, %s, %s, %s)
        on conflict (subject, code) do update set choice = excluded.choice, reason = excluded.reason,
               decided_by = excluded.decided_by, decided_at = excluded.decided_at
        """,
        (subject, code, choice, reason, actor, now),
    )


async def decision(tx: Tx, subject: str, code: str) -> str | None:
    found = await row(tx, "select choice from decision where subject = %s and code = %s", (subject, code))
    return found["choice"] if found else None


async def request_approval(
    tx: Tx,
    run: Mapping[str, Any],
    *,
    title: str,
    terms: Sequence[str],
    terms_hash: str,
    amount: Money | None,
    requested_by: str,
    now: datetime,
) -> dict[str, Any]:
    """The approval of exactly these terms: the one that is there, or a new open one. Other terms ask again."""
    await tx.execute(
        """
        insert into approval (flow, subject, terms_hash, title, terms, entity, engagement, amount_minor, currency,
                              requested_by, requested_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (flow, subject, title, terms_hash) do nothing
        """,
        (
            run["flow"], run["subject"], terms_hash, title, Jsonb(list(terms)), run["entity"], run["engagement"],
            amount.rounded().minor if amount else 0, amount.currency if amount else "", requested_by, now,
        ),
    )  # fmt: skip
    found = await row(
        tx,
        "select * from approval where flow = %s and subject = %s and title = %s and terms_hash = %s",
        (run["flow"], run["subject"], title, terms_hash),
    )
    assert found is not None
    return found


async def approvals(tx: Tx, state: str = "open") -> list[dict[str, Any]]:
    return await rows(tx, "select * from approval where state = %s order by requested_at limit 1000", (state,))


async def approval(tx: Tx, approval_id: int) -> dict[str, Any] | None:
    return await row(tx, "select * from approval where id = %s", (approval_id,))


async def answer_approval(tx: Tx, approval_id: int, state: str, *, actor: str, reason: str, now: datetime) -> bool:
    """False when somebody answered before. The database itself refuses the requester (check constraint)."""
    found = await row(
        tx,
        """
        update approval set state = %s, decided_by = %s, decided_at = %s, reason = %s
        where id = %s and state = 'open' returning id
        """,
        (state, actor, now, reason, approval_id),
    )
    return found is not None
