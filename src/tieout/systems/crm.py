"""The CRM in its role: deals come from it, and what became of them goes back to the people in sales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tieout.connectors.contract import Reading, Sink, Source
from tieout.domain.identity import Ref
from tieout.systems.fitting import Fitted
from tieout.systems.register import Register


class CrmConnection(Source, Sink, Protocol):
    """A connection that can play the role."""


class Crm:
    """One CRM, on behalf of one run."""

    def __init__(
        self, connection: CrmConnection, effects: Fitted, register: Register, *, shows_holds: bool = True
    ) -> None:
        self.name = connection.name
        self.shows_holds = shows_holds
        self._connection = connection
        self._effects = effects
        self._register = register

    def link(self, ref: Ref) -> str:
        return self._connection.link(ref)

    async def read(self, deal: Ref) -> Reading | None:
        """The deal as it is now, with what people set in the hub in its place; None when it is gone."""
        reading = await self._connection.read(deal)
        return await self._register.overridden(reading) if reading is not None else None

    async def report(self, deal: str, about: str, facts: Mapping[str, Any]) -> None:
        """Shows facts on the opportunity. `about` keeps facts of different flows apart (state, money)."""
        await self._effects.keep(self._connection, "opportunity.update", f"{deal}/{about}", facts, {"record": deal})

    async def report_customer(self, account: str, erp_customer: str) -> None:
        await self._effects.keep(
            self._connection, "account.update", account, {"erp_customer": erp_customer}, {"record": account}
        )

    async def show_invoice(self, key: str, facts: Mapping[str, Any], *, account: str, deal: str) -> None:
        await self._effects.keep(
            self._connection, "invoice.upsert", key, facts, {"account": account, "opportunity": deal}
        )
