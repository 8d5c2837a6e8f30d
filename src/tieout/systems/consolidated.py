"""The hub's books of documents that gather several engagements: what is on them, and what finance decided, share by share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, cast

from tieout.domain.consolidating import Asked, by_payer, document, left_out
from tieout.domain.crediting import Credited, credited
from tieout.domain.documents.billing import Invoice, InvoiceLine
from tieout.domain.documents.upcast import load
from tieout.domain.paying import SplitBilling
from tieout.domain.sharing import Member, shares
from tieout.engine.run import Clock
from tieout.store import consolidated, credits, documents, invoices
from tieout.store.database import Database, Tx
from tieout.systems.credits import set_off

Row = Mapping[str, Any]
# What is on a document, and whose: invoice → engagement.
Whose = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Gathered:
    """A version of a document that is to be drafted.

    `drafted` is the version that the ERP has as a draft, 0 where it has none, `there` that draft as it was proposed and
    `record` its id. `unsettled` is a version of which nobody knows yet whether the ERP has it.
    """

    version: int
    invoice: Invoice
    drafted: int
    record: str
    there: Invoice | None
    unsettled: int | None


class Consolidated:
    """Each verb one transaction.

    `sabotage` brings known bugs back, so that the suite can prove that it would catch them: `not_frozen` lets somebody join the
    version that is just being drafted, `forget_unsettled` drafts a version before it is known what became of the last one.
    """

    def __init__(self, database: Database, clock: Clock, sabotage: frozenset[str] = frozenset()) -> None:
        self._database = database
        self._clock = clock
        self._sabotage = sabotage

    async def get(self, key: str) -> dict[str, Any] | None:
        async with self._database.statement() as tx:
            return await consolidated.get(tx, key)

    async def named(self, connection: str, reference: str) -> dict[str, Any] | None:
        """The document of a ledger by its number or by our key."""
        async with self._database.statement() as tx:
            return await consolidated.named(tx, connection, reference)

    async def gather(self, key: str, version: int) -> Gathered | None:
        """Settles what a version of the document has. None where a newer one is wanted, or there is nothing on it."""
        async with self._database.transaction() as tx:
            seal = consolidated.get if "not_frozen" in self._sabotage else partial(consolidated.freeze, version=version)
            found = await seal(tx, key)
            invoice = await _as_of(tx, found, version) if found else None
            if found is None or invoice is None:
                return None
            open_one = await consolidated.unsettled(tx, key, said(version))
            open_one = None if "forget_unsettled" in self._sabotage else open_one
            drafted = found["drafted"]
            return Gathered(
                version, invoice, drafted, found["record_id"],
                await _as_of(tx, found, drafted) if drafted else None,
                int(open_one) if open_one else None,
            )  # fmt: skip

    async def as_of(self, key: str, version: int) -> Invoice | None:
        """What the ERP was told in a version."""
        async with self._database.transaction() as tx:
            found = await consolidated.get(tx, key)
            return await _as_of(tx, found, version) if found else None

    async def move_on(self, key: str) -> str | None:
        """Those that came after finance had the document go on the next one; its key, where there are any."""
        async with self._database.transaction() as tx:
            return await consolidated.move_on(tx, key, self._clock())

    async def left_out(self, key: str, splits: Sequence[SplitBilling]) -> list[Asked]:
        """The engagements that wait for a person, and are not on the document for that."""
        async with self._database.transaction() as tx:
            found = await consolidated.get(tx, key)
            if found is None:
                return []
            asked = by_payer(await consolidated.asked(tx, found["period"]), splits)
            return left_out(consolidated.head_of(found), asked)

    async def decided(self, key: str, record_id: str, connection: str, told: Row) -> Whose:
        """Writes down what finance decided, for each that is on the document its share.

        Once finance has the document, what came too late for it goes on the next one. Nothing is said of a draft that another
        one has replaced meanwhile.
        """
        async with self._database.transaction() as tx:
            found = await consolidated.get(tx, key, lock=True)
            assert found is not None, "a document is never deleted"
            if found["record_id"] not in ("", record_id):
                return {}
            now, rows = self._clock(), await _there(tx, found)
            members = [_summed(each.key, each.lines) for each in await _proposals(tx, rows)]
            notes = await _notes(tx, [each["key"] for each in rows])
            parts = shares(members, told, found["currency"], notes=notes)
            for each in rows:
                await invoices.decided(tx, each["key"], parts[each["key"]], now)
            state, number = str(told["state"]), str(told["number"] or "")
            await consolidated.stands(tx, key, state, number, record_id, connection, now)
            if state not in ("draft", "cancelled"):
                await consolidated.move_on(tx, key, now)
            return {each["key"]: each["engagement"] for each in rows}

    async def credit(self, key: str, record_id: str, told: Row) -> tuple[Credited, Whose]:
        """Writes down what finance took back by a credit note, under each member of which it took something.

        Nothing is written where a line of it corrects nothing of ours.
        """
        async with self._database.transaction() as tx:
            found = await consolidated.get(tx, key, lock=True)
            assert found is not None, "a document is never deleted"
            rows = {each["key"]: each for each in await _there(tx, found)}
            lines, standing = [
                [{**each, "line": f"{each['invoice']} {each['line']}"} for some in kinds for each in some]
                for kinds in (
                    [await credits.lines(tx, each) for each in rows],
                    [await credits.standing(tx, each, but=_note(each, record_id)) for each in rows],
                )
            ]
            whole = credited(lines, standing, told["lines"], found["currency"])
            if whole.unmatched:
                return whole, {}
            taken = {each: part for each in rows if (part := _of(each, whole)).lines}
            proposals = {each.key: each for each in await _proposals(tx, [rows[each] for each in taken])}
            notes = [_summed(each, _taken(proposals[each], part)) for each, part in taken.items()]
            parts = shares(notes, set_off(told), found["currency"])
            for each in notes:
                note, of = _note(each.key, record_id), rows[each.key]
                await credits.noted(tx, of, note, record_id, each.net, taken[each.key], self._clock())
                await invoices.decided(tx, note, parts[each.key], self._clock())
            return whole, {_note(each, record_id): rows[each]["engagement"] for each in taken}


def said(version: int) -> str:
    """A version as effects have it: texts that are in order as their numbers are."""
    return f"{version:04}"


async def _as_of(tx: Tx, found: dict[str, Any], version: int) -> Invoice | None:
    members = await _proposals(tx, await consolidated.members(tx, found["key"], version))
    return document(found["key"], consolidated.head_of(found), members) if members else None


async def _proposals(tx: Tx, rows: Sequence[Row]) -> list[Invoice]:
    stored = [await documents.latest(tx, Invoice.kind, each["key"]) for each in rows]
    return [cast(Invoice, load(Invoice.kind, each["schema_version"], each["body"])) for each in stored if each]


async def _there(tx: Tx, found: dict[str, Any]) -> list[dict[str, Any]]:
    """What the ERP's document has: of a draft whose receipt is still under way, all that it was made of."""
    return await consolidated.members(tx, found["key"], found["drafted"] or found["frozen"])


def _summed(key: str, lines: Sequence[InvoiceLine]) -> Member:
    taxed = sum((each.amount for each in lines if each.taxed), Decimal(0))
    return Member(key, sum((each.amount for each in lines), Decimal(0)), taxed)


def _taken(proposal: Invoice, part: Credited) -> list[InvoiceLine]:
    """The lines of a proposal with what a credit note takes back of each."""
    amounts = {each["line"]: each["amount"] for each in part.lines}
    return [each.model_copy(update={"amount": amounts[each.key]}) for each in proposal.lines if each.key in amounts]


async def _notes(tx: Tx, keys: Sequence[str]) -> list[dict[str, Decimal]]:
    """By credit note of the ledger, what it takes back of each member, with tax."""
    found: dict[str, dict[str, Decimal]] = {}
    for key in keys:
        for each in await credits.of_invoice(tx, key):
            if each["total"] is not None and each["record_id"]:
                found.setdefault(each["record_id"], {})[key] = -each["total"]
    return list(found.values())


def _note(member: str, record_id: str) -> str:
    return f"{member}-C{record_id}"


def _of(member: str, whole: Credited) -> Credited:
    """What of a credit note is one member's, under that member's own lines."""
    mine = f"{member} "
    return Credited(
        [{**each, "line": each["line"].removeprefix(mine)} for each in whole.lines if each["line"].startswith(mine)],
        {name.removeprefix(mine): each for name, each in whole.rounding.items() if name.startswith(mine)},
        [{**each, "line": each["line"].removeprefix(mine)} for each in whole.evidence if each["line"].startswith(mine)],
        (),
    )
