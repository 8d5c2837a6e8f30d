"""Projects and their tasks as typed rows, beside the documents: what months of time entries are joined with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from psycopg.types.json import Json

from tieout.domain.documents.project import Project
from tieout.store.database import Tx, rows


async def save(tx: Tx, project: Project) -> None:
    await save_all(tx, [project])


async def save_all(tx: Tx, saved: Sequence[Project]) -> None:
    if not saved:
        return
    await tx.execute(
        """
        insert into project (key, engagement, sold, entity, customer, currency, department, rate_card, contract_version, state,
                             tentative_until)
        select key, engagement, sold, entity, customer, currency, department, rate_card, contract_version, state, tentative_until
        from json_to_recordset(%s) as p(key text, engagement text, sold text, entity text, customer text, currency text,
             department text, rate_card text, contract_version integer, state text, tentative_until date) order by key
        on conflict (key) do update
        set customer = excluded.customer, department = excluded.department, rate_card = excluded.rate_card,
            contract_version = excluded.contract_version, state = excluded.state, tentative_until = excluded.tentative_until
        """,
        (Json([_project(each) for each in saved]),),
    )
    await tx.execute(
        """
        insert into project_task (key, project, name, role, billable, sold, increment, direction)
        select key, project, name, role, billable, sold, increment, direction
        from json_to_recordset(%s) as t(key text, project text, name text, role text, billable boolean, sold text,
             increment integer, direction text) order by key
        on conflict (key) do update
        set name = excluded.name, role = excluded.role, billable = excluded.billable, sold = excluded.sold,
            increment = excluded.increment, direction = excluded.direction
        """,
        (Json([task for each in saved for task in _tasks(each)]),),
    )


def _project(project: Project) -> dict[str, Any]:
    return {
        "key": project.key, "engagement": project.engagement, "sold": project.sold, "entity": project.legal_entity,
        "customer": project.customer, "currency": project.currency, "department": project.department, "rate_card": project.rate_card,
        "contract_version": project.contract_version, "state": project.state, "tentative_until": project.tentative_until,
    }  # fmt: skip


def _tasks(project: Project) -> list[dict[str, Any]]:
    return [
        {
            "key": each.key, "project": project.key, "name": each.name, "role": each.role, "billable": each.billable,
            "sold": each.sold, "increment": each.increment, "direction": each.direction,
        }
        for each in project.tasks
    ]  # fmt: skip


async def of_engagement(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    """Its projects, that of the deal first, where it has one."""
    return await rows(tx, "select * from project where engagement = %s order by sold", (engagement,))


async def terms_over(tx: Tx, today: date) -> list[dict[str, Any]]:
    """Deals with a tentative project whose work could go on until yesterday or before, each with its record in the CRM."""
    return await rows(
        tx,
        """
        select distinct p.engagement, p.tentative_until, x.connection, x.record_id
        from project p join crosswalk x on x.kind = 'engagement' and x.key = p.engagement and not x.alias
        where p.state = 'tentative' and p.tentative_until < %s order by p.engagement
        """,
        (today,),
    )
