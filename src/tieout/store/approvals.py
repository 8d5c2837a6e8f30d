"""Who has accepted what already, where one set of terms needs several people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tieout.store.database import Tx, row, rows


async def waiting(tx: Tx) -> list[dict[str, Any]]:
    """Those that nobody has answered, the oldest first."""
    return await rows(tx, "select * from approval where state = 'open' order by requested_at limit 1000")


async def accepted_by(tx: Tx, asked: Mapping[str, Any], actor: str) -> bool:
    """Whether this person stands behind another approval of the same terms. The database refuses the second one itself."""
    found = await row(
        tx,
        """
        select id from approval where flow = %s and subject = %s and terms_hash = %s and id <> %s
          and state = 'approved' and lower(%s) in (lower(decided_by), lower(on_behalf_of)) limit 1
        """,
        (asked["flow"], asked["subject"], asked["terms_hash"], asked["id"], actor),
    )
    return found is not None
