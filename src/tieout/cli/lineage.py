"""`lineage`: from an invoice's lines back to the hours, the approval, the contract and the rate, or from an hour onwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, document, line

if TYPE_CHECKING:
    from tieout.store.database import Tx
    from tieout.store.entry_story import EntryStory
    from tieout.store.event_story import EventStory
    from tieout.store.lineage import Evidence, Line, Lineage
    from tieout.store.usage_story import Measured

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

# Readings of a month that are printed; all of them are in --json.
_READINGS = 20


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout lineage 2026-0001 --json | jq '.invoices[].verdict'")(lineage)


def lineage(
    id: Annotated[str, typer.Argument(metavar="ID", help="An invoice number, or any id that leads to one.")],
    as_json: AsJson = False,
) -> None:
    """Where do these figures come from? Every line of an invoice with its evidence; ends with 1 when a sum does not match.

    An id of a time entry shows what became of the entry, CONNECTION/ID what became of an expense or a fee; any other id
    shows the invoices of what it belongs to.
    """
    from tieout.cli.desk import looked_up

    event = looked_up(lambda tx: _event_of(tx, id)) if "/" in id else None
    invoices, entries = ([], []) if event else looked_up(lambda tx: _found(tx, id))
    if not invoices and not entries and event is None:
        raise stop(
            Exit.PROBLEM, f"No invoice and nothing that is billed belongs to “{id}”.", fix="Try `tieout lookup`."
        )
    if as_json:
        document(
            {
                "invoices": [_invoice(each) for each in invoices],
                "time_entries": [_entry(each) for each in entries],
                "events": [_event(event)] if event else [],
            }
        )
    elif event:
        _tell_event(event)
    else:
        for each in invoices:
            _print(each)
        for each in entries:
            _tell(each)
    if any(each.verdict == "differs" for each in invoices):
        raise typer.Exit(Exit.PROBLEM)


async def _found(tx: Tx, id: str) -> tuple[list[Lineage], list[EntryStory]]:
    from tieout.store import lineage as lineages
    from tieout.store.entry_story import entry_story
    from tieout.store.lookup import find

    invoices = await lineages.of_invoice(tx, id)
    if invoices:
        return invoices, []
    hits = await find(tx, id)
    entries = [await entry_story(tx, *each.key.split("/", 1)) for each in hits if each.kind == "time_entry"]
    keys = [each.key for each in hits if each.kind == "invoice"] or await _invoices_of(tx, hits)
    for key in keys:
        invoices += await lineages.of_invoice(tx, key)
    return invoices, [each for each in entries if each is not None]


async def _event_of(tx: Tx, id: str) -> EventStory | None:
    from tieout.store.event_story import event_story

    return await event_story(tx, *id.split("/", 1))


async def _invoices_of(tx: Tx, hits: Sequence[Any]) -> list[str]:
    from tieout.store.dossier import document_page

    for hit in hits:
        page = await document_page(tx, hit.kind, hit.key)
        if page is not None and page.invoices:
            return [each["key"] for each in page.invoices]
    return []


# -- as JSON


def _invoice(found: Lineage) -> dict[str, Any]:
    from tieout.cli.amounts import written

    invoice, currency = found.invoice, found.invoice["currency"]
    return {
        "invoice": invoice["number"] or invoice["key"],
        "key": invoice["key"],
        "consolidated": invoice["consolidated"],
        "state": invoice["state"],
        "entity": invoice["entity"],
        "currency": currency,
        **{name: written(invoice[name], currency) for name in ("net", "tax", "total")},
        "verdict": found.verdict,
        "engagement": invoice["engagement"],
        "project": invoice["project"],
        "customer": invoice["customer"],
        "deal": found.deal["record_id"] if found.deal else None,
        "lines": [_line(each, currency) for each in found.lines],
        "manual": [
            {"description": each.description, "quantity": each.quantity, "amount": written(each.amount, currency)}
            for each in found.manual
        ],
        "payments": [
            {"id": each["id"], "paid_on": each["paid_on"], "amount": written(each["amount"], currency)}
            for each in found.payments
        ],
    }


def _line(each: Line, currency: str) -> dict[str, Any]:
    from tieout.cli.amounts import written

    return {
        "position": each.position,
        "kind": each.kind,
        "product": each.product,
        "description": each.description,
        "task": each.task,
        "role": each.role,
        "quantity": each.quantity,
        "unit_price": written(each.unit_price, currency),
        "amount": written(each.amount, currency),
        "evidence_sum": written(each.evidence_sum, currency),
        "rounding": written(each.rounding, currency),
        "erp_amount": written(each.erp_amount, currency) or None,
        "difference": written(each.difference, currency),
        "gathered_in": each.gathered_in,
        "verdict": each.verdict,
        "evidence": [_evidence(one, currency) for one in each.evidence],
    }


def _evidence(each: Evidence, currency: str) -> dict[str, Any]:
    from tieout.cli.amounts import written

    return {
        "kind": each.kind,
        "basis": dict(each.basis),
        "readings": [
            {
                "source": one.source,
                "id": one.source_id,
                "version": one.version,
                "day": one.day,
                "units": one.units,
                "share": written(one.share, currency),
            }
            for one in each.readings
        ],
        "system": each.connection,
        "id": each.source_id,
        "version": each.entry_version,
        "person": each.person,
        "person_name": each.person_name,
        "task": each.task,
        "work_date": each.work_date,
        "late": each.late,
        "minutes": each.minutes,
        "rate": written(each.rate, currency) or None,
        "amount": written(each.amount, currency),
        "approved_by": each.approved_by,
        "approved_at": each.approved_at,
        "contract_version": each.contract_version,
        "rate_card": each.rate_card,
        "rate_card_version": each.rate_card_version,
        "mapping": each.mapping,
        "notes": each.notes,
    }


def _entry(found: EntryStory) -> dict[str, Any]:
    from tieout.cli.amounts import written

    entry = found.entry
    return {
        "system": entry["connection"],
        "id": entry["source_id"],
        "person": entry["person"],
        "person_name": found.person_name,
        "project": entry["project"],
        "project_name": found.project_name,
        "work_date": entry["work_date"],
        "state": entry["state"],
        "approved_minutes": found.approved_minutes,
        "billed_minutes": found.billed_minutes,
        "unbilled_minutes": found.unbilled_minutes,
        "at_risk": found.at_risk,
        "not_billed": [
            {
                **{name: each[name] for name in ("fate", "why", "minutes")},
                "worth": written(each["worth"], each["currency"]),
            }
            for each in found.aside
        ],
        "versions": len(found.versions),
        "holds": [f"H-{each['id']}" for each in found.holds if each["state"] == "open"],
        "invoices": [
            {
                "what": each.what,
                "invoice": each.number or each.invoice,
                "state": each.state,
                "minutes": each.minutes,
                "amount": written(each.amount, each.currency),
                "currency": each.currency,
            }
            for each in found.chapters
        ],
    }


def _event(found: EventStory) -> dict[str, Any]:
    from tieout.cli.amounts import written

    same = ("connection", "kind", "name", "day", "engagement", "project", "currency")
    return {
        "id": found.source_id,
        **{name: getattr(found, name) for name in same},
        "worth": written(found.worth, found.currency) or None,
        "invoices": [
            {"what": each.what, "invoice": each.number or each.invoice, "amount": written(each.amount, each.currency)}
            for each in found.chapters
        ],
        "not_billed": [
            {"fate": each["fate"], "why": each["why"], "worth": written(each["worth"], each["currency"])}
            for each in found.aside
        ],
    }


# -- for people


def _tell_event(found: EventStory) -> None:
    from tieout.cli.amounts import for_people

    worth = "" if found.worth is None else f", worth {for_people(found.worth, found.currency)} {found.currency}"
    line(f"{found.kind} {found.source_id} of {found.connection}: {found.name}, {found.day}{worth}")
    for each in found.chapters:
        amount = f"{for_people(each.amount, each.currency)} {each.currency}"
        line(f"  {each.what}: {amount} on invoice {each.number or each.invoice} ({each.state})")
    for each in found.aside:
        amount = f"{for_people(each['worth'], each['currency'])} {each['currency']}"
        line(f"  not billed: {amount}, {each['fate'].replace('_', ' ')}")


def _print(found: Lineage) -> None:
    from tieout.cli.amounts import for_people

    invoice, currency = found.invoice, found.invoice["currency"]
    customer = found.customer["body"]["name"] if found.customer else invoice["customer"]
    line(f"Invoice {invoice['number'] or invoice['key']} to {customer}, {invoice['state']}, {invoice['entity']}")
    deal = f" · deal {found.deal['record_id']}" if found.deal else ""
    line(f"  engagement {invoice['engagement']} · project {invoice['project']}{deal}")
    if invoice["consolidated"]:
        line(f"  its share of {invoice['consolidated']}, a document of several engagements")
    amounts = (f"{name} {for_people(invoice[name], currency)}" for name in ("net", "tax", "total") if invoice[name])
    line(f"  {' · '.join(amounts)} {currency}")
    for each in found.lines:
        line(f"  {each.position}. {each.description}")
        line(
            f"     {for_people(each.amount, currency)} = evidence {for_people(each.evidence_sum, currency)}"
            f" + rounding {for_people(each.rounding, currency)}; {each.verdict}"
            + (f", gathered in “{each.gathered_in}”" if each.gathered_in else "")
        )
        for one in each.evidence:
            if one.rate is None:
                amount, version = for_people(one.amount, currency), one.contract_version
                line(f"       {one.work_date} {one.kind} = {amount}  contract version {version}, {one.stands_on}")
                _print_readings(one.readings, currency)
                continue
            line(
                f"       {one.work_date} {one.person_name or one.person} {one.minutes} min at {for_people(one.rate, currency)}"
                f" = {for_people(one.amount, currency)}  {one.task}, approved by {one.approved_by}, contract version"
                f" {one.contract_version}, {one.rate_card} version {one.rate_card_version}, {one.mapping}"
            )
    for each in found.manual:
        line(
            f"  manual: {each.description}, {for_people(each.amount, currency)}; finance added it in the ERP, no work beneath"
        )
    for each in found.payments:
        line(f"  paid {for_people(each['amount'], currency)} {currency} on {each['paid_on']}")
    line(f"  {'✗' if found.verdict == 'differs' else '✓'} {found.verdict}")


def _print_readings(readings: Sequence[Measured], currency: str) -> None:
    from tieout.cli.amounts import for_people

    for each in readings[:_READINGS]:
        share = for_people(each.share, currency)
        line(f"         {each.day} {each.source} {each.source_id}: {each.units:f} = {share}, version {each.version}")
    if len(readings) > _READINGS:
        line(f"         and {len(readings) - _READINGS} more readings")


def _tell(found: EntryStory) -> None:
    from tieout.cli.amounts import for_people

    entry = found.entry
    line(
        f"Time entry {entry['source_id']} of {entry['connection']}: {found.person_name or entry['person']}, "
        f"{entry['work_date']}, {entry['minutes']} min on {found.project_name or entry['project'] or 'no project'}"
    )
    line(f"  {entry['state']}; {found.approved_minutes} min approved, {found.billed_minutes} min billed")
    for each in found.chapters:
        amount = f"{for_people(each.amount, each.currency)} {each.currency}"
        line(f"  {each.what}: {each.minutes} min, {amount} on invoice {each.number or each.invoice} ({each.state})")
    for each in found.aside:
        why = f" ({each['why']})" if each["why"] else ""
        line(
            f"  not billed: {each['minutes']} min, {for_people(each['worth'], each['currency'])}, {each['fate'].replace('_', ' ')}{why}"
        )
    for each in found.holds:
        if each["state"] == "open":
            line(f"  waits: H-{each['id']} {each['title']}")
