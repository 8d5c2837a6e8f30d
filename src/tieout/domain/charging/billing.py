"""From what is to be billed to rows of work for an invoice, within the limits as the ledger itself will round them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tieout.domain.charging.charge import Agreement, Neighbour, charge
from tieout.domain.charging.fees import Due
from tieout.domain.charging.pieces import Event, Fate, Piece
from tieout.domain.charging.room import Used
from tieout.domain.documents.engagement import ContractVersion
from tieout.domain.documents.terms import Cap, Sold
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.proposal import Proposal
from tieout.domain.rating import entry_amount

Row = Mapping[str, Any]
# Where a contract names no packages: everything under one name, time and material.
_UNNAMED = ""
_TRIES = 24


@dataclass(frozen=True, slots=True)
class Ledger:
    """All there is about an engagement up to a day: approved entries, evidence of what was billed, other lasting pieces.

    `entries` that wait for a person, or for a later day, have `waits`. `rounding` is what earlier invoices' lines have been
    rounded by, per sold package. `dues` are what is due beside hours.
    """

    entries: Sequence[Row]
    evidence: Sequence[Row]
    pieces: Sequence[Row]
    rounding: Mapping[str, Decimal]
    dues: Sequence[Due] = ()
    # What finance has credited and not said yet what becomes of: refs of events.
    waiting: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of everything: the new pieces, and the proposal of what is billed, where anything is."""

    pieces: Sequence[Piece]
    proposal: Proposal | None
    problems: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class Beside:
    """Another engagement beneath limits that span it, by their keys."""

    agreement: Agreement
    ledger: Ledger
    beneath: frozenset[str]


Propose = Callable[[Sequence[Row]], tuple[Proposal | None, list[Problem]]]


def decide(
    agreement: Agreement,
    ledger: Ledger,
    propose: Propose,
    *,
    beside: Sequence[Beside] = (),
    sabotage: frozenset[str] = frozenset(),
) -> Decision:
    """Charges, proposes, and where a line's rounding would lift an invoice above a cap, charges a little less.

    `beside` are the other engagements beneath the agreement's shared caps.
    """
    events, untouched = _open(agreement, ledger)
    decided = _decided(agreement, ledger)
    neighbours = [_neighbour(each) for each in beside]
    within = limits = _with_rounding(agreement, ledger.rounding)
    for attempt in range(_TRIES):
        pieces = charge(within, events, decided, untouched=untouched, beside=neighbours, sabotage=sabotage)
        rows = [_agreed_by(agreement, each) for each in work_to_bill(pieces, ledger)]
        proposal, problems = propose(rows) if rows else (None, [])
        beyond = {} if "trust_the_entries" in sabotage else _beyond(limits, proposal, decided)
        if not beyond:
            return Decision(pieces, proposal, problems)
        # Less room than the excess may still hold the same minutes: the margin grows until it costs one.
        within = _narrower(within, {key: over * 2**attempt for key, over in beyond.items()})
    raise AssertionError("rounding moves no cap further than a few minor units")


def _open(agreement: Agreement, ledger: Ledger) -> tuple[list[Event], frozenset[str]]:
    """What happened and is to be decided, and the refs of what waits for something else."""
    events = [_event(each, agreement.currency) for each in ledger.entries if not each["waits"]]
    events += [each.event for each in ledger.dues]
    untouched = {_ref(each) for each in ledger.entries if each["waits"]} | ledger.waiting
    untouched |= {each.event.ref for each in ledger.dues if each.waits}
    return [each for each in events if each.ref not in untouched], frozenset(untouched)


def _neighbour(beside: Beside) -> Neighbour:
    events, untouched = _open(beside.agreement, beside.ledger)
    return Neighbour(beside.agreement, events, _decided(beside.agreement, beside.ledger), untouched, beside.beneath)


def _decided(agreement: Agreement, ledger: Ledger) -> list[Piece]:
    return [_piece(each, agreement.currency) for each in (*ledger.evidence, *ledger.pieces)]


def agreement_of(
    *versions: ContractVersion,
    elsewhere: Mapping[str, Used],
    shared: Sequence[Cap] = (),
    released: frozenset[str] = frozenset(),
) -> Agreement:
    """What the versions of a contract say, the newest with those before it (T34). `released` have their retainage due.

    `shared` are the limits that span other engagements, `elsewhere` what is billed there beneath each of them.
    """
    before: Agreement | None = None
    for each in versions:
        sold = {_UNNAMED: Sold(id=_UNNAMED, package=""), **{one.id: one for one in each.sold}}
        before = Agreement(
            each.currency, sold, each.caps, tuple(shared), released, elsewhere,
            version=each.version, effective_from=each.effective_from, before=before,
        )  # fmt: skip
    assert before is not None, "a contract has at least one version"
    return before


def _agreed_by(agreement: Agreement, row: Row) -> Row:
    """With the version of the contract that was in force on the day of the work; what is taken back keeps the one it had."""
    version = agreement.on(row["work_date"]).version
    return {**row, "contract_version": version} if version and row["minutes"] > 0 else row


def work_to_bill(pieces: Sequence[Piece], ledger: Ledger) -> list[Row]:
    """The billed pieces with the facts of what they are of; what is taken back has those it was billed with."""
    entries = {_ref(each): each for each in ledger.entries}
    dues = {each.event.ref: each for each in ledger.dues}
    billed: dict[tuple[str, str, Decimal | None, Decimal | None], Row] = {}
    for each in ledger.evidence:
        billed.setdefault((_ref(each), each["task"], each["rate"], _whole(each)), each)
    rows: list[Row] = []
    for each in pieces:
        if each.fate != "bill":
            continue
        new = each.minutes > 0 or each.amount.amount > 0
        before = None if new else billed[each.ref, each.task, each.rate, each.whole]
        if each.kind == "time":
            rows.append(_hours(each, before or entries[each.ref]))
        else:
            rows.append(_other(each, before or _facts(dues[each.ref])))
    return rows


def _hours(piece: Piece, facts: Row) -> Row:
    version = facts["version"] if "version" in facts else facts["entry_version"]
    return {
        **facts, "kind": "time", "version": version, "task": piece.task, "agreed_rate": piece.rate, "minutes": piece.minutes,
        "amount": piece.amount, "sold": piece.sold, "worth": piece.worth.amount, "agreed": piece.agreed, "why": piece.why,
    }  # fmt: skip


def _other(piece: Piece, facts: Row) -> Row:
    connection, _, source_id = piece.ref.partition("/")
    return {
        "kind": piece.kind, "minutes": 0, "connection": connection, "source_id": source_id, "work_date": piece.day, "amount": piece.amount,
        "sold": piece.sold, "worth": piece.worth.amount, "why": piece.why, "basis": facts["basis"],
        "contract_version": facts["contract_version"], "project": facts.get("project", ""),
    }  # fmt: skip


def _facts(due: Due) -> Row:
    return {
        "basis": {**due.basis, "name": due.name, "product": due.product} | ({} if due.taxed else {"taxed": "no"}),
        "contract_version": due.contract_version,
        "project": due.project,
    }


def above_caps(agreement: Agreement, pieces: Sequence[Piece], *, project: str, link: str) -> list[Problem]:
    """One problem for each cap, and each retainer's blocks, that work waits above: how much, and what is to become of it."""
    waiting: dict[str, list[Piece]] = defaultdict(list)
    for each in pieces:
        if each.fate in ("over_cap", "write_off") and each.minutes + abs(each.worth.amount) > 0:
            waiting[f"{each.sold}/overage" if each.why == "overage" else each.why].append(each)
    limits = [(each.key, limit_text(each, agreement.currency), each.over) for each in agreement.caps]
    limits += [
        (each.key, shared_text(each, agreement, waiting.get(each.key, ())), each.over) for each in agreement.shared
    ]
    limits += [(f"{each}/overage", "the hours paid ahead", "hold") for each in agreement.sold]
    found: list[Problem] = []
    for key, limit, becomes in limits:
        over = waiting.get(key, [])
        if over:
            worth = Money(sum((each.worth.amount for each in over), Decimal(0)), agreement.currency)
            minutes = sum(each.minutes for each in over)
            facts = {
                "project": project, "cap": limit, "amount": str(worth), "hours": f"{Decimal(minutes) / 60:.2f}", "link": link,
                "about": key,
            }  # fmt: skip
            code = "billing.to_write_off" if becomes == "write_off" else "billing.over_cap"
            found.append(Problem(code, facts, amount=worth))
    return found


def limit_text(cap: Cap, currency: str) -> str:
    parts = [] if cap.amount is None else [str(Money(cap.amount, currency))]
    return " and ".join([*parts, *([] if cap.hours is None else [f"{cap.hours} hours"])])


def shared_text(cap: Cap, agreement: Agreement, above: Sequence[Piece] = ()) -> str:
    """What a limit that spans engagements is, what of it is billed in the others, and from when to when the work above it is."""
    used = agreement.elsewhere.get(cap.key, Used())
    parts = [] if cap.amount is None else [str(Money(used.amount, agreement.currency))]
    parts += [] if cap.hours is None else [f"{used.hours:.2f} hours"]
    days = sorted({each.day for each in above})
    when = f", reached by work from {days[0]} to {days[-1]}" if days else ""
    return (
        f"{limit_text(cap, agreement.currency)} (“{cap.key}”, {' and '.join(parts)} billed elsewhere beneath it{when})"
    )


def _event(row: Row, currency: str) -> Event:
    rate, minutes = row["agreed_rate"], int(row["minutes"])
    worth = entry_amount(minutes, Money(rate, currency))
    return Event(_ref(row), "time", row["sold"], row["work_date"], worth, minutes, rate, row["role"], row["task"])


def _piece(row: Row, currency: str) -> Piece:
    """A stored piece; evidence is what was billed."""
    fate: Fate = row.get("fate", "bill")
    amount = Money(row["amount"] if fate == "bill" else Decimal(0), currency)
    return Piece(
        _ref(row), row["kind"], row["sold"], row["work_date"], fate, Money(row["worth"], currency), amount, int(row["minutes"]),
        row["rate"], row["agreed"], row["role"], row["task"], row["why"], _whole(row),
    )  # fmt: skip


def _whole(row: Row) -> Decimal | None:
    """Of a stored piece, or of evidence, which says it among what it stands on."""
    said = row["basis"].get("whole") if "basis" in row else row["whole"]
    return None if said is None else Decimal(said)


def _ref(row: Row) -> str:
    return f"{row['connection']}/{row['source_id']}"


def _with_rounding(agreement: Agreement, rounding: Mapping[str, Decimal]) -> Agreement:
    """What earlier lines were rounded up by counts beneath the caps, as all of the invoice does."""
    by = {
        each.key: sum((rounding.get(sold, Decimal(0)) for sold in each.lines or rounding), Decimal(0))
        for version in agreement.versions()
        for each in version.limits
    }
    return _narrower(agreement, by)


def _narrower(agreement: Agreement, by: Mapping[str, Decimal]) -> Agreement:
    elsewhere = dict(agreement.elsewhere)
    for key, amount in by.items():
        used = elsewhere.get(key, Used())
        elsewhere[key] = replace(used, amount=used.amount + amount)
    before = _narrower(agreement.before, by) if agreement.before else None
    return replace(agreement, elsewhere=elsewhere, before=before)


def _beyond(agreement: Agreement, proposal: Proposal | None, decided: Sequence[Piece]) -> dict[str, Decimal]:
    """By how much the lines of a proposal, as the ledger rounds them, exceed each cap that has room at all."""
    found: dict[str, Decimal] = {}
    if proposal is None:
        return found
    for cap in agreement.limits:
        if cap.amount is None:
            continue
        now = sum((_beneath(cap, each) for each in proposal.every), Decimal(0))
        before = sum(
            (each.amount.amount for each in decided if each.fate == "bill" and cap.spans(each.sold, each.day)),
            Decimal(0),
        )
        over = before + now + agreement.elsewhere.get(cap.key, Used()).amount - cap.amount
        if over > 0 and now > 0:
            found[cap.key] = over
    return found


def _beneath(cap: Cap, proposal: Proposal) -> Decimal:
    """What of an invoice is beneath a cap, as the ledger rounds its lines."""
    evidence = [each for each in proposal.evidence if cap.spans(each["sold"], each["work_date"])]
    lines = {each["line"] for each in evidence}
    residue = sum((each for line, each in proposal.rounding.items() if line in lines), Decimal(0))
    return sum((each["amount"] for each in evidence), residue)
