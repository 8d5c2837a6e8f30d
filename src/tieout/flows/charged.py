"""Everything there is to decide an engagement with: what its contract says, what happened, and who shares its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tieout.domain.charging.billing import Beside, Ledger, agreement_of
from tieout.domain.charging.charge import Agreement
from tieout.domain.charging.due import due, released
from tieout.domain.charging.expenses import expenses
from tieout.domain.charging.fees import Due
from tieout.domain.documents.engagement import Contract, Engagement
from tieout.domain.documents.terms import Cap
from tieout.domain.spanning import beneath
from tieout.systems.spans import Spanned
from tieout.systems.systems import Systems

_ALONE = Spanned({}, {}, {})


@dataclass(frozen=True, slots=True)
class Charged:
    """`deal` is under the customer that its account means today (T01); `dues` is all that is due beside hours.

    `turns` says by which count of its shared limits this was read.
    """

    deal: Engagement
    agreement: Agreement
    ledger: Ledger
    beside: Sequence[Beside]
    turns: Mapping[str, int]

    @property
    def dues(self) -> Sequence[Due]:
        return self.ledger.dues


async def charged(
    systems: Systems, deal: Engagement, contract: Contract, through: date, *, but: Sequence[str] = ()
) -> Charged:
    """Up to and with a day, as if nobody had proposed the invoices of `but`. Whose turn it is beneath a shared limit is asked
    first: what is read afterwards is no older.
    """
    deal = await systems.register.canonical(deal, systems.firm.connection("crm", contract.legal_entity) or "")
    caps = beneath(systems.firm.caps, deal)
    spanned = await systems.spans.seen_from(caps, deal.key) if caps else _ALONE
    agreement, ledger = await _books(
        systems, contract, through, caps=[each.cap for each in caps], spanned=spanned, but=but
    )
    beside: list[Beside] = []
    for other, names in spanned.beside.items():
        theirs = await systems.register.contract(other)
        if theirs is not None:
            beside.append(Beside(*await _books(systems, theirs, through), names))
    return Charged(deal, agreement, ledger, beside, spanned.turns)


async def _books(
    systems: Systems,
    contract: Contract,
    through: date,
    *,
    caps: Sequence[Cap] = (),
    spanned: Spanned = _ALONE,
    but: Sequence[str] = (),
) -> tuple[Agreement, Ledger]:
    register, key = systems.register, contract.key
    accepted = await register.accepted(key, through)
    readings = await systems.metering.readings(key, through)
    dues = due(contract.versions, systems.firm, through=through, accepted=accepted, readings=readings)
    dues += expenses(await register.expenses(key, through))
    due_now = released(contract.current, through=through, accepted=accepted)
    agreement = agreement_of(*contract.versions, elsewhere=spanned.elsewhere, shared=caps, released=due_now)
    return agreement, replace(await register.ledger(key, through, but), dues=dues)
