"""Projects and their tasks as typed rows, beside the documents: what months of time entries are joined with."""

from __future__ import annotations

from datetime import date
from typing import Any

from tieout.domain.documents.project import Project
from tieout.store.database import Tx, row, rows


async def save(tx: Tx, project: Project) -> None:
    await tx.execute(
        """
        insert into project (key, engagement, entity, customer, currency, department, rate_card, contract_version, state,
                             tentative_until)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (key) do update
        set customer = excluded.customer, department = excluded.department, rate_card = excluded.rate_card,
            contract_version = excluded.contract_version, state = excluded.state, tentative_until = excluded.tentative_until
        """,
        (
            project.key, project.engagement, project.legal_entity, project.customer, project.currency, project.department,
            project.rate_card, project.contract_version, project.state, project.tentative_until,
        ),
    )  # fmt: skip
    async with tx.cursor() as cursor:
        await cursor.executemany(
            """
            insert into project_task (key, project, name, role, billable, sold, increment, direction)
            values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (key) do update
            set name = excluded.name, role = excluded.role, billable = excluded.billable, sold = excluded.sold,
                increment = excluded.increment, direction = excluded.direction
            """,
            [
                (each.key, project.key, each.name, each.role, each.billable, each.sold, each.increment, each.direction)
                for each in project.tasks
            ],
        )


async def of_engagement(tx: Tx, engagement: str) -> dict[str, Any] | None:
    return await row(tx, "select * from project where engagement = %s", (engagement,))


async def terms_over(tx: Tx, today: date) -> list[dict[str, Any]]:
    """Tentative projects whose work could go on until yesterday or before, each with its deal's record in the CRM."""
    return await rows(
        tx,
        """
        select p.engagement, p.tentative_until, x.connection, x.record_id
        from project p join crosswalk x on x.kind = 'engagement' and x.key = p.engagement and not x.alias
        where p.state = 'tentative' and p.tentative_until < %s order by p.engagement
        """,
        (today,),
    )
