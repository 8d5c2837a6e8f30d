"""Notices: what stands behind them in the books, what was said, and the messages that are on their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from tieout.domain.money import Money
from tieout.domain.notices.decision import Standing
from tieout.domain.notices.message import Message
from tieout.domain.notification import Selection
from tieout.store.database import Tx, row, rows

_LOOKING = 7_316_842_006
# Holds that a rule selects, open or not.
_SELECTED: LiteralString = """
  (%(codes)s::text[] = '{}' or code = any(%(codes)s))
  and (%(entities)s::text[] = '{}' or entity = any(%(entities)s))
  and (%(owners)s::text[] = '{}' or owner = any(%(owners)s) or team = any(%(owners)s))
  and (not %(limits)s::jsonb ? currency or amount_minor > (%(limits)s::jsonb ->> currency)::numeric)
"""
_CAUSES: LiteralString = "".join(
    (
        """
        with chosen as (
          select *, row_number() over (partition by cause order by due_at, amount_minor desc, id) = 1 as leads from hold
          where state = 'open' and not coalesce(snoozed_until > %(now)s, false)
            and (%(within)s::timestamptz is null or due_at <= %(within)s)
            and (not %(unowned)s or assignee = '') and
        """,
        _SELECTED,
        """
        ), grouped as (
          select cause, count(*)::integer as count, min(opened_at) as since, min(due_at) as due_at,
                 count(*) filter (where assignee = '')::integer as unowned,
                 bool_or(assignee = '' and due_at <= %(soon)s) as due_unowned, bool_or(due_at <= %(promise)s) as late
          from chosen group by 1
        ), money as (
          select cause, jsonb_object_agg(currency, minor) as amounts
          from (select cause, currency, sum(amount_minor) as minor from chosen where currency <> '' group by 1, 2) each
          group by 1
        )
        select g.*, coalesce(m.amounts, '{}') as amounts, f.id as first, f.code, f.facts,
               coalesce(nullif(f.team, ''), f.owner) as owner
        from grouped g join chosen f on f.cause = g.cause and f.leads left join money m on m.cause = g.cause
        where %(all)s or g.due_unowned or g.late or g.cause = any(%(going_on)s)
        order by g.due_at, f.amount_minor desc, f.id
        """,
    )
)
_ENDED: LiteralString = "".join(
    ("select count(*)::integer as n from hold where state = 'resolved' and resolved_at > %(since)s and ", _SELECTED)
)


async def only_one_looks(tx: Tx) -> bool:
    """Whether this transaction is the one that decides what to say; the others need not wait for it."""
    found = await row(tx, "select pg_try_advisory_xact_lock(%s) as mine", (_LOOKING,))
    return found is not None and found["mine"]


# -- what stands in the books


async def causes(
    tx: Tx,
    selection: Selection,
    *,
    now: datetime,
    soon: datetime,
    promise: datetime,
    going_on: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Open, awake holds by cause, what is due first before the others: (standing, due_unowned, late) for each.

    `due_unowned`: one is due by `soon` and nobody has it; `late`: one is due by `promise`. With `going_on`, only causes
    of which one of both is true, and those named there; without it, all causes.
    """
    found = await rows(
        tx,
        _CAUSES,
        {
            **_values(selection, now),
            "soon": soon,
            "promise": promise,
            "all": going_on is None,
            "going_on": list(going_on or ()),
        },
    )
    return [{"standing": _standing(each), "due_unowned": each["due_unowned"], "late": each["late"]} for each in found]


async def ended_since(tx: Tx, selection: Selection, since: datetime, now: datetime) -> int:
    """How many of the holds that a rule selects ended after a moment."""
    found = await row(
        tx,
        _ENDED,
        {**_values(selection, now), "since": since},
    )
    return found["n"] if found else 0


async def unknown(tx: Tx, before: datetime, entities: Sequence[str]) -> list[Standing]:
    """Changes whose outcome is unknown since before a moment, by system and operation."""
    found = await rows(
        tx,
        """
        select connection, operation, count(*)::integer as count, min(planned_at) as since from effect
        where state in ('sent', 'unknown') and planned_at < %(before)s and (state = 'unknown' or sent_at < %(before)s)
          and (%(entities)s::text[] = '{}' or entity = any(%(entities)s))
        group by 1, 2 order by since
        """,
        {"before": before, "entities": list(entities)},
    )
    return [
        Standing(
            f"unknown:{each['connection']}:{each['operation']}",
            "unknown",
            each["count"],
            each["since"],
            facts={"system": each["connection"], "operation": each["operation"]},
        )
        for each in found
    ]


async def escalated(tx: Tx, selection: Selection, now: datetime) -> list[Standing]:
    """Approvals that went on because nobody answered, once for each that they went to: the owner, as far as it is a team."""
    if selection.codes or selection.unowned:
        return []  # it is about holds alone
    found = await rows(
        tx,
        """
        select a.id, a.requested_at, a.amount_minor, a.currency, step.team, step.place
        from approval a cross join unnest(a.escalated_to) with ordinality step(team, place)
        where a.state = 'open' and (%(entities)s::text[] = '{}' or a.entity = any(%(entities)s))
          and (%(owners)s::text[] = '{}' or step.team = any(%(owners)s))
          and (not %(limits)s::jsonb ? a.currency or a.amount_minor > (%(limits)s::jsonb ->> a.currency)::numeric)
        order by a.id, step.place
        """,
        _values(selection, now),
    )
    return [
        Standing(
            f"approval:{each['id']}:{each['place']}",
            "escalated",
            1,
            each["requested_at"],
            amounts=(Money.from_minor(int(each["amount_minor"]), each["currency"]),) if each["amount_minor"] else (),
            facts={"approval": f"A-{each['id']}"},
            owner=each["team"],
        )
        for each in found
    ]


def _values(selection: Selection, now: datetime) -> dict[str, Any]:
    limits = {currency: Money(amount, currency).rounded().minor for currency, amount in selection.amount_above.items()}
    within = selection.due_within_hours
    return {
        "now": now,
        "codes": list(selection.codes),
        "entities": list(selection.entities),
        "owners": list(selection.owners),
        "limits": Jsonb(limits),
        "within": now + timedelta(hours=within) if within is not None else None,
        "unowned": selection.unowned,
    }


def _standing(found: Mapping[str, Any]) -> Standing:
    amounts = [Money.from_minor(int(minor), currency) for currency, minor in found["amounts"].items() if minor]
    return Standing(
        found["cause"],
        None,
        found["count"],
        found["since"],
        code=found["code"],
        first=found["first"],
        due_at=found["due_at"],
        amounts=tuple(sorted(amounts, key=lambda each: (-each.amount, each.currency))),
        facts=found["facts"],
        owner=found["owner"],
        unowned=found["unowned"],
    )


# -- what was said


async def going_on(tx: Tx, rule: str) -> dict[str, dict[str, Any]]:
    """The conversations of a rule that have not ended, by their cause."""
    found = await rows(tx, "select * from notice where rule = %s and ended_at is null", (rule,))
    return {each["cause"]: each for each in found}


async def begin(
    tx: Tx,
    *,
    rule: str,
    channel: str,
    cause: str,
    thread: str,
    reason: str,
    count: int,
    amounts: Sequence[Money],
    now: datetime,
    ended: bool = False,
) -> int | None:
    """A new conversation; None when there is one already. One that has `ended` says its one message and is over."""
    found = await row(
        tx,
        """
        insert into notice (rule, channel, cause, thread, reason, count, amounts, said_at, began_at, ended_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, case when %s then %s::timestamptz end)
        on conflict do nothing returning id
        """,
        (rule, channel, cause, thread, reason, count, _kept(amounts), now, now, ended, now),
    )
    return found["id"] if found else None


async def go_on(tx: Tx, notice: int, *, reason: str, count: int, amounts: Sequence[Money], now: datetime) -> None:
    """Remembers what is said about a cause from now on."""
    await tx.execute(
        "update notice set reason = %s, count = %s, amounts = %s, said_at = %s where id = %s",
        (reason, count, _kept(amounts), now, notice),
    )


async def end(tx: Tx, notice: int, now: datetime) -> None:
    """Ends a conversation; what was not sent yet need not be said any more."""
    await tx.execute("update notice set ended_at = %s where id = %s", (now, notice))
    await tx.execute(
        """
        update notice_message set state = 'dropped', settled_at = %s, detail = 'it was over before it could be sent'
        where notice = %s and state = 'waiting' and attempts = 0
        """,
        (now, notice),
    )


async def say(tx: Tx, notice: int, channel: str, message: Message, now: datetime) -> int:
    """Puts a message into the outbox, in place of one that nobody has tried to send; returns its place in the row."""
    newest = await newest_message(tx, notice)
    if newest is not None and newest["state"] == "waiting" and not newest["attempts"]:
        body = {**message.body(), "event": newest["body"]["event"]}
        await tx.execute(
            "update notice_message set body = %s, decided_at = %s where notice = %s and sequence = %s",
            (Jsonb(body), now, notice, newest["sequence"]),
        )
        return newest["sequence"]
    sequence = newest["sequence"] + 1 if newest else 1
    await tx.execute(
        "insert into notice_message (notice, sequence, channel, body, decided_at) values (%s, %s, %s, %s, %s)",
        (notice, sequence, channel, Jsonb(message.body()), now),
    )
    return sequence


async def newest_message(tx: Tx, notice: int) -> dict[str, Any] | None:
    return await row(
        tx, "select * from notice_message where notice = %s order by sequence desc limit 1 for update", (notice,)
    )


async def forget_rules_but(tx: Tx, rules: Sequence[str], now: datetime) -> None:
    """Ends what was going on by rules that are no longer in the firm folder."""
    gone = await rows(tx, "select id from notice where ended_at is null and not rule = any(%s)", (list(rules),))
    for each in gone:
        await end(tx, each["id"], now)


def _kept(amounts: Sequence[Money]) -> Jsonb:
    return Jsonb([[each.minor, each.currency] for each in amounts])


def said_amounts(notice: Mapping[str, Any]) -> tuple[Money, ...]:
    return tuple(Money.from_minor(int(minor), currency) for minor, currency in notice["amounts"])
