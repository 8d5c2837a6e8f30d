"""The hub's books of drafts: what was made of a cut-off, what the ERP has that finance has not posted, and what is off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tieout.domain.documents.billing import Invoice
from tieout.domain.documents.upcast import load
from tieout.domain.redrafting import is_untouched
from tieout.engine.run import Clock
from tieout.store import consolidated, credits, documents, invoices
from tieout.store.database import Database


@dataclass(frozen=True, slots=True)
class Made:
    """An invoice that was proposed before, how it stands, and the ERP's record of it."""

    invoice: Invoice
    state: str
    record: str
    alone: bool

    @property
    def is_draft_alone(self) -> bool:
        """A draft of its own, and no credit note, to which people agreed as it is."""
        return self.state == "draft" and self.alone and not self.invoice.corrects


class Drafts:
    """Each verb one transaction. `sabotage` is that of domain.redrafting."""

    def __init__(self, database: Database, clock: Clock, sabotage: frozenset[str] = frozenset()) -> None:
        self._database = database
        self._clock = clock
        self._sabotage = sabotage

    async def made(self, engagement: str, key: str) -> list[Made]:
        """What was proposed before at a cut-off, of all projects and payers, in all versions."""
        async with self._database.transaction() as tx:
            found: list[Made] = []
            for each in await invoices.of_engagement(tx, engagement):
                if each["corrects"] is None and (each["key"] == key or each["key"].startswith(f"{key}-")):
                    stored = await documents.latest(tx, Invoice.kind, each["key"])
                    if stored is not None:
                        invoice = cast(Invoice, load(Invoice.kind, stored["schema_version"], stored["body"]))
                        alone = each["consolidated"] is None
                        found.append(Made(invoice, each["state"], each["record_id"], alone))
            return found

    async def evidence(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        async with self._database.statement() as tx:
            return [row for each in keys for row in await credits.evidence(tx, each)]

    def is_untouched(self, invoice: Invoice, told: Mapping[str, Any]) -> bool:
        return is_untouched(invoice, told, self._sabotage)

    async def of(self, connection: str) -> list[dict[str, Any]]:
        """What an ERP had as drafts when it was last asked: key, record_id, net and currency of each document."""
        async with self._database.transaction() as tx:
            return [*await invoices.drafts(tx, connection), *await consolidated.drafts(tx, connection)]

    async def outdated(self, connection: str) -> list[dict[str, Any]]:
        """Cut-offs with drafts of their own in an ERP since which something has changed: engagement, period, what (as a mark)."""
        async with self._database.statement() as tx:
            return await invoices.outdated(tx, connection)

    async def withdraw(self, key: str) -> None:
        """The document is off, with all that is on it: their work is unbilled again."""
        async with self._database.transaction() as tx:
            if await consolidated.get(tx, key) is not None:
                await consolidated.withdraw(tx, key, self._clock())
            else:
                await invoices.withdraw(tx, key, self._clock())
