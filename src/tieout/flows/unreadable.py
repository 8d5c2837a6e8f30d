"""What a page brought that cannot be understood: one problem each, with the vendor's words."""

from __future__ import annotations

from tieout.domain.problems import Problem
from tieout.systems.systems import Systems


async def unreadable(systems: Systems, connection: str, kind: str, code: str) -> list[Problem]:
    """One problem `code` for each record of the kind whose newest state cannot be understood."""
    found = await systems.register.unreadable(connection, kind, code)
    return [
        Problem(
            code,
            {"system": connection, "subject": each["record_id"], "link": f"/x/{each['record_id']}"},
            each["quote"],
        )
        for each in found
    ]
