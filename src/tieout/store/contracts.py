"""What was done under a contract, and which version of it each system shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, cast

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


# The version that is agreed of an engagement: of its projects some may not have heard of it yet, and none of a later one.
_AGREED: LiteralString = "(select max(contract_version) from project p where p.engagement = s.engagement)"


async def versions(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    """Each system with its version: (connection, role, project, name, version, shown_at, agreed), the roles in their order.

    A system that shows it by project has a row for each; `name` is the project's where the engagement has several.
    """
    return await rows(
        tx,
        f"""
        select s.connection, c.role, s.project, s.version, s.shown_at, {_AGREED} as agreed,
               case when (select count(*) from project p where p.engagement = s.engagement) > 1 then coalesce((
                 select d.body ->> 'name' from document d where d.kind = 'project' and d.key = s.project
                 order by d.version desc limit 1), '') else '' end as name
        from contract_shown s join connection c on c.name = s.connection
        where s.engagement = %s order by array_position(array['crm', 'psa', 'erp'], c.role), s.connection, s.project
        """,  # noqa: S608 - all of it is written here
        (engagement,),
    )


async def differing(tx: Tx) -> list[dict[str, Any]]:
    """Engagements of which some system shows another version than the one that is agreed, with what they show as a text."""
    return await rows(
        tx,
        f"""
        select engagement, agreed, string_agg(connection || own || '=' || version, ' ' order by connection, own) as shown
        from (
          select s.engagement, s.connection, s.version, {_AGREED} as agreed,
                 coalesce((select '/' || p.key from project p where p.key = s.project and p.sold <> ''), '') as own
          from contract_shown s
        ) told group by 1, 2 having bool_or(version <> agreed) order by 1
        """,  # noqa: S608 - all of it is written here
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
