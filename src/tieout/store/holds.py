"""Holds, decisions and approvals: everything that waits for a person, and what the person said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from tieout.domain.money import Money
from tieout.domain.problems import Problem, explain
from tieout.domain.routing import Route, Waiting, route
from tieout.domain.working_days import Calendars
from tieout.store import opening, routing, unanswered
from tieout.store.database import Tx, row, rows

# Who ends a hold whose run finds the problem gone, when no person did anything about it.
SOURCE = "source"
_CORRECTED = "the source was corrected"
_TOLD = ("cause", "facts", "quote", "minor", "currency")


async def open_holds(
    tx: Tx,
    run: Mapping[str, Any],
    problems: Sequence[Problem],
    *,
    title: str,
    amount: Money | None,
    now: datetime,
    standing: bool = False,
) -> None:
    """Opens a hold per problem of a run's subject, and closes those that the subject no longer has.

    What is `standing` outlives the runs that look at it: to look again and find it the same is no new occurrence.
    """
    still = {each.cause for each in problems}
    await close_holds(tx, run["flow"], run["subject"], by=SOURCE, resolution=_CORRECTED, now=now, but=still)
    if not problems:
        return
    rules = await routing.rules_in_force(tx)
    country = await routing.country_of(tx, run["engagement"]) if rules.regions else ""
    days = (await routing.in_force(tx)).calendars if rules.working_days else None
    found = {
        each.cause: _found(run, each, title=title, worth=each.amount or amount, now=now, days=days) for each in problems
    }
    known = await _known(tx, found, since=now - timedelta(days=rules.reopen_within_days))
    new: list[dict[str, Any]] = []
    for problem in {each.cause: each for each in problems}.values():
        before, one = known.get(problem.cause), found[problem.cause]
        if before is not None and before["state"] == "open":
            continue
        to = route(rules, Waiting(problem.code, problem.facts, one["entity"], country, problem.amount or amount))
        if before is None:
            said = routing.said(to) if to.team else ""
            new.append({**one, "team": to.team, "rule": to.rule, "assignee": to.assignee, "said": said})
        else:
            await _back(tx, one, to, before, now)
    await opening.open_new(tx, new, now)
    still_there = [(found[cause], each) for cause, each in known.items() if each["state"] == "open"]
    await _again(tx, still_there, standing, now)


def _found(
    run: Mapping[str, Any], problem: Problem, *, title: str, worth: Money | None, now: datetime, days: Calendars | None
) -> dict[str, Any]:
    """What is known of a hold when its problem is found; with `days` it is due when so much time has passed on working days."""
    explained = explain(problem)
    # A page of many has no legal entity; what is found in it may have one.
    entity = run["entity"] or problem.facts.get("entity") or None
    return {
        "flow": run["flow"],
        "subject": run["subject"],
        "run": run["id"],
        "entity": entity,
        "engagement": run["engagement"],
        "title": title,
        "code": problem.code,
        "cause": problem.cause,
        "facts": dict(problem.facts),
        "quote": problem.quote,
        "minor": worth.rounded().minor if worth else 0,
        "currency": worth.currency if worth else "",
        "owner": explained.owner,
        "now": now,
        "due": days.of(entity).later(now, explained.within) if days else now + explained.within,
        "what": explained.what,
    }


async def _known(tx: Tx, found: Mapping[str, Mapping[str, Any]], *, since: datetime) -> dict[str, dict[str, Any]]:
    """By cause, the open hold of the same subject; else the last one, when it ended after a moment."""
    one = next(iter(found.values()))
    stored = await rows(
        tx,
        """
        select h.*, h.facts is distinct from f.facts or h.quote <> f.quote as differs,
               (h.amount_minor, h.currency) <> (f.minor, f.currency) as worth_differs
        from jsonb_to_recordset(%(found)s) as f(cause text, facts jsonb, quote text, minor numeric, currency text)
        join hold h on h.id = coalesce((
          select id from hold where flow = %(flow)s and subject = %(subject)s and cause = f.cause and state = 'open'
        ), (
          select id from hold
          where flow = %(flow)s and subject = %(subject)s and cause = f.cause and state = 'resolved' and resolved_at > %(since)s
          order by resolved_at desc limit 1
        )) for update of h
        """,
        {
            "flow": one["flow"],
            "subject": one["subject"],
            "since": since,
            "found": Jsonb([{name: each[name] for name in _TOLD} for each in found.values()]),
        },
    )
    return {each["cause"]: each for each in stored}


async def _again(
    tx: Tx, still_there: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], standing: bool, now: datetime
) -> None:
    """These problems are still there. What somebody did about one did not help, and a changed source wakes what waits for it."""
    changes: list[dict[str, Any]] = []
    for found, known in still_there:
        own = f"{known['flow']}:{known['subject']}:"
        new_version = found["run"] != known["run_id"] and found["run"].startswith(own)
        wakes = known["wakes_on_change"] and (new_version or known["differs"])
        helped_not = new_version or found["run"] == known["acted_run"]
        if not standing or known["differs"] or known["worth_differs"] or helped_not:
            told = {name: found[name] for name in (*_TOLD, "run")}
            changes.append({**told, "id": known["id"], "wakes": wakes, "helped_not": helped_not})
    if not changes:
        return
    await tx.execute(
        """
        update hold h set facts = c.facts, quote = c.quote, run_id = c.run, times = times + 1, amount_minor = c.minor,
               currency = c.currency, acted_by = case when c.helped_not then '' else acted_by end,
               snoozed_until = case when c.wakes then null else snoozed_until end,
               wakes_on_change = wakes_on_change and not c.wakes
        from jsonb_to_recordset(%s) as c(id bigint, facts jsonb, quote text, run text, minor numeric, currency text,
             helped_not boolean, wakes boolean)
        where h.id = c.id
        """,
        (Jsonb(changes),),
    )
    for each in changes:
        if each["wakes"]:
            await note(tx, each["id"], "tieout", "woke: the source changed, and the problem is still there", now)


async def _back(tx: Tx, found: Mapping[str, Any], to: Route, known: Mapping[str, Any], now: datetime) -> None:
    """A cause that comes back soon is the old hold with its story, due anew; who was given it by hand has it again."""
    await tx.execute(
        """
        update hold set state = 'open', reopened = reopened + 1, times = times + 1, run_id = %(run)s, entity = %(entity)s,
               engagement = %(engagement)s, title = %(title)s, facts = %(facts)s, quote = %(quote)s, amount_minor = %(minor)s,
               currency = %(currency)s, owner = %(owner)s, opened_at = %(now)s, due_at = %(due)s, resolved_at = null,
               resolved_by = '', resolution = '', acted_by = '', snoozed_until = null, wakes_on_change = false,
               escalations = 0, escalated_at = null, escalated_to = '', team = %(team)s, rule = %(rule)s,
               assignee = case when assigned_by = '' then %(assignee)s else assignee end
        where id = %(id)s
        """,
        {
            **found,
            "facts": Jsonb(found["facts"]),
            "id": known["id"],
            "team": to.team,
            "rule": to.rule,
            "assignee": to.assignee,
        },
    )
    ended = f"{known['resolution']}, by {known['resolved_by']}"
    await note(tx, known["id"], "tieout", f"came back: {found['what']} It had ended: {ended}", now)


async def close_holds(
    tx: Tx, flow: str, subject: str, *, by: str, resolution: str, now: datetime, but: set[str] | None = None
) -> None:
    """Ends the holds of a subject. What ends by itself after a person did something about it was ended by that person."""
    await close_all(tx, [(flow, subject)], by=by, resolution=resolution, now=now, but=but)


async def close_all(
    tx: Tx, subjects: Sequence[tuple[str, str]], *, now: datetime, by: str = SOURCE, resolution: str = _CORRECTED,
    but: set[str] | None = None,
) -> None:  # fmt: skip
    """The same for several subjects (flow, subject)."""
    told = {"flows": [flow for flow, _ in subjects], "subjects": [subject for _, subject in subjects]}
    closed = await rows(
        tx,
        """
        update hold set state = 'resolved', resolved_at = %(now)s,
               resolved_by = case when %(by)s = %(source)s and acted_by <> '' then acted_by else %(by)s end,
               resolution = case when %(by)s = %(source)s and acted_by <> '' then acted_why else %(resolution)s end
        where id in (
          select found.id from unnest(%(flows)s::text[], %(subjects)s::text[]) w(flow, subject) cross join lateral (
            select id from hold h where h.flow = w.flow and h.subject = w.subject and h.state = 'open'
              and not (h.cause = any(%(but)s)) offset 0) found)
        returning id, resolved_by, resolution
        """,
        {"now": now, "by": by, "source": SOURCE, "resolution": resolution, "but": list(but or ()), **told},
    )
    for each in closed:
        await note(tx, each["id"], each["resolved_by"], f"resolved: {each['resolution']}", now)


async def end_answered(tx: Tx, hold_id: int, now: datetime) -> None:
    """Ends a hold by its answer where its run is over: nothing begins again that would find it answered."""
    ended = await rows(
        tx,
        """
        update hold h set state = 'resolved', resolved_at = %s, resolved_by = h.acted_by, resolution = h.acted_why from run r
        where h.id = %s and r.id = h.run_id and r.state in ('done', 'ignored') returning h.resolved_by, h.resolution
        """,
        (now, hold_id),
    )
    for each in ended:
        await note(tx, hold_id, each["resolved_by"], f"resolved: {each['resolution']}", now)


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


async def some(tx: Tx, ids: Sequence[int]) -> list[dict[str, Any]]:
    return await rows(tx, "select * from hold where id = any(%s) order by id", (list(ids),))


async def events(tx: Tx, hold_id: int) -> list[dict[str, Any]]:
    return await rows(tx, "select * from hold_event where hold_id = %s order by id", (hold_id,))


async def listed(tx: Tx, state: str = "open") -> list[dict[str, Any]]:
    """Holds of a state, the largest amount that is due soonest first."""
    return await rows(
        tx, "select * from hold where state = %s order by due_at::date, amount_minor desc, id limit 1000", (state,)
    )


async def of_cause(tx: Tx, cause: str) -> list[dict[str, Any]]:
    return await rows(tx, "select * from hold where cause = %s and state = 'open' order by id", (cause,))


async def of_runs(tx: Tx, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The open holds of these runs."""
    return await rows(tx, "select * from hold where run_id = any(%s) and state = 'open' order by id", (list(run_ids),))


async def of_subject(tx: Tx, flow: str, subject: str) -> list[dict[str, Any]]:
    return await rows(
        tx, "select * from hold where flow = %s and subject = %s and state = 'open' order by id", (flow, subject)
    )


async def of_engagement(tx: Tx, engagement: str, *, but: str) -> list[dict[str, Any]]:
    """Open holds of an engagement, those due first before the others, except those of one flow."""
    return await rows(
        tx,
        "select * from hold where engagement = %s and state = 'open' and flow <> %s order by due_at, id",
        (engagement, but),
    )


async def changed(tx: Tx, flow: str) -> list[dict[str, Any]]:
    """Engagements with a project whose holds changed since a flow last heard of it: (engagement, change).

    `change` is the version of that flow's next run. Some of the last changes are told again, for one that was committed
    late; a run with the same version is there once.
    """
    return await rows(
        tx,
        """
        select h.engagement, max(e.id) as change from hold_event e join hold h on h.id = e.hold_id
          join project p on p.engagement = h.engagement
        where e.kind = 'event' and h.flow <> %(flow)s
          and e.id > (select coalesce(max(version::bigint), 0) - 1000 from run where flow = %(flow)s)
        group by h.engagement order by h.engagement
        """,
        {"flow": flow},
    )


async def of_code(tx: Tx, code: str, facts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Open holds of a code whose facts contain these."""
    return await rows(
        tx,
        "select * from hold where code = %s and state = 'open' and facts @> %s order by id",
        (code, Jsonb(dict(facts))),
    )


async def snooze(tx: Tx, hold_id: int, until: datetime, *, on_change: bool, actor: str, now: datetime) -> None:
    """Out of sight until a moment, with `on_change` no longer than until the source changes and the problem is still there."""
    await tx.execute(
        "update hold set snoozed_until = %s, wakes_on_change = %s where id = %s", (until, on_change, hold_id)
    )
    said = "until the source changes, at the latest" if on_change else "until"
    await note(tx, hold_id, actor, f"snoozed {said} {until:%Y-%m-%d %H:%M} UTC", now)


async def assign(tx: Tx, hold_id: int, assignee: str, actor: str, now: datetime) -> None:
    """By hand: no rule takes it away again. Without an assignee the rules have the word from the next folder on."""
    await tx.execute(
        "update hold set assignee = %s, assigned_by = %s where id = %s", (assignee, actor if assignee else "", hold_id)
    )
    await note(tx, hold_id, actor, f"assigned to {assignee}" if assignee else "taken from its assignee", now)


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
    of: Sequence[str] = (),
    gate: str = "",
) -> dict[str, Any]:
    """The approval of exactly these terms: the one that is there, or a new open one. Other terms ask again.

    `of` are those who may give it, everybody when there are none; while it is open, who they are follows the firm folder.
    By its `gate` it goes on to others when they do not answer.
    """
    await tx.execute(
        """
        insert into approval (flow, subject, terms_hash, title, terms, entity, engagement, amount_minor, currency,
                              requested_by, requested_at, members, gate)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, nullif(%s::text[], '{}'), %s)
        on conflict (flow, subject, title, terms_hash) do update set gate = excluded.gate,
          members = case when excluded.members is null then null else excluded.members || approval.added end
        where approval.state = 'open'
        """,
        (
            run["flow"], run["subject"], terms_hash, title, Jsonb(list(terms)), run["entity"], run["engagement"],
            amount.rounded().minor if amount else 0, amount.currency if amount else "", requested_by, now, [each.lower() for each in of],
            gate,
        ),
    )  # fmt: skip
    found = await row(
        tx,
        "select * from approval where flow = %s and subject = %s and title = %s and terms_hash = %s",
        (run["flow"], run["subject"], title, terms_hash),
    )
    assert found is not None
    if gate and found["state"] == "open":
        await unanswered.mind(tx, now, only=found["id"])
        return await approval(tx, found["id"]) or found
    return found


async def approval(tx: Tx, approval_id: int) -> dict[str, Any] | None:
    return await row(tx, "select * from approval where id = %s", (approval_id,))


async def answer_approval(
    tx: Tx, approval_id: int, state: str, *, actor: str, reason: str, now: datetime, on_behalf_of: str = ""
) -> bool:
    """False when somebody answered before. The database itself refuses the requester, and who stands in without leave."""
    found = await row(
        tx,
        """
        update approval set state = %s, decided_by = %s, decided_at = %s, reason = %s, on_behalf_of = nullif(%s, '')
        where id = %s and state = 'open' returning id
        """,
        (state, actor, now, reason, on_behalf_of, approval_id),
    )
    return found is not None
