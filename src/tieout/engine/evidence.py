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
    MemberFacts,
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

    The number of a document of several engagements, and our key of it, mean all that is on it.

    Every pack leaves an entry in the audit log. Raises Unknown, and Refused where a number is another entity's too.
    """
    async with database.transaction() as tx:
        found = await _which(tx, invoice, entity)
        chosen = _chosen(found, line)
        facts = masked(await _facts(tx, found, chosen, "line" if line else "invoice", reader, clock), reader)
        told, shown = facts_file(facts), page(facts)
        objects = [facts.invoice.key, *(f"A-{each.id}" for each in facts.approvals)]
        for each in (one.invoice for one in found):
            objects += [each["key"], each["engagement"], each["project"]]
            objects += [f"H-{number}" for number in await evidence.holds(tx, each["engagement"])]
        # The chain between what these say is shown by its digests alone.
        await widen(tx)
        await audit.append(tx, reader.email, ACTION, facts.invoice.key, seal(told, shown), clock())
        stretches = await audit.stretches(tx, list(dict.fromkeys(objects)), tells=reader.may("audit.read"))
        return Pack(
            f"evidence-{_plain(facts.invoice.number or facts.invoice.key)}{f'-line-{chosen[0].position}' if line else ''}.zip",
            packed(told, shown, Chain(stretches=tuple(stretches))),
            stretches[-1][-1].hash,
        )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A line with the invoice that it is of; on a document of several engagements the lines are counted through."""

    of: Lineage
    line: Line
    key: str
    position: int
    invoice: str


async def _which(tx: Tx, invoice: str, entity: str) -> list[Lineage]:
    """One invoice, or that of each engagement on one document."""
    found = [each for each in await lineage.of_invoice(tx, invoice) if entity in ("", each.invoice["entity"])]
    if not found:
        raise Unknown(f"There is no invoice {invoice!r}{f' of {entity}' if entity else ''}.")
    papers = {(each.invoice["consolidated"] or each.invoice["key"], each.invoice["record_id"]) for each in found}
    if len(papers) > 1:
        which = ", ".join(f"{each.invoice['key']} of {each.invoice['entity']}" for each in found)
        raise Refused(f"{invoice} is the number of several invoices: say which, {which}.")
    return found


def _chosen(found: Sequence[Lineage], line: str) -> list[_Chosen]:
    everything = [(of, each) for of in found for each in of.lines]
    if len(found) == 1:
        lines = [_Chosen(of, each, each.line, each.position, "") for of, each in everything]
    else:
        lines = [
            _Chosen(of, each, f"{of.invoice['key']} {each.line}", place, of.invoice["key"])
            for place, (of, each) in enumerate(everything, 1)
        ]
    chosen = [each for each in lines if line in ("", each.key, str(each.position))]
    if not chosen and line:
        raise Unknown(f"Invoice {_key(found)} has no line {line!r}.")
    return chosen


def _key(found: Sequence[Lineage]) -> str:
    first = found[0].invoice
    return first["key"] if len(found) == 1 else first["consolidated"]


async def _facts(
    tx: Tx, found: Sequence[Lineage], chosen: Sequence[_Chosen], covers: Any, reader: Actor, clock: Clock
) -> Facts:
    invoices = [dict(each.invoice) for each in found]
    lines: list[LineFacts] = []
    for of in found:
        mine = [each for each in chosen if each.of is of]
        sources = await evidence.sources(tx, of.invoice["key"], [each.line.line for each in mine])
        lines += [_line(each, sources) for each in mine]
    behind = {(each["kind"], each["key"]): each for one in invoices for each in await evidence.behind(tx, one)}
    approvals = {each["id"]: each for one in invoices for each in await evidence.approvals(tx, one["engagement"])}
    receipts = {each["key"]: each for one in invoices for each in await evidence.receipts(tx, one)}
    back = await evidence.read_back(tx, invoices[0])
    return Facts(
        made_at=clock(),
        made_by=reader.email,
        made_for=tuple(sorted(reader.roles)),
        withheld=(),
        covers=covers,
        invoice=_invoice(found[0]) if len(found) == 1 else _together(found),
        lines=tuple(lines),
        manual=tuple(_manual(each) for of in found for each in of.manual if covers == "invoice"),
        documents=tuple(_document(each) for each in behind.values()),
        rate_cards=_cards(await firm.rate_cards(tx), [each.line for each in chosen], invoices[0]["currency"]),
        approvals=tuple(
            _picked(ApprovalFacts, each, decided_by=each["decided_by"] or "", on_behalf_of=each["on_behalf_of"] or "")
            for each in approvals.values()
        ),
        receipts=tuple(_picked(ReceiptFacts, each) for each in receipts.values()),
        read_back=None
        if back is None
        else ReadBack(
            connection=back["connection"],
            id=back["record_id"],
            version=back["version"],
            received_at=back["received_at"],
            digest=content_hash(back["payload"]),
        ),
        members=tuple(_share(each) for each in found) if len(found) > 1 else (),
    )


def _together(found: Sequence[Lineage]) -> InvoiceFacts:
    """The document of several engagements: its sums are those of their shares."""
    one, nowhere = _invoice(found[0]), dict.fromkeys(("engagement", "deal", "project", "project_name"), "")
    paid: dict[str, PaymentFacts] = {}
    for each in (each for of in found for each in _invoice(of).payments):
        before = paid.get(each.id)
        paid[each.id] = each.model_copy(update={"amount": each.amount + (before.amount if before else 0)})
    sums = {name: _sum([each.invoice[name] for each in found]) for name in ("net", "tax", "total")}
    state = _least([each.invoice["state"] for each in found])
    told = {**nowhere, **sums, "key": _key(found), "state": state, "payments": tuple(paid.values())}
    return one.model_copy(update=told)


def _sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [each for each in amounts if each is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None


def _least(states: Sequence[str]) -> str:
    """How a document stands whose shares are posted, partly paid or paid, each by itself."""
    different = set(states)
    return states[0] if len(different) == 1 else "partly_paid"


def _share(found: Lineage) -> MemberFacts:
    invoice = _invoice(found)
    return MemberFacts(**{name: getattr(invoice, name) for name in MemberFacts.model_fields})


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


def _line(chosen: _Chosen, sources: Mapping[tuple[str, str, str], Source]) -> LineFacts:
    line = chosen.line
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
    told: dict[str, Any] = {name: getattr(line, name) for name in LineFacts.model_fields if hasattr(line, name)}
    told |= {"line": chosen.key, "position": chosen.position, "invoice": chosen.invoice, "entries": tuple(entries)}
    return LineFacts(**told)


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
