"""What waits for a person, as lists: Today, Holds and Approvals, each with a sum that is the sum of its rows.

A document with several problems appears once per problem, and its money counts once: `counted` marks the row that
carries it, so that the sum over a list never says an amount twice. Holds that stand for a cause of their own, such as
time entries without a rate, belong to no engagement and each carry their own money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString

from tieout.domain.money import Money
from tieout.domain.urgency import urgency
from tieout.store.database import Tx, row, rows

# Age bands of the strip above the list: name → (older than, not older than) in hours.
AGES: dict[str, tuple[int, int]] = {"4h": (0, 4), "1d": (4, 24), "3d": (24, 72), "older": (72, 1_000_000)}
TABS = ("open", "needs", "mine", "unassigned", "overdue", "snoozed", "resolved")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which holds to list; an empty field does not filter. `me` is the viewer, for the tabs of their own.

    `ended` asks how resolved ones ended: `source`, `person` or `ignored`. `leading` keeps of each document only the problem
    that is due first, so that lists by cause share no document.
    """

    me: str
    now: datetime
    tab: str = "open"
    entity: str = ""
    owner: str = ""
    team: str = ""
    code: str = ""
    flow: str = ""
    ended: str = ""
    cause: str = ""
    age: str = ""
    text: str = ""
    engagement: str = ""
    leading: bool = False

    def values(self) -> dict[str, Any]:
        older, younger = AGES.get(self.age, (0, 1_000_000))
        wanted = {
            name: getattr(self, name)
            for name in ("me", "now", "tab", "entity", "owner", "team", "code", "flow", "ended", "cause", "engagement")
        }
        return {**wanted, "older": older, "younger": younger, "text": self.text.strip(), "leading": self.leading}


@dataclass(frozen=True, slots=True)
class Facets:
    """The values that the filters offer."""

    entities: list[str] = field(default_factory=list[str])
    owners: list[str] = field(default_factory=list[str])
    teams: list[str] = field(default_factory=list[str])
    codes: list[str] = field(default_factory=list[str])
    flows: list[str] = field(default_factory=list[str])


# The holds of a list, once per problem; `counted` marks the row of a document that carries its money.
_CHOSEN: LiteralString = """
with listed as (
  select h.*, row_number() over same_document = 1 as is_first from hold h
  where case %(tab)s
      when 'resolved' then state = 'resolved'
      when 'snoozed' then state = 'open' and coalesce(snoozed_until > %(now)s, false)
      else state = 'open' and not coalesce(snoozed_until > %(now)s, false) and case %(tab)s
        when 'needs' then assignee in ('', %(me)s)
        when 'mine' then assignee = %(me)s
        when 'unassigned' then assignee = ''
        when 'overdue' then due_at <= %(now)s
        else true end
      end
  window same_document as (partition by flow, subject, case when engagement is null then id end
                            order by amount_minor desc, due_at, id)
), chosen as (
  select listed.*, row_number() over same_document = 1 as counted,
         first_value(id) over same_document as counted_at
  from listed
  where (not %(leading)s or is_first)
    and (%(entity)s = '' or entity = %(entity)s)
    and (%(owner)s = '' or owner = %(owner)s)
    and (%(team)s = '' or team = %(team)s)
    and (%(code)s = '' or code = %(code)s)
    and (%(flow)s = '' or flow = %(flow)s)
    and (%(ended)s = '' or case when resolution like 'ignored: %%' then 'ignored'
                                when resolved_by = 'source' then 'source' else 'person' end = %(ended)s)
    and (%(cause)s = '' or cause = %(cause)s) and (%(engagement)s = '' or engagement = %(engagement)s)
    and (%(text)s = '' or strpos(lower(concat_ws(' ', 'h-' || id, title, subject, facts::text)), lower(%(text)s)) > 0)
    and (%(older)s = 0 or opened_at < %(now)s - make_interval(hours => %(older)s))
    and opened_at >= %(now)s - make_interval(hours => %(younger)s)
  window same_document as (partition by flow, subject, case when engagement is null then id end
                            order by amount_minor desc, due_at, id)
)
"""


async def held(
    tx: Tx, wanted: Wanted, *, limit: int = 1000, causes: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """The holds of a list, those due first before the others; `counted` once per document. `causes` leaves out all others."""
    return await rows(
        tx,
        f"""
        {_CHOSEN}
        select * from chosen where %(causes)s::text[] is null or cause = any(%(causes)s)
        order by case when %(tab)s = 'resolved' then resolved_at end desc nulls last, due_at, amount_minor desc, id
        limit %(limit)s
        """,  # noqa: S608
        {**wanted.values(), "limit": limit, "causes": None if causes is None else list(causes)},
    )


@dataclass(frozen=True, slots=True)
class CauseSum:
    """Holds of a list that one fix ends. `sums` counts each document once, `worth` every problem; `first` is the hold due first.

    `newest` and `oldest` are when the last and the first of them opened.
    """

    cause: str
    holds: int
    documents: int
    sums: tuple[Money, ...]
    worth: tuple[Money, ...]
    due_at: datetime
    oldest: datetime
    newest: datetime
    first: int
    urgency: Decimal


async def causes(tx: Tx, wanted: Wanted) -> list[CauseSum]:
    """Every cause of a list, the most urgent first (tieout.domain.urgency)."""
    found = await rows(
        tx,
        f"""
        {_CHOSEN}
        select cause, currency, count(*) as holds, count(*) filter (where counted) as documents,
               coalesce(sum(amount_minor) filter (where counted), 0) as minor, sum(amount_minor) as worth, min(due_at) as due_at,
               min(opened_at) as oldest, max(opened_at) as newest,
               bool_or(counted) as is_counted, (array_agg(id order by due_at, amount_minor desc, id))[1] as first
        from chosen group by cause, currency order by min(due_at), min(id)
        """,  # noqa: S608
        wanted.values(),
    )
    gathered: dict[str, list[dict[str, Any]]] = {}
    for each in found:
        gathered.setdefault(each["cause"], []).append(each)
    summed = [_cause(cause, parts, wanted.now) for cause, parts in gathered.items()]
    return sorted(summed, key=lambda each: (-each.urgency, each.due_at, each.first))


def _cause(cause: str, parts: Sequence[Mapping[str, Any]], now: datetime) -> CauseSum:
    """One row per currency becomes one per cause; the largest sum stands first."""
    due_at = min(each["due_at"] for each in parts)
    worth = _sums((each["currency"], each["worth"]) for each in parts)
    return CauseSum(
        cause=cause,
        holds=sum(each["holds"] for each in parts),
        documents=sum(each["documents"] for each in parts),
        sums=_sums((each["currency"], each["minor"]) for each in parts if each["is_counted"]),
        worth=worth,
        due_at=due_at,
        oldest=min(each["oldest"] for each in parts),
        newest=max(each["newest"] for each in parts),
        first=parts[0]["first"],
        urgency=urgency(worth, due_at, now),
    )


def _sums(parts: Iterable[tuple[str, Decimal]]) -> tuple[Money, ...]:
    found = [Money.from_minor(int(minor), currency) for currency, minor in parts if currency]
    return tuple(sorted(found, key=lambda each: (-each.amount, each.currency)))


@dataclass(frozen=True, slots=True)
class Band:
    """A part of the ageing strip: how many holds, and the money of their documents."""

    holds: int
    sums: tuple[Money, ...]


async def bands(tx: Tx, wanted: Wanted) -> dict[str, Band]:
    """The list by age, whatever age it asks for: the bands of `AGES`, in their order."""
    found = await rows(
        tx,
        f"""
        {_CHOSEN}
        select case when opened_at >= %(now)s - interval '4 hours' then '4h' when opened_at >= %(now)s - interval '1 day' then '1d'
                    when opened_at >= %(now)s - interval '3 days' then '3d' else 'older' end as band,
               currency, count(*) as holds, coalesce(sum(amount_minor) filter (where counted), 0) as minor,
               bool_or(counted) as is_counted
        from chosen group by 1, 2
        """,  # noqa: S608
        replace(wanted, age="").values(),
    )
    parts = {name: [each for each in found if each["band"] == name] for name in AGES}
    return {
        name: Band(
            sum(each["holds"] for each in of_band),
            _sums((each["currency"], each["minor"]) for each in of_band if each["is_counted"]),
        )
        for name, of_band in parts.items()
    }


async def ids(tx: Tx, wanted: Wanted, causes: Sequence[str]) -> list[int]:
    """The numbers of all holds of a list with these causes."""
    found = await rows(
        tx,
        f"""
        {_CHOSEN}
        select id from chosen where cause = any(%(causes)s) order by due_at, id
        """,  # noqa: S608
        {**wanted.values(), "causes": list(causes)},
    )
    return [each["id"] for each in found]


async def tabs(tx: Tx, wanted: Wanted) -> dict[str, int]:
    """How many holds each tab of the list has."""
    found = await row(
        tx,
        """
        with awake as (select *, state = 'open' and not coalesce(snoozed_until > %(now)s, false) as awake from hold)
        select count(*) filter (where awake) as open,
               count(*) filter (where awake and assignee in ('', %(me)s)) as needs,
               count(*) filter (where awake and assignee = %(me)s) as mine,
               count(*) filter (where awake and assignee = '') as unassigned,
               count(*) filter (where awake and due_at <= %(now)s) as overdue,
               count(*) filter (where state = 'open' and not awake) as snoozed,
               count(*) filter (where state = 'resolved') as resolved
        from awake
        """,
        {"me": wanted.me, "now": wanted.now},
    )
    assert found is not None
    return found


async def facets(tx: Tx) -> Facets:
    found = await rows(tx, "select distinct entity, owner, team, code, flow from hold where state = 'open'")
    return Facets(
        *(sorted({each[name] for each in found if each[name]}) for name in ("entity", "owner", "team", "code", "flow"))
    )


async def needs(tx: Tx, *, me: str, now: datetime) -> list[dict[str, Any]]:
    """Holds and approvals that this person can act on: their own and the unassigned; never their own requests.

    A document that waits for two things appears twice and counts once, with a hold before an approval.
    """
    return await rows(
        tx,
        """
        with waiting as (
          select 'hold' as what, id, flow, subject, engagement, entity, title, code, cause, facts, quote, owner, assignee,
                 amount_minor, currency, opened_at as since, due_at, null::jsonb as terms
          from hold
          where state = 'open' and not coalesce(snoozed_until > %(now)s, false) and assignee in ('', %(me)s)
          union all
          select 'approval', id, flow, subject, engagement, entity,
                 coalesce((select body ->> 'name' from document d where d.kind = 'engagement' and d.key = a.engagement
                           order by version desc limit 1),
                          (select h.title from hold h where h.engagement = a.engagement order by id desc limit 1), title),
                 '', '', '{}'::jsonb, '', 'finance operations', '', amount_minor, currency, requested_at,
                 coalesce(answer_by, requested_at + interval '1 day'), terms
          from approval a where state = 'open' and lower(requested_by) <> lower(%(me)s)
        )
        select *, row_number() over (partition by flow, subject, case when engagement is null then id end
                                     order by what desc, amount_minor desc, due_at, id) = 1 as counted
        from waiting order by due_at, amount_minor desc, id
        """,
        {"me": me, "now": now},
    )


async def elsewhere(tx: Tx, *, me: str, now: datetime) -> dict[str, int]:
    """What is open and not on this person's list: with others, snoozed, or asked for by themselves."""
    found = await row(
        tx,
        """
        select (select count(*) from hold where state = 'open' and not coalesce(snoozed_until > %(now)s, false)
                  and assignee not in ('', %(me)s)) as others,
               (select count(*) from hold where state = 'open' and coalesce(snoozed_until > %(now)s, false)) as snoozed,
               (select count(*) from approval where state = 'open' and lower(requested_by) = lower(%(me)s)) as requested
        """,
        {"me": me, "now": now},
    )
    assert found is not None
    return found


async def counts(tx: Tx, now: datetime) -> dict[str, int]:
    """The figures in the frame of every page; `newest_hold` grows by one with every hold that opens or comes back."""
    found = await row(
        tx,
        """
        select (select count(*) from hold where state = 'open' and not coalesce(snoozed_until > %(now)s, false)) as holds,
               (select count(*) from approval where state = 'open')
                 + (select count(*) from value_row where waiting)
                 + (select count(*) from plan where state = 'open' and needs_approval <> '' and approved_by is null)
                 as approvals,
               (select count(*) from connection where state = 'paused') as paused,
               (select coalesce(max(id), 0) from hold)
                 + (select coalesce(sum(reopened), 0) from hold where reopened > 0)::bigint as newest_hold
        """,
        {"now": now},
    )
    assert found is not None
    return found


async def passed_since(tx: Tx, since: datetime) -> dict[str, Any]:
    """What went through by itself: the denominator of an empty or a short list."""
    found = await row(
        tx,
        """
        select count(*) filter (where state = 'done') as done, count(*) as received, max(received_at) as last_at
        from message where received_at >= %s
        """,
        (since,),
    )
    assert found is not None
    return found


async def approvals(tx: Tx) -> list[dict[str, Any]]:
    """Open requests, the oldest first, then the last ones that were answered; `about` is the deal's name where it is known."""
    return await rows(
        tx,
        """
        select a.*, coalesce((select body ->> 'name' from document d where d.kind = 'engagement' and d.key = a.engagement
                              order by version desc limit 1),
                             (select title from hold h where h.engagement = a.engagement order by id desc limit 1), '') as about
        from (
          (select * from approval where state = 'open' order by requested_at, id limit 500)
          union all (select * from approval where state <> 'open' order by decided_at desc, id limit 50)
        ) a
        """,
    )


async def unknown_values(tx: Tx) -> list[dict[str, Any]]:
    """Values that open holds wait for, with how many documents each would free."""
    return await rows(
        tx,
        """
        select facts ->> 'table' as table_name, facts ->> 'value' as key, facts ->> 'entity' as entity, count(*) as waiting,
               min(opened_at) as since, min(id) as hold_id
        from hold where state = 'open' and code = 'value.missing' group by 1, 2, 3 order by 1, 4 desc, 2, 3
        """,
    )


async def people(tx: Tx) -> list[str]:
    """Who a hold can be given to: everybody who has acted here before."""
    found = await rows(
        tx,
        """
        select assignee as name from hold where assignee <> '' union select actor from audit
        union select decided_by from approval where decided_by is not null order by 1 limit 200
        """,
    )
    return [each["name"] for each in found]
