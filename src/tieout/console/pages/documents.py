"""Documents: where is deal X? Its ids in every system, each field with its trail, its versions, money, holds and story."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, cast
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tieout.console import wording
from tieout.console.agreed import Agreed, Shown, agreed, shown
from tieout.console.pages.hold import source_of
from tieout.console.rows import HoldRow, hold_row
from tieout.console.technical import run_href
from tieout.console.visit import Visit
from tieout.domain.documents.upcast import load
from tieout.domain.identity import Ref
from tieout.domain.masking import without_money
from tieout.domain.money import Money
from tieout.store import contracts, crosswalk, documents, figures, story, worklist
from tieout.store.database import Tx
from tieout.store.figures import Totals

_TITLES = {
    "engagement": "Deals",
    "contract": "Contracts",
    "change_order": "Change orders",
    "project": "Projects",
    "customer": "Customers",
    "invoice": "Invoices",
    "person": "People",
    "contact": "Contacts",
    "service_package": "Service packages",
    "rate_card": "Rate cards",
    "assignment": "Assignments",
    "time_entry": "Time entries",
}
_UNNAMED = {"contract": "Contract"}
_WITH_CONTRACT = ("engagement", "contract", "project")
_NOWHERE: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class DocumentRow:
    kind: str
    key: str
    name: str
    state: str
    entity: str
    version: int
    money: Money | None
    created_at: datetime

    @property
    def href(self) -> str:
        return (
            f"/invoices/{quote(self.key, safe='')}" if self.kind == "invoice" else f"/documents/{self.kind}/{self.key}"
        )


@dataclass(frozen=True, slots=True)
class KindTab:
    title: str
    href: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True)
class Documents:
    """The page's own variables."""

    template: ClassVar[str] = "documents.html"

    kind: str
    title: str
    kinds: tuple[KindTab, ...]
    rows: tuple[DocumentRow, ...]
    sums: tuple[Money, ...]
    text: str
    hidden: tuple[tuple[str, str], ...]
    scope: str


@dataclass(frozen=True, slots=True)
class Chip:
    """One record of the object in one system; an earlier id (after a merge) is an alias."""

    system: str
    kind: str
    record: str
    address: str
    alias: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class SystemState:
    """How the object stands in one system: known there, on its way, unknown, or not there."""

    system: str
    role: str
    state: str
    tone: str
    chips: tuple[Chip, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A canonical field with its value and where it came from; `changed` since the version before."""

    name: str
    value: str
    source: str
    mapping: str
    before: str
    changed: bool


@dataclass(frozen=True, slots=True)
class VersionRow:
    version: int
    created_at: datetime
    changes: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    at: datetime
    kind: str
    title: str
    detail: str
    actor: str
    href: str


@dataclass(frozen=True, slots=True)
class Document:
    """One document and the engagement it belongs to."""

    template: ClassVar[str] = "document.html"

    kind: str
    key: str
    engagement: str
    name: str
    version: int
    entity: str
    money: Money | None
    systems: tuple[SystemState, ...]
    fields: tuple[Field, ...]
    versions: tuple[VersionRow, ...]
    agreed: tuple[Agreed, ...]
    shown: tuple[Shown, ...]
    totals: tuple[tuple[str, Money, str], ...]
    holds: tuple[HoldRow, ...]
    relatives: tuple[DocumentRow, ...]
    moments: tuple[Moment, ...]


async def show(visit: Visit) -> Response:
    kind = visit.query("kind") or "engagement"
    scope = {name: visit.query(name) for name in ("entity", "currency", "stage") if visit.query(name)}
    async with visit.setting.database.transaction() as tx:
        stored = await story.documents(tx, story.Documents(kind, visit.query("text"), **scope))
        counts = await story.document_kinds(tx)
    order = [*_TITLES, *(each for each in counts if each not in _TITLES)]
    kinds = tuple(
        KindTab(_TITLES.get(each, each), f"/documents?{urlencode({'kind': each})}", counts.get(each, 0), each == kind)
        for each in order
        if counts.get(each) or each == kind
    )
    rows = tuple(document_row(each) for each in stored)
    return await visit.page(
        Documents(
            kind=kind,
            title=_TITLES.get(kind, kind),
            kinds=kinds,
            rows=rows,
            sums=wording.sums(each.money for each in rows),
            text=visit.query("text"),
            hidden=(("kind", kind), *scope.items()),
            scope=" · ".join(value if value != "-" else "no entity" for value in scope.values()),
        ),
    )


async def one(visit: Visit) -> Response:
    kind, key = visit.request.path_params["kind"], visit.request.path_params["key"]
    async with visit.setting.database.transaction() as tx:
        stored = await documents.history(tx, kind, key)
        known = await story.not_agreed_yet(tx, key) if kind == "engagement" and not stored else None
        if known is not None:
            stored = [_provisional(key, known)]
        if not stored:
            raise HTTPException(404, f"There is no {wording.words(kind)} {key!r}.")
        newest = stored[-1]
        engagement = newest["engagement"] or (key if kind == "engagement" else "")
        relatives = await story.records_of(tx, engagement) if engagement else []
        wanted = worklist.Wanted(me=visit.me, now=visit.now, engagement=engagement)
        held = await worklist.held(tx, wanted) if engagement else []
        systems = await _systems(visit, tx, key, engagement, relatives)
        contract = await contracts.story(tx, engagement) if kind in _WITH_CONTRACT and engagement else None
        context = Document(
            kind=kind,
            key=key,
            engagement=engagement,
            name=str(newest["body"].get("name") or newest["body"].get("number") or key),
            version=newest["version"],
            entity=newest["entity"] or newest["body"].get("legal_entity", ""),
            money=_worth(kind, newest["body"]),
            systems=systems or _at_source(visit, known),
            fields=fields_of(newest, stored[-2] if len(stored) > 1 else None, money=visit.shows_money)
            if newest["version"]
            else (),
            versions=tuple(_version(each, before, money=visit.shows_money) for each, before in _pairs(stored)),
            agreed=agreed(contract) if contract else (),
            shown=tuple(shown(each) for each in contract.shown) if contract else (),
            totals=_totals(await figures.money_of(tx, [engagement])) if engagement else (),
            holds=tuple(hold_row(each) for each in held),
            relatives=tuple(_relative(each) for each in relatives if (each["kind"], each["key"]) != (kind, key)),
            moments=tuple(_moment(each) for each in await story.life_of(tx, engagement)) if engagement else (),
        )
    return await visit.page(context)


def document_row(stored: Mapping[str, Any]) -> DocumentRow:
    same = ("kind", "key", "name", "state", "entity", "version", "created_at")
    return DocumentRow(
        **{name: stored[name] for name in same}, money=wording.amount(stored["amount"], stored["currency"])
    )


def fields_of(stored: Mapping[str, Any], before: Mapping[str, Any] | None, *, money: bool = True) -> tuple[Field, ...]:
    """The document's fields, one line each, in the order of its class; a list has a line for each of its parts.

    Without `money`, an amount shows as what is empty does.
    """
    now, then = flat(_body(stored, money)), flat(_body(before, money)) if before else {}
    trail: Mapping[str, Any] = stored["trail"]
    found: list[Field] = []
    for name, value in now.items():
        origin: Mapping[str, Any] = trail.get(name) or trail.get(name.split(" ")[0]) or _NOWHERE
        source, mapping = (str(origin.get(each, "")) for each in ("source", "mapping"))
        changed = before is not None and then.get(name) != value
        found.append(Field(name, value, source, mapping, then.get(name, ""), changed))
    return tuple(found)


def _body(stored: Mapping[str, Any], money: bool) -> Mapping[str, Any]:
    """Today's form of a stored document; the stored one where a newer Tieout wrote it."""
    try:
        body = load(stored["kind"], stored["schema_version"], stored["body"]).body()
    except (LookupError, ValueError):
        body = stored["body"]
    return body if money else without_money(body)[0]


def flat(body: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested values under dotted names, parts of a list under numbered ones; what is empty shows as a dash."""
    found: dict[str, str] = {}
    for name, value in body.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            found.update(flat(cast(Mapping[str, Any], value), f"{path}."))
        elif isinstance(value, list) and value:
            for number, each in enumerate(cast(list[Any], value), 1):
                found[f"{path} {number}"] = _in_one_line(each)
        else:
            found[path] = "-" if isinstance(value, list | Mapping) else wording.value(value)
    return found


def _in_one_line(part: Any) -> str:
    if not isinstance(part, Mapping):
        return wording.value(part)
    named = flat(cast(Mapping[str, Any], part))
    return " · ".join(f"{wording.words(name)} {value}" for name, value in named.items() if value != "-")


def _pairs(stored: Sequence[Mapping[str, Any]]) -> Iterable[tuple[Mapping[str, Any], Mapping[str, Any] | None]]:
    for number in range(len(stored) - 1, -1, -1):
        yield stored[number], stored[number - 1] if number else None


def _version(stored: Mapping[str, Any], before: Mapping[str, Any] | None, *, money: bool) -> VersionRow:
    changes = tuple(each for each in fields_of(stored, before, money=money) if each.changed)
    return VersionRow(stored["version"], stored["created_at"], changes)


def _provisional(key: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """A deal that waits before its first document: what its runs and holds know of it, as version 0."""
    worth = wording.money(known["amount_minor"], known["currency"])
    body = {"name": known["name"] or key, "amount": str(worth.amount) if worth else None, "currency": known["currency"]}
    same = {"kind": "engagement", "key": key, "version": 0, "schema_version": 1, "entity": known["entity"]}
    return {**same, "engagement": key, "body": body, "trail": {}, "created_at": None}


def _worth(kind: str, body: Mapping[str, Any]) -> Money | None:
    name = {"project": "budget", "invoice": "net"}.get(kind, "amount")
    return wording.amount(body.get(name), body.get("currency", ""))


def _relative(stored: Mapping[str, Any]) -> DocumentRow:
    body = stored["body"]
    return DocumentRow(
        kind=stored["kind"],
        key=stored["key"],
        name=str(body.get("name") or body.get("number") or _UNNAMED.get(stored["kind"]) or stored["key"]),
        # What became of an invoice is the ERP's word and not in the proposal.
        state="" if stored["kind"] == "invoice" else str(body.get("stage") or body.get("state") or ""),
        entity=stored["entity"] or "",
        version=stored["version"],
        money=_worth(stored["kind"], body),
        created_at=stored["created_at"],
    )


def _totals(totals: Sequence[Totals]) -> tuple[tuple[str, Money, str], ...]:
    """What the engagement came to, as (word, money, what it means); figures of nothing are left out."""
    found: list[tuple[str, Money, str]] = []
    for each in totals:
        if not each.currency:
            continue
        stages: tuple[tuple[str, Decimal, str], ...] = (
            ("Sold", each.sold, "as the CRM says now"),
            ("Contracted", each.booked, "the project's budget"),
            (
                "Approved",
                each.approved,
                f"{wording.hours(each.approved_minutes)} h at agreed rates, and what is due beside them",
            ),
            ("Not invoiced", each.unbilled, "approved and on no invoice"),
            *([("At risk", each.at_risk, "approved, and nobody has signed for it")] if each.at_risk else []),
            *([("Set aside", each.set_aside, "approved, and by the contract not billed")] if each.set_aside else []),
            *([("Overage", each.overage, "above the agreed rates, beyond prepaid blocks")] if each.overage else []),
            ("Proposed", each.proposed, "net, waiting in the ERP"),
            ("Invoiced", each.billed_net, "net, posted"),
            ("With tax", each.billed_total, "what the customer owes"),
            ("Paid", each.paid, wording.count(each.payments, "payment")),
            ("Open", each.open, "posted and not paid"),
        )
        found += [(title, Money(amount, each.currency).rounded(), means) for title, amount, means in stages]
    return tuple(found)


async def _systems(
    visit: Visit, tx: Tx, key: str, engagement: str, relatives: Sequence[Mapping[str, Any]]
) -> tuple[SystemState, ...]:
    """Every connection that plays a part, in the order CRM, PSA, ERP, with the records that are the same object."""
    keys = dict.fromkeys([key, engagement, *(each["key"] for each in relatives if each["kind"] != "contact")])
    found = [each for name in keys if name for each in await crosswalk.everywhere(tx, name)]
    effects = await story.effects_of_engagement(tx, engagement) if engagement else []
    states: list[SystemState] = []
    for connection in await story.systems(tx, visit.now):
        name = connection["name"]
        chips = tuple(_chip(each, visit) for each in found if each["connection"] == name)
        states_of = [each["state"] for each in effects if each["connection"] == name]
        if chips or states_of:
            state, tone = _state(bool(chips), states_of)
            states.append(SystemState(name, connection["role"].upper(), state, tone, chips))
    return tuple(states)


def _at_source(visit: Visit, known: Mapping[str, Any] | None) -> tuple[SystemState, ...]:
    """The record that a deal without a document was read from."""
    if known is None or known["subject"].count("/") < 2:
        return ()
    ref = Ref.parse(known["subject"])
    chip = Chip(ref.connection, ref.kind, ref.id, source_of(visit.setting.link(ref)), False, visit.now)
    return (SystemState(ref.connection, "CRM", "waits", "calm", (chip,)),)


def _state(known: bool, effects: Sequence[str]) -> tuple[str, str]:
    if "unknown" in effects:
        return "outcome unknown", "warn"
    if "refused" in effects:
        return "refused", "bad"
    if "sent" in effects:
        return "on its way", "calm"
    return ("there", "good") if known else ("not there", "calm")


def _chip(stored: Mapping[str, Any], visit: Visit) -> Chip:
    ref = Ref(stored["connection"], stored["kind"], stored["record_id"])
    return Chip(ref.connection, ref.kind, ref.id, source_of(visit.setting.link(ref)), stored["alias"], stored["since"])


def _moment(stored: Mapping[str, Any]) -> Moment:
    link = stored["link"]
    href = run_href(link.removeprefix("/runs/")) if link.startswith("/runs/") else link
    return Moment(stored["at"], stored["kind"], stored["title"], stored["detail"], stored["actor"], href)
