"""Lent work: what it is expected to cost, and the bills that it is matched with, each hour once (T49, T50)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.domain.lending import prices
from tieout.engine.deeds import Deeds, Refused, Unknown
from tieout.store import firm, lending


class Lending(Deeds):
    """A right of its own: `cost.match`, also to look, since what is expected is what people cost."""

    async def expected(self, *, lender: str = "", through: date | None = None) -> list[dict[str, Any]]:
        """What no bill stands for yet: {kind, lender, entity, person, currency, entries, minutes, unpriced, cost, first_day, last_day}.

        `unpriced` are minutes of which nobody has said what they cost; `cost` is that of all others, in the currency.
        """
        async with self._database.transaction() as tx:
            return await lending.expected(tx, prices(await firm.values(tx)), lender=lender, through=through)

    async def match(
        self, lender: str, number: str, *, through: date, currency: str = "", amount: Decimal | None = None, actor: str
    ) -> Mapping[str, Any]:
        """Matches a bill of a lender with all that is open of them up to a day: {expected, amount, currency, minutes …}.

        `amount` is what the bill says, net; what it differs by stays with it. Raises Unknown when nothing is open, Refused
        when the bill was matched before, hours have no price, or the work is in several currencies and none is named.
        """
        async with self._database.transaction() as tx:
            known = prices(await firm.values(tx))
            found = await lending.expected(tx, known, lender=lender, through=through)
            kinds = sorted({each["kind"] for each in found})
            if not found:
                raise Unknown(f"Nothing of {lender} up to {through} waits for a bill.")
            if len(kinds) > 1:
                raise Refused(f"{lender} is a company of the firm and a vendor: give the vendor another name.")
            if unpriced := sorted({each["person"] for each in found if each["unpriced"]}):
                raise Refused(
                    f"Nobody has said what the hours of {', '.join(unpriced)} cost: add it to the value table first."
                )
            currencies = sorted({each["currency"] for each in found})
            if currency not in currencies and (currency or len(currencies) > 1):
                raise Refused(f"What is open of {lender} is in {' and '.join(currencies)}: name one of them.")
            if await lending.bill(tx, kinds[0], lender, number):
                raise Refused(
                    f"{number} of {lender} was matched before; what has changed since needs a bill of its own."
                )
            made = await lending.match(
                tx, known, kind=kinds[0], lender=lender, number=number, through=through, currency=currency or currencies[0],
                amount=amount, actor=actor, now=self._clock(),
            )  # fmt: skip
            if made is None:
                raise Unknown(f"Nothing of {lender} up to {through} waits for a bill.")
            told = {
                name: str(made[name]) for name in ("number", "through", "expected", "amount", "currency", "minutes")
            }
            await self._audit(tx, actor, "cost.match", lender, told)
            return made
