"""What finance makes the hub do about what was billed: take an invoice back, and give up work that will not be billed."""

from __future__ import annotations

from typing import Any

from tieout.engine.deeds import Deeds, Refused, Unknown
from tieout.store import credits, holds, invoices, projects, runs
from tieout.store.database import Tx
from tieout.store.scope import widen

_POSTED = ("posted", "partly_paid", "paid")
_FLOW = "credit_and_rebill"


class Corrections(Deeds):
    """Rights of their own: `credit.decide` and `work.write_off`."""

    async def credit(self, invoice: str, *, reason: str, actor: str) -> str:
        """Asks for a credit note of a whole posted invoice, whose work is then billed again to the payer of that day (T42).

        Nothing happens before somebody else of finance has agreed; then a draft is made in the ERP. The id of its run.
        """
        _because(reason)
        async with self._database.transaction() as tx:
            found = await _invoice(tx, invoice)
            await widen(tx)
            if found["state"] not in _POSTED or found["corrects"]:
                raise Refused(
                    f"{invoice} is {found['state']}: a posted invoice can be credited, a draft is changed in the ERP."
                )
            if await credits.of_invoice(tx, found["key"]):
                raise Refused(f"{invoice} was credited before: credit the rest in the ERP.")
            now, key = self._clock(), found["key"]
            await holds.decide(tx, key, _FLOW, _FLOW, reason=reason, actor=actor, now=now)
            run_id = f"{_FLOW}:{key}:1"
            lane = found["engagement"]
            await runs.queue(tx, run_id, flow=_FLOW, subject=key, version="1", lane=lane, now=now, engagement=lane)
            await self._audit(tx, actor, "credit.ask", key, {"reason": reason})
            return run_id

    async def write_off(self, engagement: str, *, limit: str = "", reason: str, actor: str) -> list[dict[str, Any]]:
        """Gives up what waits above the limits of an engagement, or above one of them: {why, currency, minutes, worth} each.

        What is given up is never billed, whatever the contract says later; only time that is approved anew is.
        """
        _because(reason)
        async with self._database.transaction() as tx:
            if not await projects.of_engagement(tx, engagement):
                raise Unknown(f"Nothing of {engagement} waits above {limit or 'a limit'}.")
            await widen(tx)
            gone = await credits.give_up(tx, engagement, why=limit, actor=actor, reason=reason, now=self._clock())
            if not gone:
                raise Unknown(f"Nothing of {engagement} waits above {limit or 'a limit'}.")
            if not await credits.waiting_above(tx, engagement):
                await holds.close_holds(
                    tx, "time_to_invoice", f"{engagement}/caps", by=actor, resolution=f"written off: {reason}",
                    now=self._clock(),
                )  # fmt: skip
            for each in gone:
                detail = {
                    "limit": each["why"],
                    "minutes": each["minutes"],
                    "worth": str(each["worth"]),
                    "reason": reason,
                }
                await self._audit(tx, actor, "work.write_off", engagement, detail)
            return gone


async def _invoice(tx: Tx, invoice: str) -> dict[str, Any]:
    found = await invoices.named(tx, invoice)
    if not found:
        raise Unknown(f"There is no invoice {invoice!r}.")
    if len(found) > 1:
        which = ", ".join(f"{each['key']} of {each['entity']}" for each in found)
        raise Refused(f"{invoice} is the number of several invoices: say which, {which}.")
    return found[0]


def _because(reason: str) -> None:
    if not reason.strip():
        raise Refused("Say why: the reason stays in the books.")
