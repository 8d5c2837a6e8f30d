"""The figures of the firm, per legal entity and currency, and the differences between them, which must be 0.00."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, LiteralString

from tieout.store.database import Database, Tx, rows

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Totals:
    """What one legal entity has in one currency, from sold to paid. Every amount is exact.

    sold: won deals as the CRM says now · booked: contracted value · budget: the projects' hours at their rates ·
    approved: delivered, at agreed rates, and what is due beside hours · due: of it, fees, prepaid blocks and expenses ·
    unbilled: approved and on no invoice (WIP) · at risk: approved, and nobody has signed for it · set aside: approved, and by
    the contract not billed, such as work above a limit · overage: billed or
    proposed above the agreed rates, where a contract has others beyond a prepaid block · proposed: net on invoices that finance
    has not posted yet · billed: posted invoices, net of credits · rounding: what is left of approved + overage - billed -
    proposed - unbilled - at risk - set aside once every cent is explained · left: booked - billed.
    """

    entity: str
    currency: str
    sold: Decimal = _ZERO
    booked: Decimal = _ZERO
    budget: Decimal = _ZERO
    approved: Decimal = _ZERO
    due: Decimal = _ZERO
    unbilled: Decimal = _ZERO
    at_risk: Decimal = _ZERO
    set_aside: Decimal = _ZERO
    overage: Decimal = _ZERO
    proposed: Decimal = _ZERO
    billed_net: Decimal = _ZERO
    billed_tax: Decimal = _ZERO
    billed_total: Decimal = _ZERO
    paid: Decimal = _ZERO
    open: Decimal = _ZERO
    rounding: Decimal = _ZERO
    approved_minutes: int = 0
    delivered_minutes: int = 0
    unpriced_minutes: int = 0
    deals: int = 0
    customers: int = 0
    projects: int = 0
    entries: int = 0
    invoices: int = 0
    payments: int = 0

    @property
    def worked(self) -> Decimal:
        """What of the approved is hours."""
        return self.approved - self.due

    @property
    def left(self) -> Decimal:
        return self.booked - self.billed_net


@dataclass(frozen=True, slots=True)
class HoldCount:
    """How many holds of one code an entity has and had."""

    entity: str
    code: str
    open: int
    resolved: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One comparison that must come out at 0: between whom, in which currency (empty for a count), and what is left."""

    name: str
    entity: str
    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything at one moment."""

    totals: Sequence[Totals]
    holds: Sequence[HoldCount]
    differences: Sequence[Difference]

    @property
    def ties_out(self) -> bool:
        return all(each.amount == 0 for each in self.differences)


async def figures(database: Database) -> Figures:
    """All figures, read in one snapshot: while the hub works, no two of them come from different moments."""
    async with database.transaction() as tx:
        await tx.execute("set transaction isolation level repeatable read, read only")
        totals, differences = await _totals(tx, _EVERYTHING, ())
        return Figures(totals, await _holds(tx), [*differences, *await _conservation(tx), *await _orphans(tx)])


async def money_of(tx: Tx, engagements: Iterable[str]) -> list[Totals]:
    """The same figures for some engagements only: one row per legal entity and currency."""
    totals, _ = await _totals(tx, _SOME, sorted(set(engagements)))
    return totals


# Each statement has a gap for a condition: all engagements, or some.
_DOCUMENTS: tuple[LiteralString, LiteralString] = (
    """
    with newest as (
      select distinct on (kind, key) kind, key, entity, engagement, body from document
      where kind in ('engagement', 'contract', 'project')
    """,
    """
      order by kind, key, version desc
    ), archived as (
      select body->>'engagement' as engagement from newest where kind = 'project'
      group by 1 having bool_and(body->>'state' = 'archived')
    ), fact as (
      select entity, body->>'currency' as currency, (body->>'amount')::numeric as sold, 1 as deals, 0 as booked, 0 as budget,
        0 as projects, null as customer
      from newest where kind = 'engagement' and body->>'stage' = 'won'
      union all
      select entity, body->'versions'->-1->>'currency', 0, 0, (body->'versions'->-1->>'amount')::numeric, 0, 0, null
      from newest where kind = 'contract' and engagement not in (select engagement from archived)
      union all
      select entity, body->>'currency', 0, 0, 0, (
          select sum((t->>'hours')::numeric * (t->>'rate')::numeric) from jsonb_array_elements(body->'tasks') t
          where (t->>'billable')::boolean and (body->>'contract_version')::integer > 0
        ), 1, body->>'customer'
      from newest where kind = 'project' and body->>'state' <> 'archived'
    )
    select coalesce(entity, '') as entity, coalesce(currency, '') as currency, coalesce(sum(sold), 0) as sold,
      coalesce(sum(booked), 0) as booked, coalesce(sum(budget), 0) as budget, sum(deals) as deals,
      sum(projects) as projects, count(distinct customer) as customers
    from fact group by 1, 2
    """,
)

_ENTRIES: tuple[LiteralString, LiteralString] = (
    """
    select coalesce(entity, '') as entity, currency, count(*) as entries, sum(delivered_minutes) as delivered_minutes,
      coalesce(sum(billable_minutes) filter (where state = 'approved' and agreed_rate is null), 0) as unpriced_minutes
    from time_entry where state <> 'deleted'
    """,
    " group by 1, 2",
)

# What is left of a piece of work when the billed and the unbilled are taken away is at most a minor unit for each time it
# was billed. More than that is a difference; differences are counted without sign, so that no two of them cancel out.
_WORK: tuple[LiteralString, LiteralString] = (
    """
    with residue as (
      select *, abs(approved - billed - unbilled - set_aside) as residual, pieces * power(10::numeric, -minor_digits(currency)) as allowed
      from work_value
    """,
    """
    )
    select coalesce(entity, '') as entity, currency, sum(approved) as approved,
      coalesce(sum(approved) filter (where rate is null), 0) as due,
      coalesce(sum(unbilled) filter (where not at_risk), 0) as unbilled,
      coalesce(sum(unbilled) filter (where at_risk), 0) as at_risk,
      coalesce(sum(set_aside), 0) as set_aside,
      sum(approved_minutes)::bigint as approved_minutes,
      coalesce(sum(residual) filter (where residual > allowed), 0) as unexplained
    from residue group by 1, 2
    """,
)

# A line's rounding comes from its quantity (hundredths of an hour) and from its entries (half a minor unit each).
_INVOICES: tuple[LiteralString, LiteralString] = (
    """
    with chosen as (
      select *, state in ('posted', 'partly_paid', 'paid') as billed from invoice where state <> 'cancelled'
    """,
    """
    ), proof as (
      select e.invoice, e.line, sum(e.amount) as amount, sum(e.amount - e.worth) as overage, count(*) as pieces
      from chosen i join evidence e on e.invoice = i.key group by 1, 2
    ), line as (
      select l.invoice, sum(l.amount) as amount, sum(p.overage) as overage,
        sum(abs(l.amount - l.rounding - coalesce(p.amount, 0))) as unproved,
        sum(abs(l.rounding)) filter (where abs(l.rounding) >
          0.005 * abs(l.unit_price) + (coalesce(p.pieces, 0) + 1) * power(10::numeric, -minor_digits(i.currency))) as too_round
      from chosen i join invoice_line l on l.invoice = i.key left join proof p on p.invoice = l.invoice and p.line = l.line
      group by 1
    ), paid as (
      select p.invoice, sum(p.amount) as amount, count(*) as payments
      from chosen i join payment p on p.invoice = i.key group by 1
    )
    select i.entity, i.currency,
      coalesce(sum(i.net) filter (where not i.billed), 0) as proposed,
      coalesce(sum(i.net) filter (where i.billed), 0) as billed_net,
      coalesce(sum(i.tax) filter (where i.billed), 0) as billed_tax,
      coalesce(sum(i.total) filter (where i.billed), 0) as billed_total,
      coalesce(sum(p.amount) filter (where i.billed), 0) as paid,
      coalesce(sum(coalesce(i.open_amount, i.total)) filter (where i.billed), 0) as open,
      coalesce(sum(l.overage), 0) as overage,
      count(*) as invoices,
      coalesce(sum(p.payments), 0)::integer as payments,
      coalesce(sum(l.unproved), 0) as unproved,
      coalesce(sum(l.too_round), 0) as too_round,
      coalesce(sum(abs(i.net - coalesce(l.amount, 0))), 0) as net_differs,
      coalesce(sum(abs(coalesce(i.total, 0) - i.net - coalesce(i.tax, 0))) filter (where i.billed), 0) as total_differs,
      coalesce(sum(abs(coalesce(i.total, 0) - coalesce(p.amount, 0) - coalesce(i.open_amount, i.total, 0) - i.written_off))
        filter (where i.billed), 0) as open_differs
    from chosen i left join line l on l.invoice = i.key left join paid p on p.invoice = i.key
    group by 1, 2
    """,
)

_EVERYTHING: tuple[LiteralString, ...] = tuple("".join(each) for each in (_DOCUMENTS, _ENTRIES, _WORK, _INVOICES))
_SOME: tuple[LiteralString, ...] = (
    "and (engagement = any(%(some)s) or (kind = 'engagement' and key = any(%(some)s)))".join(_DOCUMENTS),
    "and engagement = any(%(some)s)".join(_ENTRIES),
    "where engagement = any(%(some)s)".join(_WORK),
    "and engagement = any(%(some)s)".join(_INVOICES),
)
_CHECKS = {
    "unexplained": "approved value = billed + unbilled + set aside, for each entry at each rate",
    "unproved": "an invoice line = its evidence + its rounding",
    "too_round": "the rounding of a line is no more than rounding can be",
    "net_differs": "an invoice's net = the sum of its lines",
    "total_differs": "a posted invoice's total = net + tax",
    "open_differs": "a posted invoice's total = paid + open + written off",
}


async def _totals(
    tx: Tx, statements: Sequence[LiteralString], some: Sequence[str]
) -> tuple[list[Totals], list[Difference]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for statement in statements:
        for each in await rows(tx, statement, {"some": list(some)}):
            found.setdefault((each["entity"], each["currency"]), {}).update(each)
    totals: list[Totals] = []
    differences: list[Difference] = []
    for (entity, currency), values in sorted(found.items()):
        differences += [
            Difference(name, entity, currency, values.pop(check)) for check, name in _CHECKS.items() if check in values
        ]
        known = Totals(**values)
        owed = known.approved + known.overage - known.unbilled - known.at_risk - known.set_aside
        residue = owed - known.billed_net - known.proposed
        totals.append(replace(known, rounding=residue))
    return totals, differences


async def _holds(tx: Tx) -> list[HoldCount]:
    found = await rows(
        tx,
        """
        select coalesce(entity, '') as entity, code, count(*) filter (where state = 'open') as open,
               count(*) filter (where state = 'resolved') as resolved
        from hold group by 1, 2 order by 1, 2
        """,
    )
    return [HoldCount(**each) for each in found]


async def _conservation(tx: Tx) -> list[Difference]:
    """What was received and is neither done, held, ignored nor in flight: in messages, and in money per currency."""
    found = await rows(
        tx,
        """
        select currency, sum(abs(missing)) as messages,
               sum(abs(missing_minor)) * power(10::numeric, -minor_digits(currency)) as amount
        from conservation group by 1 order by 1
        """,
    )
    missing = sum((each["messages"] for each in found), _ZERO)
    return [
        Difference("messages received = done + held + ignored + in flight", "", "", missing),
        *(
            Difference("value received = done + held + ignored + in flight", "", each["currency"], each["amount"])
            for each in found
            if each["currency"]
        ),
    ]


async def _orphans(tx: Tx) -> list[Difference]:
    """Evidence whose time entry is not there."""
    found = await rows(
        tx,
        """
        select count(*) as n from evidence e
        where e.kind = 'time' and not exists (select from time_entry t where t.connection = e.connection and t.source_id = e.source_id)
        """,
    )
    return [Difference("evidence without its time entry", "", "", Decimal(found[0]["n"]))]
