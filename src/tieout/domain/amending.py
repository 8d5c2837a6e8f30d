"""Whether a change order can be applied, who must accept it, and what finance has to judge of it (T34, T36)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from tieout.domain.contract_changes import Clause, sold_id
from tieout.domain.documents.change_order import ChangeLine, ChangeOrder
from tieout.domain.documents.engagement import Contract, ContractVersion
from tieout.domain.documents.package import RateCard
from tieout.domain.documents.project import ProjectTask
from tieout.domain.documents.terms import FixedTerms, PeriodTerms, RetainerTerms, Sold, TimeTerms
from tieout.domain.firm import Firm
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.proposal import hours_text
from tieout.domain.rating import rate_on


@dataclass(frozen=True, slots=True)
class Done:
    """What was worked or billed of an engagement so far: worth per sale, billed per sale, minutes per task."""

    worked: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    billed: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    minutes: Mapping[str, int] = field(default_factory=dict[str, int])

    def of(self, sold: str) -> Decimal:
        """Work that is billed is worked as well, fees are not: the larger of the two."""
        return max(self.worked.get(sold, Decimal(0)), self.billed.get(sold, Decimal(0)))


def change_problems(
    contract: Contract,
    order: ChangeOrder,
    tasks: Sequence[ProjectTask],
    firm: Firm,
    card: RateCard,
    *,
    deal: str,
    link: str,
) -> list[Problem]:
    """Everything that keeps it from being applied as it is written, at once."""
    facts = {"order": order.name, "deal": deal, "link": link}
    return [
        Problem("change.invalid", {**facts, "reason": each})
        for each in (*_head(contract.current, order), *_lines(contract.current, order, tasks, firm, card))
    ]


def _head(current: ContractVersion, order: ChangeOrder) -> Iterator[str]:
    if order.effective_from is None:
        yield "it does not say from which day on it holds"
    elif order.effective_from < current.effective_from:
        yield f"it would hold from {order.effective_from}, before version {current.version} does ({current.effective_from})"
    if not order.lines:
        yield "it has no lines"
    if order.amount is not None and order.amount != order.delta:
        yield f"its head says {_money(order.amount, current)}, its lines come to {_money(order.delta, current)}"


def _lines(
    current: ContractVersion, order: ChangeOrder, tasks: Sequence[ProjectTask], firm: Firm, card: RateCard
) -> Iterator[str]:
    known = {each.id: each for each in current.sold}
    named = {sold_id(order, each, current) for each in order.lines if each.package}
    for line in order.lines:
        id_ = sold_id(order, line, current)
        sold, label = known.get(id_), line.instance or line.task or line.package or line.id
        if not id_:
            yield f"“{label}” does not say which package it is about, and there are {len(current.sold)}"
        elif sold is None and (line.action != "add" or id_ not in named):
            yield f"“{label}” is about a sale that the contract does not have"
        elif sold is None and line.package and firm.package(line.package) is None:
            yield f"the firm folder has no package {line.package}"
        elif sold is not None and _moves_a_fee(sold, line):
            yield f"the fee of “{sold.description}” cannot be moved: remove the sale and add it anew"
        if id_:
            yield from _work(line, task_of(tasks, id_, line.task), order, card, new=sold is None)


def _work(
    line: ChangeLine, task: ProjectTask | None, order: ChangeOrder, card: RateCard, *, new: bool
) -> Iterator[str]:
    role = line.role or (task.role if task else "")
    if line.task and line.action != "add" and task is None:
        yield f"the project has no task “{line.task}”"
    if line.task and line.action == "add" and not new and task is None and not (line.role and line.hours):
        yield f"the new task “{line.task}” needs a role and hours"
    if line.role and task is not None and task.role != line.role:
        yield f"the task “{line.task}” is done by a {task.role}; another role needs another task"
    if role and order.effective_from is not None and line.action != "remove":
        agreed = rate_on(card, role, order.effective_from)
        if agreed is None:
            yield f"the rate card {card.name} has no rate for “{role}” on {order.effective_from}"
        elif line.rate is not None and line.rate != agreed.amount.amount:
            yield f"it says {line.rate} for “{role}”, the rate card {card.name} says {agreed.amount.amount} on that day"


def _moves_a_fee(sold: Sold, line: ChangeLine) -> bool:
    """A fixed fee takes one more instalment; what other fees would become, an amount does not say.

    A fee per month has other first and last days, where it was not sold for its whole time.
    """
    whole = isinstance(sold.terms, RetainerTerms) or (
        isinstance(sold.terms, PeriodTerms) and sold.terms.whole is not None
    )
    if whole and line.action == "change" and not line.task and (line.start, line.end) != (None, None):
        return (line.start or sold.start, line.end or sold.end) != (sold.start, sold.end)
    if not line.amount or line.action == "remove" or isinstance(sold.terms, TimeTerms):
        return False
    return not isinstance(sold.terms, FixedTerms) or line.amount < 0


def task_of(tasks: Sequence[ProjectTask], sold: str, name: str) -> ProjectTask | None:
    """The task of a sale, by the name that it has in its package or in the project."""
    wanted = name.casefold()
    return next(
        (
            each
            for each in tasks
            if wanted
            and each.sold == sold
            and wanted in (each.name.casefold(), each.name.casefold().partition(": ")[2])
        ),
        None,
    )


def reductions_below(
    before: ContractVersion,
    after: ContractVersion,
    order: ChangeOrder,
    tasks: Sequence[ProjectTask],
    done: Done,
    *,
    deal: str,
    link: str,
    sabotage: frozenset[str] = frozenset(),
) -> list[Problem]:
    """Where it would leave less than was worked or billed already: somebody credits or writes off first (T36).

    `sabotage` brings bugs back, so that the suite can prove that it would catch them: `forgets_the_worked` looks at what is
    billed alone, `forgets_the_tasks` at money alone.
    """
    problems: list[Problem] = []
    if "forgets_the_worked" in sabotage:
        done = replace(done, worked={})
    if "forgets_the_tasks" in sabotage:
        done = replace(done, minutes={})

    def told(label: str, left: str, worked: str, amount: Money | None = None) -> None:
        facts = {
            "order": order.name, "deal": deal, "label": label, "after": left, "done": worked, "link": link,
            "about": f"{order.key} {label}",
        }  # fmt: skip
        problems.append(Problem("change.below_done", facts, amount=amount))

    left = {each.id: each for each in after.sold}
    for sold in before.sold:
        lines = [each for each in order.lines if sold_id(order, each, before) == sold.id]
        amount = sold.amount + sum((each.amount for each in lines), Decimal(0))
        if amount < sold.amount and amount < done.of(sold.id):
            over = Money(done.of(sold.id) - amount, after.currency)
            told(f"“{sold.description}”", _money(amount, after), _money(done.of(sold.id), after), over)
        for cap in after.caps:
            billed = sum((done.billed.get(each, Decimal(0)) for each in cap.lines or left), Decimal(0))
            if cap.lines == (sold.id,) and cap not in before.caps and cap.amount is not None and cap.amount < billed:
                told(f"the limit of “{sold.description}”", _money(cap.amount, after), f"{_money(billed, after)} billed")
    for line in order.lines:
        task = task_of(tasks, sold_id(order, line, before), line.task)
        hours = Decimal(0) if line.action == "remove" and task else line.hours
        minutes = done.minutes.get(task.key, 0) if task else 0
        if task is not None and hours is not None and hours < task.hours and hours * 60 < minutes:
            told(f"the task “{task.name}”", f"{hours:f} hours", f"{hours_text(minutes)} hours")
    return problems


def terms_of_change(
    before: ContractVersion,
    after: ContractVersion,
    order: ChangeOrder,
    firm: Firm,
    *,
    today: date,
    moved: Sequence[str],
) -> list[str]:
    """What somebody in finance must accept; in words, because these exact words are what is approved.

    `moved` says what becomes of work that is done already, where the change reaches back before today.
    """
    terms: list[str] = []
    limit = firm.approvals.amount_above.get(after.currency)
    if limit is not None and after.amount > before.amount and after.amount > limit:
        terms.append(f"{order.name}: the contract comes to {_money(after.amount, after)}, above {_money(limit, after)}")
    if after.effective_from < today and moved:
        terms.append(f"{order.name} holds from {after.effective_from}, before today: {'; '.join(moved)}")
    return terms


def revenue_facts(
    before: ContractVersion, after: ContractVersion, order: ChangeOrder, clauses: Sequence[Clause], done: Done
) -> str:
    """What finance judges the treatment by; the hub carries facts and decides no revenue (T34, ASC 606-10-25-10 to 13)."""
    known = {each.id for each in before.sold}
    added = [each.description for each in after.sold if each.id not in known]
    ended = [each.description for each in before.sold if each.id not in {one.id for one in after.sold}]
    worked = sum((done.of(each.id) for each in before.sold), Decimal(0))
    approved = (
        f"approved by {order.approved_by or 'somebody'} on {order.approved_at:%Y-%m-%d}" if order.approved_at else ""
    )
    facts = [
        f"holds from {after.effective_from}",
        approved,
        f"adds {', '.join(added)}" if added else "adds no package",
        f"ends {', '.join(ended)}" if ended else "",
        "work is priced at the rate card",
        f"worked or billed so far {_money(worked, before)} of {_money(before.amount, before)}",
        f"{len(clauses)} clauses differ",
    ]
    return "; ".join(each for each in facts if each)


def _money(amount: Decimal, version: ContractVersion) -> str:
    return str(Money(amount, version.currency))
