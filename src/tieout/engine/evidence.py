"""Makes evidence packs: what the hub knows of an invoice, less what the reader may not see, sealed in the audit chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tieout.domain.access import Actor
from tieout.domain.evidence.facts import (
    ApprovalFacts,
    DocumentFacts,
    EntryFacts,
    Facts,
    InvoiceFacts,
    LineFacts,
    ManualFacts,
    PaymentFacts,
    RateFacts,
    ReadBack,
    ReadingFacts,
    ReceiptFacts,
)
from tieout.domain.evidence.masking import masked
from tieout.domain.evidence.pack import ACTION, Chain, facts_file, packed, seal
from tieout.domain.evidence.page import page
from tieout.domain.identity import content_hash
from tieout.engine.deeds import Refused, Unknown
from tieout.engine.run import Clock
from tieout.store import audit, evidence, firm, lineage
from tieout.store.database import Database, Tx
from tieout.store.evidence import Source
from tieout.store.lineage import Evidence, Line, Lineage, Manual
from tieout.store.scope import widen
from tieout.store.usage_story import Measured

# Documents whose content is in the pack; of the others it has the fingerprint and the trail.
_WITH_BODY = ("contract", "invoice")
# What an entry's facts have from its evidence, under the same names.
_AS_BILLED = tuple(name for name in EntryFacts.model_fields if hasattr(Evidence, name) and name != "readings")


@dataclass(frozen=True, slots=True)
class Pack:
    """A file to hand over: `name` is made for a file system, `seal` is the hash of its entry in the audit log."""

    name: str
    data: bytes
    seal: str


async def evidence_pack(
    database: Database, clock: Clock, invoice: str, *, reader: Actor, line: str = "", entity: str = ""
) -> Pack:
    """The pack of an invoice, by number, key or ERP id; of one of its lines where `line` is its key or position.

    Every pack leaves an entry in the audit log. Raises Unknown, and Refused where a number is another entity's too.
    """
    async with database.transaction() as tx:
        found = await _one(tx, invoice, entity)
        lines = _chosen(found, line)
        facts = masked(await _facts(tx, found, lines, "line" if line else "invoice", reader, clock), reader)
        told, shown = facts_file(facts), page(facts)
        objects = [facts.invoice.key, facts.invoice.engagement, facts.invoice.project]
        objects += [f"A-{each.id}" for each in facts.approvals]
        objects += [f"H-{each}" for each in await evidence.holds(tx, facts.invoice.engagement)]
        # The chain between what these say is shown by its digests alone.
        await widen(tx)
        await audit.append(tx, reader.email, ACTION, facts.invoice.key, seal(told, shown), clock())
        stretches = await audit.stretches(tx, objects, tells=reader.may("audit.read"))
        return Pack(
            f"evidence-{_plain(facts.invoice.number or facts.invoice.key)}{f'-line-{lines[0].position}' if line else ''}.zip",
            packed(told, shown, Chain(stretches=tuple(stretches))),
            stretches[-1][-1].hash,
        )


async def _one(tx: Tx, invoice: str, entity: str) -> Lineage:
    found = [each for each in await lineage.of_invoice(tx, invoice) if entity in ("", each.invoice["entity"])]
    if not found:
        raise Unknown(f"There is no invoice {invoice!r}{f' of {entity}' if entity else ''}.")
    if len(found) > 1:
        which = ", ".join(f"{each.invoice['key']} of {each.invoice['entity']}" for each in found)
        raise Refused(f"{invoice} is the number of several invoices: say which, {which}.")
    return found[0]


def _chosen(found: Lineage, line: str) -> list[Line]:
    lines = [each for each in found.lines if line in ("", each.line, str(each.position))]
    if not lines and line:
        raise Unknown(f"Invoice {found.invoice['key']} has no line {line!r}.")
    return lines


async def _facts(tx: Tx, found: Lineage, lines: Sequence[Line], covers: Any, reader: Actor, clock: Clock) -> Facts:
    invoice, currency = found.invoice, found.invoice["currency"]
    sources = await evidence.sources(tx, invoice["key"], [each.line for each in lines])
    back = await evidence.read_back(tx, dict(invoice))
    return Facts(
        made_at=clock(),
        made_by=reader.email,
        made_for=tuple(sorted(reader.roles)),
        withheld=(),
        covers=covers,
        invoice=_invoice(found),
        lines=tuple(_line(each, sources) for each in lines),
        manual=tuple(_manual(each) for each in found.manual if covers == "invoice"),
        documents=tuple(_document(each) for each in await evidence.behind(tx, dict(invoice))),
        rate_cards=_cards(await firm.rate_cards(tx), lines, currency),
        approvals=tuple(
            _picked(ApprovalFacts, each, decided_by=each["decided_by"] or "", on_behalf_of=each["on_behalf_of"] or "")
            for each in await evidence.approvals(tx, invoice["engagement"])
        ),
        receipts=tuple(_picked(ReceiptFacts, each) for each in await evidence.receipts(tx, dict(invoice))),
        read_back=None
        if back is None
        else ReadBack(
            connection=back["connection"],
            id=back["record_id"],
            version=back["version"],
            received_at=back["received_at"],
            digest=content_hash(back["payload"]),
        ),
    )


def _invoice(found: Lineage) -> InvoiceFacts:
    return _picked(
        InvoiceFacts,
        found.invoice,
        customer_name=_name(found.customer),
        deal=f"{found.deal['connection']}/{found.deal['record_id']}" if found.deal else "",
        project_name=_name(found.project),
        payments=tuple(_picked(PaymentFacts, each) for each in found.payments),
    )


def _name(document: Mapping[str, Any] | None) -> str:
    return str(document["body"].get("name", "")) if document else ""


def _line(line: Line, sources: Mapping[tuple[str, str, str], Source]) -> LineFacts:
    entries: list[EntryFacts] = []
    for each in line.evidence:
        source = sources.get((each.connection, each.source_id, each.entry_version))
        told = {name: getattr(each, name) for name in _AS_BILLED}
        entries.append(
            EntryFacts(
                **told,
                id=each.source_id,
                version=each.entry_version,
                seen_at=source.seen_at if source else None,
                digest=source.digest if source else "",
                readings=tuple(_reading(one) for one in each.readings),
            )
        )
    told = {name: getattr(line, name) for name in LineFacts.model_fields if name != "entries"}
    return LineFacts(**told, entries=tuple(entries))


def _reading(each: Measured) -> ReadingFacts:
    told = {name: getattr(each, name) for name in ReadingFacts.model_fields if name not in ("id", "amount")}
    return ReadingFacts(**told, id=each.source_id, amount=each.share)


def _manual(line: Manual) -> ManualFacts:
    return ManualFacts(**{name: getattr(line, name) for name in ManualFacts.model_fields})


def _document(stored: Mapping[str, Any]) -> DocumentFacts:
    return _picked(DocumentFacts, stored, body=stored["body"] if stored["kind"] in _WITH_BODY else None)


def _cards(stored: Sequence[Mapping[str, Any]], lines: Sequence[Line], currency: str) -> tuple[RateFacts, ...]:
    """The versions that priced the lines, with the rates of the lines' roles and no others."""
    wanted = {(each.rate_card, each.rate_card_version) for line in lines for each in line.evidence}
    roles = {each.role for each in lines}
    found: dict[tuple[str, int], RateFacts] = {}
    for card in stored:
        for version in card["versions"]:
            name = card["name"], version["version"]
            if name in wanted and name not in found and card["currency"] == currency:
                rates = {role: Decimal(str(rate)) for role, rate in sorted(version["rates"].items()) if role in roles}
                found[name] = RateFacts(card=name[0], version=name[1], valid_from=version["valid_from"], rates=rates)
    return tuple(found[each] for each in sorted(found))


def _picked(model: Any, stored: Mapping[str, Any], **more: Any) -> Any:
    return model(**{name: stored[name] for name in model.model_fields if name not in more}, **more)


def _plain(name: str) -> str:
    return "".join(each if each.isalnum() and each.isascii() else "-" for each in name)
