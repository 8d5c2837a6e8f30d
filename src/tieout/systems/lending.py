"""The hub's books of work that other companies and vendors lend."""

from __future__ import annotations

from typing import Any

from tieout.domain.lending import prices
from tieout.store import firm, lending
from tieout.store.database import Database


class Lent:
    """Each verb one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unpriced(self) -> list[dict[str, Any]]:
        """Work of which nobody has said what it costs, one row for each lender, company of the project and person."""
        async with self._database.transaction() as tx:
            found = await lending.expected(tx, prices(await firm.values(tx)))
        return [each for each in found if each["unpriced"]]
