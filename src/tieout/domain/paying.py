"""Several payers of one engagement: each has its share of every entry, and the named one what rounding leaves (T41).

Several projects of one engagement: each payer has an invoice of each project (T04, T43).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

from pydantic import Field, model_validator

from tieout.domain.documents.document import Part
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project
from tieout.domain.documents.terms import Amount, Share
from tieout.domain.money import Money, Rounding, minor_digits
from tieout.domain.problems import Problem
from tieout.domain.proposal import Proposal, propose
from tieout.domain.rating import Stretch, hours

Row = Mapping[str, Any]
_KEY = r"^CUS-[0-9A-Z]{8}$"
# So many minutes are a whole number of hundredths of an hour, in which the ledger counts: what the payers are billed for sums
# to what one payer would be.
_STEP = 3


class Payer(Part):
    """Who pays which share, and up to which amount in all."""

    customer: str = Field(pattern=_KEY, description="By its key; a customer of a deal, or a parent or payer of one")
    share: Share = Field(description="Its part of everything, such as 0.6; the shares sum to 1")
    amount: Amount | None = Field(
        default=None,
        description="The most it pays in all, in the deal's currency, net; beyond, its share is the rest's",
    )

    def __str__(self) -> str:
        most = "" if self.amount is None else f" up to {self.amount:,.2f}"
        return f"{self.customer} {self.share * 100:f} %{most}"


class SplitBilling(Part):
    """Who pays for a deal, for the deals under a purchase order, or for those of a customer, instead of its bill-to."""

    engagement: str = Field(default="", pattern=r"^(ENG-[0-9A-Z]{8})?$", description="One deal, by its key")
    purchase_order: str = Field(default="", description="Deals that say this number")
    customer: str = Field(default="", pattern=r"^(CUS-[0-9A-Z]{8})?$", description="Deals of this customer, by its key")
    payers: tuple[Payer, ...] = Field(min_length=2, description="Who pays, and which share")
    rest: str = Field(description="The payer, one of them, that takes what rounding leaves and what is beyond amounts")

    @model_validator(mode="after")
    def _is_whole(self) -> SplitBilling:
        if not (self.engagement or self.purchase_order or self.customer):
            raise ValueError("say whose billing is split: a deal, a purchase order, or a customer")
        names = [each.customer for each in self.payers]
        if len(set(names)) < len(names):
            raise ValueError("a payer stands here twice")
        whole = sum(each.share for each in self.payers)
        if whole != 1:
            raise ValueError(f"the shares of the payers sum to {whole}, not to 1")
        named = [each for each in self.payers if each.customer == self.rest]
        if not named or named[0].amount is not None:
            raise ValueError("the rest is one of the payers, and one without a limit of its own")
        return self

    @property
    def span(self) -> str:
        """Whose billing is split, in words."""
        order = f"purchase order {self.purchase_order.strip()}" if self.purchase_order else ""
        customer = f"customer {self.customer}" if self.customer else ""
        deal = f"deal {self.engagement}" if self.engagement else ""
        return " of ".join(each for each in (deal, order, customer) if each)

    def is_of(self, deal: Engagement) -> bool:
        return (
            self.engagement in ("", deal.key)
            and self.customer in ("", deal.customer.key)
            and self.purchase_order.strip() in ("", deal.po_number.strip())
        )


def split_of(splits: Sequence[SplitBilling], deal: Engagement) -> SplitBilling | None:
    """The first that is of the deal."""
    return next((each for each in splits if each.is_of(deal)), None)


@dataclass(frozen=True, slots=True)
class _Cut:
    """What goes to each payer while work is cut; `left` is what payers with a limit may still be billed for."""

    split: SplitBilling
    currency: str
    left: dict[str, Decimal]
    work: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def given(self) -> list[Row]:
        """What each payer has by now, as evidence tells it."""
        return [
            {**row, "customer": name, "amount": row["amount"].amount}
            for name, rows in self.work.items()
            for row in rows
        ]

    @property
    def others(self) -> Iterator[Payer]:
        return (each for each in self.split.payers if each.customer != self.split.rest)


def shares_of(split: SplitBilling, work: Sequence[Row], evidence: Sequence[Row], currency: str) -> dict[str, list[Row]]:
    """The work of each payer that has any: rows of the same entries, whose minutes, amounts and worth sum to the whole.

    `evidence` is all that was billed and not cancelled, with the `customer` and the `net` of its `invoice`: whoever is behind
    with their share, such as after a credit of theirs, gets what they are behind. Minutes are cut so that the hours of a line
    sum as the ledger counts them: of hours a payer is three minutes of a task below the share, and as many more for each
    payer before it, until the next work makes up for it. What is taken back is taken from whom it was billed to.
    """
    billed: dict[str, Decimal] = defaultdict(Decimal)
    for customer, net in {each["invoice"]: (each["customer"], each["net"]) for each in evidence}.values():
        billed[customer] += net
    left = {each.customer: each.amount - billed[each.customer] for each in split.payers if each.amount is not None}
    cut = _Cut(split, currency, left)
    back = [each for each in work if each["minutes"] < 0 or each["amount"].amount < 0]
    new = [each for each in work if each not in back]
    for each in back:
        _take_back(cut, each, evidence)
    # Corrections come first: what stands of each payer afterwards is what its share is measured against.
    stands = [*evidence, *cut.given()]
    for each in stands[len(evidence) :]:
        if each["customer"] in left:
            left[each["customer"]] -= each["amount"]
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for each in new:
        groups[_line(each)].append(each)
    for line, rows in groups.items():
        known = [each for each in stands if _line(each) == line]
        (_hours if rows[0]["kind"] == "time" else _amounts)(cut, rows, known)
    return dict(cut.work)


def proposed(
    split: SplitBilling | None,
    deal: Engagement,
    projects: Sequence[Project],
    evidence: Sequence[Row],
    work: Sequence[Row],
    *,
    period: str,
    today: date,
    rounding: Rounding,
    corrects: Mapping[tuple[str, str], Sequence[str]],
    version: int = 1,
    sabotage: frozenset[str] = frozenset(),
) -> tuple[Proposal | None, list[Problem]]:
    """One proposal for each payer and project that has work.

    Of the project of the deal, the named payer's has the key that the only invoice of an engagement has. `evidence` is what
    was billed before, `corrects` by payer and project the numbers of the invoices that are corrected. The second `version`, and
    each after it, stands in place of drafts that were taken back, under keys of its own. `sabotage` brings a bug back, so that
    the suite can prove that it would catch it: `one_project` bills all work with the first.
    """
    shares = {"": work} if split is None else dict(sorted(shares_of(split, work, evidence, deal.currency).items()))
    cut_off = f"{deal.key}-{period}" + (f"-V{version}" if version > 1 else "")
    made: list[Proposal] = []
    problems: list[Problem] = []
    for payer, rows in shares.items():
        for project in projects:
            ours = [each for each in rows if _project_of(each, projects, sabotage) is project]
            if not ours:
                continue
            numbers = [
                each
                for (who, which), some in corrects.items()
                if which == project.key and payer in ("", who)
                for each in some
            ]
            proposal, wrong = propose(
                deal, project, ours, period=period, today=today, rounding=rounding, corrects=numbers, payer=payer,
                key=f"{cut_off}{_of_project(project)}{_of_payer(payer, split)}",
            )  # fmt: skip
            made += [proposal] if proposal else []
            problems += wrong
    if problems or not made:
        return None, problems
    return replace(made[0], others=made[1:]), []


def _project_of(row: Row, projects: Sequence[Project], sabotage: frozenset[str]) -> Project:
    """What names none is billed with the project of the deal, which stands first."""
    if "one_project" in sabotage:
        return projects[0]
    return next((each for each in projects if each.key == row.get("project")), projects[0])


def _of_project(project: Project) -> str:
    return f"-S{project.key.removeprefix('PRJ-')}" if project.sold else ""


def _of_payer(payer: str, split: SplitBilling | None) -> str:
    return "" if split is None or payer == split.rest else f"-P{payer.removeprefix('CUS-')}"


def _line(row: Row) -> tuple[Any, ...]:
    """What stands together, as on an invoice: hours of a task at a rate, or one thing that is no hours, of one sale."""
    if row["kind"] == "time":
        return "time", row["task"], row["agreed_rate"] if "agreed_rate" in row else row["rate"], row["sold"]
    whole = Decimal(row["basis"].get("whole", 0))
    return row["kind"], row["connection"], row["source_id"], row["why"], row["sold"], whole


def _hours(cut: _Cut, rows: Sequence[Row], known: Sequence[Row]) -> None:
    rate = Money(rows[0]["agreed_rate"], cut.currency)
    whole = sum(each["minutes"] for each in rows)
    stands = sum(each["minutes"] for each in known)
    needs: dict[str, int] = {}
    for payer in cut.others:
        mine = sum(each["minutes"] for each in known if each["customer"] == payer.customer)
        need = int(payer.share * (stands + whole)) - mine
        need = max(0, min(need, whole - sum(needs.values())))
        need -= need % _STEP if need < whole - sum(needs.values()) else 0
        while need > 0 and (rate * hours(need)).rounded().amount > cut.left.get(payer.customer, Decimal("Infinity")):
            need -= need % _STEP or _STEP
        needs[payer.customer] = need
        if payer.customer in cut.left:
            cut.left[payer.customer] -= (rate * hours(need)).rounded().amount
    # One payer after another is parted from all that come after: each entry in proportion, and the sums come out exactly.
    given, seen = dict.fromkeys(needs, 0), dict.fromkeys(needs, 0)
    totals, rest = dict[str, int](), whole
    for name, need in needs.items():
        totals[name], rest = rest, rest - need
    for row in rows:
        begun, minutes = 0, row["minutes"]
        for name, need in needs.items():
            remaining = minutes - begun
            seen[name] += remaining
            part = (need * seen[name] // totals[name] if totals[name] else 0) - given[name]
            given[name] += part
            _give(cut, name, row, begun, part)
            begun += part
        _give(cut, cut.split.rest, row, begun, minutes - begun)


def _give(cut: _Cut, payer: str, row: Row, begun: int, minutes: int) -> None:
    """So many minutes of a row, after those that others have."""
    if not minutes:
        return
    worth = Money(row["worth"], cut.currency)
    parts = {
        name: Stretch(Money(rate, cut.currency), 0, row["minutes"], whole)
        for name, rate, whole in (("amount", row["agreed_rate"], row["amount"]), ("worth", row["agreed"], worth))
    }
    some = {
        name: each.worth(begun + minutes) - (each.worth(begun) if begun else worth - worth)
        for name, each in parts.items()
    }
    cut.work[payer].append({**row, "minutes": minutes, "amount": some["amount"], "worth": some["worth"].amount})


def _amounts(cut: _Cut, rows: Sequence[Row], known: Sequence[Row]) -> None:
    unit = _unit(cut.currency)
    for row in rows:
        stands, left = sum((each["amount"] for each in known), Decimal(0)), row["amount"].amount
        for payer in cut.others:
            mine = sum((each["amount"] for each in known if each["customer"] == payer.customer), Decimal(0))
            need = (payer.share * (stands + row["amount"].amount)).quantize(unit, ROUND_DOWN) - mine
            need = max(Decimal(0), min(need, left, cut.left.get(payer.customer, left)))
            left -= need
            if payer.customer in cut.left:
                cut.left[payer.customer] -= need
            _part(cut, payer.customer, row, need)
        _part(cut, cut.split.rest, row, left)


def _part(cut: _Cut, payer: str, row: Row, amount: Decimal) -> None:
    """So much of a thing that is no hours; it is worth what is billed for it."""
    if amount:
        cut.work[payer].append({**row, "amount": Money(amount, cut.currency), "worth": amount})


def _take_back(cut: _Cut, row: Row, evidence: Sequence[Row]) -> None:
    """From whom it was billed to, in proportion; the named payer gives up what rounding leaves."""
    thing = (row["connection"], row["source_id"])
    known = [
        each for each in evidence if (each["connection"], each["source_id"]) == thing and _line(each) == _line(row)
    ]
    payers = sorted({each["customer"] for each in known}, key=lambda name: (name == cut.split.rest, name))
    stands = {
        what: {
            name: sum((Decimal(each[what]) for each in known if each["customer"] == name), Decimal(0))
            for name in payers
        }
        for what in ("minutes", "amount", "worth")
    }
    by, step = ("minutes", Decimal(1)) if row["minutes"] else ("amount", _unit(cut.currency))
    whole = Decimal(row["minutes"]) if row["minutes"] else row["amount"].amount
    parts = _in_proportion(whole, stands[by], step)
    amount, worth = row["amount"].amount, row["worth"]
    for place, (name, part) in enumerate(parts.items(), 1):
        if place == len(parts):
            some, less = amount, worth
        elif part == -stands[by][name]:
            some, less = -stands["amount"][name], -stands["worth"][name]
        else:
            some, less = (
                Money(stands[what][name] * part / stands[by][name], cut.currency).rounded().amount
                for what in ("amount", "worth")
            )
        amount, worth = amount - some, worth - less
        minutes = int(part) if by == "minutes" else 0
        cut.work[name].append({**row, "minutes": minutes, "amount": Money(some, cut.currency), "worth": less})


def _in_proportion(whole: Decimal, stands: Mapping[str, Decimal], step: Decimal) -> dict[str, Decimal]:
    """What of it each gives up that has any, in whole steps; the last takes what is left."""
    total, left = sum(stands.values(), Decimal(0)), whole
    parts: dict[str, Decimal] = {}
    for name, mine in stands.items():
        last = name == list(stands)[-1]
        parts[name] = left if last else (whole * mine / total).quantize(step, ROUND_DOWN) if total else Decimal(0)
        left -= parts[name]
    return {name: each for name, each in parts.items() if each}


def _unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_digits(currency))
