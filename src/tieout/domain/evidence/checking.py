"""Checks an evidence pack by itself, without hub or network: container, digests, audit chain, fingerprints and every sum."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from pydantic import ValidationError

from tieout.domain.documents.document import Part
from tieout.domain.evidence import chain as chains
from tieout.domain.evidence.facts import SCHEMA, Facts, LineFacts
from tieout.domain.evidence.pack import (
    ACTION,
    CHAIN,
    FACTS,
    MANIFEST,
    NAMES,
    PAGE,
    Chain,
    Unreadable,
    digest,
    manifest,
    seal,
    unzipped,
    zipped,
)
from tieout.domain.identity import content_hash
from tieout.domain.money import Money, minor_digits
from tieout.domain.rating import hours

M = TypeVar("M", bound=Part)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: in which part, and what."""

    part: str
    what: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found wrong (nothing, when the pack is good), and what the pack is about where it can be read.

    `sealed` is the hash of its last audit entry: the same in the hub's log, or the hub did not make this pack.
    """

    findings: tuple[Finding, ...]
    facts: Facts | None = None
    sealed: str = ""
    links: int = 0

    @property
    def good(self) -> bool:
        return not self.findings


def check(data: bytes, *, sabotage: frozenset[str] = frozenset()) -> Checked:
    """Everything that is wrong with a pack. `sabotage` names parts that are skipped, for the tests that prove each is needed."""
    try:
        files = unzipped(data)
    except Unreadable as wrong:
        return Checked((Finding("container", f"The file cannot be read: {wrong}."),))
    found: list[Finding] = []

    def note(part: str, wrong: Iterator[str]) -> None:
        if part not in sabotage:
            found.extend(Finding(part, each[0].upper() + each[1:] + ".") for each in wrong)

    note("container", _container(data, files))
    note("digests", _digests(files))
    facts, chain = _read(files, found)
    if facts is None or chain is None:
        return Checked(tuple(found), facts)
    note("chain", chains.broken(chain.stretches))
    note("seal", _seal(files, chain, facts))
    note("fingerprints", _fingerprints(facts))
    note("sums", _sums(facts))
    note("members", _members(facts))
    note("references", _references(facts))
    last = chain.stretches[-1][-1].hash if chain.stretches and chain.stretches[-1] else ""
    return Checked(tuple(found), facts, last, sum(len(each) for each in chain.stretches))


def _container(data: bytes, files: dict[str, bytes]) -> Iterator[str]:
    again = zipped(files)
    if again != data:
        place = next(
            (n for n, (a, b) in enumerate(zip(data, again, strict=False)) if a != b), min(len(data), len(again))
        )
        yield f"byte {place} of the file is not what a pack of these files has there"


def _digests(files: dict[str, bytes]) -> Iterator[str]:
    if files[MANIFEST] == manifest({name: files[name] for name in NAMES if name != MANIFEST}):
        return
    try:
        told = json.loads(files[MANIFEST])
        wrong = [name for name in NAMES if name != MANIFEST and told[name]["sha256"] != digest(files[name])]
    except (ValueError, TypeError, KeyError):
        wrong = []
    for name in wrong:
        yield f"{name} is not the file whose digest is in {MANIFEST}"
    if not wrong:
        yield f"{MANIFEST} is not written as it must be"


def _read(files: dict[str, bytes], found: list[Finding]) -> tuple[Facts | None, Chain | None]:
    def read(name: str, model: type[M]) -> M | None:
        try:
            return model.model_validate_json(files[name])
        except ValidationError as wrong:
            first = wrong.errors()[0]
            where = ".".join(str(each) for each in first["loc"])
            found.append(Finding("schema", f"{name} is not as {SCHEMA} says: {where} {first['msg']}."))
            return None

    return read(FACTS, Facts), read(CHAIN, Chain)


def _seal(files: dict[str, bytes], chain: Chain, facts: Facts) -> Iterator[str]:
    """The pack's own entry in the audit chain binds facts and page to it."""
    said = chain.stretches[-1][-1].said if chain.stretches and chain.stretches[-1] else None
    if said is None or said.action != ACTION or said.object != facts.invoice.key:
        yield "the last audit entry is not the one that the hub wrote when it made this pack"
        return
    for name, expected in seal(files[FACTS], files[PAGE]).items():
        if said.detail.get(name) != expected:
            yield f"{name} is not the file that the hub sealed in its audit log"


def _fingerprints(facts: Facts) -> Iterator[str]:
    for each in facts.documents:
        if each.body is not None and each.fingerprint != content_hash([each.kind, each.schema_version, each.body]):
            yield f"{each.kind} {each.key} version {each.version} is not the one that has this fingerprint"


def _sums(facts: Facts) -> Iterator[str]:
    """To the minor unit: entries + rounding = line, quantity at price = line, lines = net, net + tax = total."""
    invoice, unit = facts.invoice, Decimal(1).scaleb(-minor_digits(facts.invoice.currency))
    for line in facts.lines:
        name = f"line {line.position}"
        entries = sum((each.amount for each in line.entries), Decimal(0))
        if entries + line.rounding != line.amount:
            yield f"{name}: entries of {entries} and rounding of {line.rounding} do not make {line.amount}"
        if abs(line.quantity * line.unit_price - line.amount) * 2 > unit:
            yield f"{name}: {line.quantity} at {line.unit_price} is not {line.amount}"
        if _is_time(line) and hours(sum(each.minutes for each in line.entries)) != line.quantity:
            yield f"{name}: the minutes of its entries are not {line.quantity} hours"
        for each in line.entries:
            # A part of an entry, cut at a limit and shared by payers, is rounded twice.
            if each.minutes and each.rate is not None and abs(each.rate * each.minutes / 60 - each.amount) > 2 * unit:
                yield f"{name}: entry {each.id} is {each.minutes} min at {each.rate}, which is not {each.amount}"
            if each.readings and sum((one.amount for one in each.readings), Decimal(0)) != each.amount:
                yield f"{name}: the shares of its readings do not make {each.amount}"
        if line.verdict != _verdict(line, entries):
            yield f"{name}: its verdict is “{_verdict(line, entries)}” and not “{line.verdict}”"
    if facts.covers == "invoice" and sum((each.amount for each in facts.lines), Decimal(0)) != invoice.net:
        yield f"the lines do not make the net of {Money(invoice.net, invoice.currency)}"
    if invoice.total is not None and invoice.net + (invoice.tax or 0) != invoice.total:
        yield f"net {invoice.net} and tax {invoice.tax} do not make the total of {invoice.total}"


def _members(facts: Facts) -> Iterator[str]:
    """The shares of a document of several engagements make the document, and each has its own lines."""
    if not facts.members:
        return
    keys = {each.key for each in facts.members}
    for line in facts.lines:
        if line.invoice not in keys:
            yield f"line {line.position} is of {line.invoice or 'nobody'}, which has no share of the document"
    for name in ("net", "tax", "total"):
        whole, parts = getattr(facts.invoice, name), [getattr(each, name) for each in facts.members]
        if whole != (None if None in parts else sum(parts, Decimal(0))):
            yield f"the shares do not make the {name} of {whole}"
    for each in facts.members:
        own = sum((line.amount for line in facts.lines if line.invoice == each.key), Decimal(0))
        if facts.covers == "invoice" and own != each.net:
            yield f"the lines of {each.key} do not make its net of {Money(each.net, facts.invoice.currency)}"


def _is_time(line: LineFacts) -> bool:
    return bool(line.entries) and all(each.minutes for each in line.entries)


def _verdict(line: LineFacts, entries: Decimal) -> str:
    if entries + line.rounding != line.amount or line.erp_amount not in (None, line.amount):
        return "differs"
    return "not read back yet" if line.erp_amount is None else "ties out"


def _references(facts: Facts) -> Iterator[str]:
    """The contract and the rate that an entry was priced by are in the pack, in force on its day, and say the same."""
    versions = {
        (document.key, each["version"])
        for document in facts.documents
        if document.kind == "contract" and document.body is not None
        for each in document.body["versions"]
    }
    contracts = {each.key: each.engagement for each in facts.members}
    cards = {(each.card, each.version): each for each in facts.rate_cards}
    for line in facts.lines:
        for each in line.entries:
            name = f"line {line.position}: entry {each.id}"
            contract = contracts.get(line.invoice, facts.invoice.engagement)
            if each.contract_version and (contract, each.contract_version) not in versions:
                yield f"{name} was priced by contract version {each.contract_version}, which is not in the pack"
            card = cards.get((each.rate_card, each.rate_card_version))
            if each.rate_card and card is None:
                yield f"{name} was priced by {each.rate_card} version {each.rate_card_version}, which is not in the pack"
            elif card is not None and line.role in card.rates:
                if card.valid_from > each.work_date:
                    yield f"{name} is of {each.work_date}, before {card.card} version {card.version} was in force"
                if card.rates[line.role] != each.agreed:
                    yield f"{name} has the rate {each.agreed}, and {card.card} version {card.version} {card.rates[line.role]}"
