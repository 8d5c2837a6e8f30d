"""The hub's books of work that other companies and vendors lend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tieout.domain.lending import lenders, prices
from tieout.store import firm, lending, timesheets
from tieout.store.database import Database


class Lent:
    """Each verb one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def refresh(self, people: Mapping[str, Sequence[str]], connection: str, ids: Sequence[str] | None) -> None:
        """Of these entries, or of all, those of people whom the ERP of their legal entity does not employ, and nobody lends, wait
        by themselves; they never stop the others. `people` are those that each entity's ERP employs."""
        async with self._database.transaction() as tx:
            lent = lenders(await firm.values(tx))
            await timesheets.unknown_people(tx, people, connection, ids, lent)

    async def unpriced(self) -> list[dict[str, Any]]:
        """Work of which nobody has said what it costs, one row for each lender, company of the project and person."""
        async with self._database.transaction() as tx:
            found = await lending.expected(tx, prices(await firm.values(tx)))
        return [each for each in found if each["unpriced"]]
