"""Projects and their tasks as typed rows, beside the documents: what months of time entries are joined with."""

from __future__ import annotations

from typing import Any

from tieout.domain.documents.project import Project
from tieout.store.database import Tx, row


async def save(tx: Tx, project: Project) -> None:
    await tx.execute(
        """
        insert into project (key, engagement, entity, customer, currency, department, rate_card, contract_version)
        values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (key) do update
        set customer = excluded.customer, department = excluded.department, rate_card = excluded.rate_card,
            contract_version = excluded.contract_version
        """,
        (
            project.key, project.engagement, project.legal_entity, project.customer, project.currency, project.department,
            project.rate_card, project.contract_version,
        ),
    )  # fmt: skip
    async with tx.cursor() as cursor:
        await cursor.executemany(
            """
            insert into project_task (key, project, name, role, billable) values (%s, %s, %s, %s, %s)
            on conflict (key) do update set name = excluded.name, role = excluded.role, billable = excluded.billable
            """,
            [(each.key, project.key, each.name, each.role, each.billable) for each in project.tasks],
        )


async def of_engagement(tx: Tx, engagement: str) -> dict[str, Any] | None:
    return await row(tx, "select * from project where engagement = %s", (engagement,))
