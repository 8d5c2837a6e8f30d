"""The evidence pack for people: one HTML file without anything from outside, which prints well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape

from tieout.domain.evidence.facts import ApprovalFacts, Facts, LineFacts
from tieout.domain.money import Money

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#1a1a1a;max-width:68rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #999}h3{font-size:1rem;margin:1.5rem 0 .3rem}
table{border-collapse:collapse;width:100%;font-size:.85rem}
th,td{text-align:left;vertical-align:top;padding:.2rem .5rem .2rem 0;border-bottom:1px solid #ddd}
th{font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}tfoot td,tfoot th{border-bottom:0}
code{font-size:.8rem;overflow-wrap:anywhere}.note{color:#555}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.5rem;margin:.5rem 0}
dt{color:#555}dd{margin:0}
@media print{body{margin:0;max-width:none;font-size:11px}thead{display:table-header-group}tr{break-inside:avoid}h2,h3{break-after:avoid}}
"""


def page(facts: Facts) -> bytes:
    """The document of a pack, in UTF-8."""
    title = f"Evidence for invoice {facts.invoice.number or facts.invoice.key}"
    body = "\n".join(_body(facts, title))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    ).encode()


def _body(facts: Facts, title: str) -> Iterator[str]:
    invoice, currency = facts.invoice, facts.invoice.currency
    scope = "the whole invoice" if facts.covers == "invoice" else f"line {facts.lines[0].position} alone"
    yield f"<h1>{escape(title)}</h1>"
    made = f"Made for {facts.made_by}, {_moment(facts.made_at)}; it covers {scope}. "
    yield f'<p class="note">{escape(made)}Check it with <code>tieout verify</code>.</p>'
    for each in facts.withheld:
        yield f'<p class="note">Withheld: {escape(each)}.</p>'
    yield _pairs(
        [
            ("Customer", invoice.customer_name or invoice.customer),
            ("Legal entity", invoice.entity),
            ("State", invoice.state.replace("_", " ")),
            ("Invoice date", str(invoice.invoice_date or "")),
            ("Due", str(invoice.due_date or "")),
            ("Work through", str(invoice.through)),
            ("Project", f"{invoice.project_name} ({invoice.project})" if invoice.project else ""),
            ("Engagement", invoice.engagement),
            ("Deal in the CRM", invoice.deal),
            ("Our reference", invoice.key),
            ("Net", _money(invoice.net, currency)),
            ("Tax", _money(invoice.tax, currency)),
            ("Total", _money(invoice.total, currency)),
            *((f"Paid {each.paid_on}", _money(each.amount, currency)) for each in invoice.payments),
        ]
    )
    if facts.members:
        yield "<h2>The engagements on it</h2>"
        yield _table(
            ("Project", "Engagement", "Deal in the CRM", "State", "!Net", "!Tax", "!Total"),
            [
                (f"{each.project_name} ({each.project})", each.engagement, each.deal, each.state.replace("_", " "),
                 *("" if one is None else f"{one:,}" for one in (each.net, each.tax, each.total)))
                for each in facts.members
            ],
        )  # fmt: skip
    yield "<h2>Lines and the work beneath them</h2>"
    for line in facts.lines:
        yield from _line(line, currency)
    if facts.manual:
        yield "<h3>Lines that finance added in the ERP, without work beneath them</h3>"
        yield _table(
            ("Line", "!Quantity", "!Price", "!Amount"),
            [
                (each.description, f"{each.quantity:f}", f"{each.unit_price:,}", f"{each.amount:,}")
                for each in facts.manual
            ],
        )
    yield from _behind(facts)


def _line(line: LineFacts, currency: str) -> Iterator[str]:
    yield f"<h3>Line {line.position}: {escape(line.description)}</h3>"
    yield _table(
        ("Entry", "Day", "Who", "Task", "!Hours", "Approved", "Priced by", "!Rate", "!Amount"),
        [
            (
                f"{each.connection} {each.id}",
                f"{each.work_date}{' (late)' if each.late else ''}",
                each.person_name or each.person,
                f"{each.task} {each.notes} {each.stands_on}".strip(),
                f"{Decimal(each.minutes) / 60:.2f}",
                f"{each.approved_by} {_moment(each.approved_at)}".strip(),
                f"contract v{each.contract_version}, {each.rate_card} v{each.rate_card_version}",
                "" if each.rate is None else f"{each.rate:,}",
                f"{each.amount:,}",
            )
            for each in line.entries
        ],
        [
            ("Entries", f"{sum((each.amount for each in line.entries), Decimal(0)):,}"),
            ("Rounding of the line", f"{line.rounding:,}"),
            (f"Line: {line.quantity} at {line.unit_price:,}", _money(line.amount, currency)),
            ("In the ERP", _money(line.erp_amount, currency) or "not read back yet"),
            ("Verdict", line.verdict),
        ],
    )
    for each in line.entries:
        if each.readings:
            yield f"<h4>What {escape(each.id)} was metered by</h4>"
            yield _table(
                ("Reading", "Version", "Day", "!Units", "!Share", "SHA-256 of what was told"),
                [
                    (
                        f"{one.source} {one.id}",
                        str(one.version),
                        str(one.day),
                        f"{one.units:f}",
                        f"{one.amount:,}",
                        one.digest,
                    )
                    for one in each.readings
                ],
            )


def _behind(facts: Facts) -> Iterator[str]:
    yield "<h2>Contract and rates</h2>"
    yield _table(
        ("Document", "Version", "Since", "Fingerprint"),
        [
            (f"{each.kind} {each.key}", str(each.version), _moment(each.created_at), each.fingerprint)
            for each in facts.documents
        ],
    )
    if facts.rate_cards:
        yield _table(
            ("Rate card", "Version", "From", "Rates per hour"),
            [
                (each.card, str(each.version), str(each.valid_from), ", ".join(f"{role} {rate:,}" for role, rate in each.rates.items()))
                for each in facts.rate_cards
            ],
        )  # fmt: skip
    if facts.approvals:
        yield "<h2>Approvals</h2>"
        yield _table(
            ("Approval", "State", "Asked by", "Answered by"),
            [
                (f"A-{each.id} {each.title}", each.state, f"{each.requested_by} {_moment(each.requested_at)}",
                 f"{_answered_by(each)} {_moment(each.decided_at)}".strip())
                for each in facts.approvals
            ],
        )  # fmt: skip
    yield "<h2>What was sent, and what came back</h2>"
    yield _table(
        ("Change", "State", "Sent", "Settled", "SHA-256 of the request"),
        [
            (f"{each.connection} {each.operation} {each.subject}", each.state, _moment(each.sent_at), _moment(each.settled_at),
             each.request)
            for each in facts.receipts
        ],
    )  # fmt: skip
    if facts.read_back:
        back = facts.read_back
        yield _pairs(
            [
                ("Read back", f"{back.connection} {back.id}, {_moment(back.received_at)}"),
                ("SHA-256 of the record", back.digest),
            ]
        )


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    shown = (f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs if value)
    return f"<dl>{''.join(shown)}</dl>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], foot: Sequence[tuple[str, str]] = ()) -> str:
    """A head that begins with ! is of figures."""
    figures = [each.startswith("!") for each in heads]
    marks = [' class="n"' if each else "" for each in figures]
    head = "".join(f"<th{mark}>{escape(each.removeprefix('!'))}</th>" for each, mark in zip(heads, marks, strict=True))
    body = "\n".join(
        "<tr>" + "".join(f"<td{mark}>{escape(cell)}</td>" for cell, mark in zip(row, marks, strict=True)) + "</tr>"
        for row in rows
    )
    sums = "".join(
        f'<tr><th colspan="{len(heads) - 1}">{escape(name)}</th><td class="n">{escape(value)}</td></tr>'
        for name, value in foot
    )
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody><tfoot>{sums}</tfoot></table>"


def _money(amount: Decimal | None, currency: str) -> str:
    return "" if amount is None else str(Money(amount, currency))


def _answered_by(approval: ApprovalFacts) -> str:
    behind = f" in the place of {approval.on_behalf_of}" if approval.on_behalf_of else ""
    return approval.decided_by + behind


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
