"""What was done under a contract, and which version of it each system shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from tieout.domain.documents.engagement import Contract
from tieout.domain.documents.upcast import load
from tieout.store import documents
from tieout.store.database import Tx, rows
from tieout.store.dossier import document_page
from tieout.store.lookup import find


async def done(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    """Per task and sale: minutes worked, approved or not, and what they are worth; what of a sale is billed stands by itself."""
    return await rows(
        tx,
        """
        select coalesce(k.sold, '') as sold, t.task, sum(t.minutes)::integer as minutes,
               coalesce(sum(entry_amount(t.billable_minutes, coalesce(t.agreed_rate, t.rate), t.currency))
                        filter (where coalesce(k.billable, true)), 0) as worked, 0::numeric as billed
        from time_entry t left join project_task k on k.key = t.task
        where t.engagement = %(engagement)s and t.state not in ('deleted', 'rejected') group by 1, 2
        union all
        select e.sold, '', 0, 0, sum(e.amount) from evidence e join invoice i on i.key = e.invoice
        where i.engagement = %(engagement)s and i.state <> 'cancelled' group by 1
        """,
        {"engagement": engagement},
    )


async def shown(tx: Tx, engagement: str, connection: str, version: int, now: datetime) -> None:
    """A system has confirmed that it shows this version."""
    await tx.execute(
        """
        insert into contract_shown (engagement, connection, version, shown_at) values (%s, %s, %s, %s)
        on conflict (engagement, connection) do update set version = excluded.version, shown_at = excluded.shown_at
        where contract_shown.version <> excluded.version
        """,
        (engagement, connection, version, now),
    )


async def versions(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    """Each system with its version: (connection, role, version, shown_at, agreed), the roles in their order."""
    return await rows(
        tx,
        """
        select s.connection, c.role, s.version, s.shown_at, p.contract_version as agreed
        from contract_shown s join connection c on c.name = s.connection join project p on p.engagement = s.engagement
        where s.engagement = %s order by array_position(array['crm', 'psa', 'erp'], c.role), s.connection
        """,
        (engagement,),
    )


async def differing(tx: Tx) -> list[dict[str, Any]]:
    """Engagements of which some system shows another version than the one that is agreed, with what they show as a text."""
    return await rows(
        tx,
        """
        select p.engagement, p.contract_version as agreed,
               string_agg(s.connection || '=' || s.version, ' ' order by s.connection) as shown
        from project p join contract_shown s on s.engagement = p.engagement
        group by 1, 2 having bool_or(s.version <> p.contract_version) order by 1
        """,
    )


def summed(found: Sequence[Mapping[str, Any]], name: str, by: str) -> dict[str, Any]:
    """One figure of what was done, added up by sale or by task."""
    sums: dict[str, Any] = {}
    for each in found:
        sums[each[by]] = sums.get(each[by], 0) + each[name]
    return sums


@dataclass(frozen=True, slots=True)
class Versions:
    """A contract with all its versions, the newest first, and what each system shows of it."""

    contract: Contract
    entity: str
    shown: Sequence[Mapping[str, Any]]

    @property
    def agrees(self) -> bool:
        """Whether every system that was told of the contract shows what is agreed."""
        return all(each["version"] == each["agreed"] for each in self.shown)


async def story(tx: Tx, engagement: str) -> Versions | None:
    """None where nothing was agreed."""
    found = await documents.latest(tx, Contract.kind, engagement)
    if found is None:
        return None
    contract = cast("Contract", load(Contract.kind, found["schema_version"], found["body"]))
    return Versions(contract, found["entity"] or "", await versions(tx, engagement))


async def anywhere(tx: Tx, text: str) -> Versions | None:
    """The contract of an engagement, or of whatever else an id leads to."""
    known = await story(tx, text)
    for hit in [] if known else await find(tx, text):
        page = await document_page(tx, hit.kind, hit.key)
        for engagement in page.engagements if page else ():
            known = known or await story(tx, engagement)
    return known
