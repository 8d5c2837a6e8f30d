"""A replay plan: what each document would do, write by write, before anything moves, and one hash over all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, cast

from tieout.domain.documents.document import Part
from tieout.domain.identity import content_hash
from tieout.domain.money import Money

# How a target's id looks that does not exist before the plan is carried out.
NEW = "(new) "

Act = Literal["create", "update", "skip", "ask"]
# "later": something has to happen first (a system is away); "open": the target's own answer decides; "fault": ours.
End = Literal["done", "ignored", "held", "waiting", "later", "open", "fault"]
How = Literal["as_it_is_now", "as_it_was"]


class PlannedWrite(Part):
    """One write in one target system.

    `act` is what it comes to: create, update, skip (it is there already) or ask (its outcome is unknown, and is settled
    first). `content` is a fingerprint of what is written; empty where that depends on ids that are still to be made.
    `undo` says how it is taken back; empty means that it cannot be. `money` marks a write that makes or moves a claim.
    """

    connection: str
    operation: str
    does: str
    subject: str
    guarantee: str
    act: Act
    content: str = ""
    undo: str = ""
    money: bool = False
    step: str = ""

    @property
    def target(self) -> tuple[str, str, str]:
        return self.connection, self.operation, self.subject


class FieldChange(Part):
    """One field of a document, before and after; an empty text where there is none."""

    field: str
    before: str
    after: str


class PlannedDocument(Part):
    """A new version of one of the hub's own documents."""

    kind: str
    key: str
    version: int
    changes: tuple[FieldChange, ...]


class PlannedItem(Part):
    """What one run would do if it began now. Amounts are decimal texts in `currency`."""

    run: str
    flow: str
    subject: str
    title: str
    entity: str | None = None
    engagement: str | None = None
    amount: str = "0"
    currency: str = ""
    end: End
    why: str = ""
    problems: tuple[str, ...] = ()
    writes: tuple[PlannedWrite, ...] = ()
    documents: tuple[PlannedDocument, ...] = ()
    starts: tuple[str, ...] = ()
    # How the other configuration would differ, in words: filled for a replay as it was.
    differs: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Equal when the same would happen; the words in which an end is told do not count."""
        return content_hash(self.model_dump(mode="json", exclude={"why", "title", "differs"}))

    @property
    def acts(self) -> bool:
        return any(each.act in ("create", "update", "ask") for each in self.writes)


def hash_of(items: Sequence[PlannedItem]) -> str:
    """The plan's hash: what a person confirms, and what must still be true then."""
    return content_hash([each.fingerprint() for each in items])


class Sums(Part):
    """The totals of a plan. Writes of several documents on one subject count once; money is by currency."""

    documents: int
    writes: Mapping[str, int]
    # (act, connection, what it does) in words → how many
    lines: Mapping[str, int]
    ends: Mapping[str, int]
    irreversible: Mapping[str, int]
    guarantees: Mapping[str, int]
    money_now: Mapping[str, str]
    unblocks: Mapping[str, str]
    seconds: float = 0.0


def sums(items: Sequence[PlannedItem], *, seconds: float = 0.0) -> Sums:
    acts: dict[tuple[str, str, str], PlannedWrite] = {}
    for item in items:
        for write in item.writes:
            known = acts.get(write.target)
            if known is None or known.act == "skip":
                acts[write.target] = write
    writes = list(acts.values())
    moving = [each for each in writes if each.act != "skip"]
    return Sums(
        documents=len(items),
        writes=_counted(each.act for each in writes),
        lines=_counted(f"{each.act}|{each.connection}|{each.does}" for each in writes),
        ends=_counted(each.end for each in items),
        irreversible=_counted(f"{each.connection}|{each.does}" for each in moving if not each.undo),
        guarantees=_counted(each.guarantee for each in moving),
        money_now=_money(each for each in items if any(one.money and one.act != "skip" for one in each.writes)),
        unblocks=_money(each for each in items if each.end == "done" and each.acts),
        seconds=seconds,
    )


def differences(now: PlannedItem, then: PlannedItem) -> tuple[str, ...]:
    """How a replay as it was would differ from one as it is now, in words; empty when it would not."""
    told: list[str] = []
    if now.end != then.end:
        told.append(f"it would end as {then.end}, and as {now.end} with today's configuration")
    old, new = ({each.target: each for each in item.writes} for item in (then, now))
    for target in dict.fromkeys([*old, *new]):
        write = old.get(target) or new[target]
        what = f"{write.does} {write.subject} in {write.connection}"
        if target not in new:
            told.append(f"it would {what}; with today's configuration it would not")
        elif target not in old:
            told.append(f"it would not {what}; with today's configuration it would")
        elif old[target].content != new[target].content:
            told.append(f"it would {what} with another content than today's configuration")
    was, is_ = (_fields(item) for item in (then, now))
    for place in dict.fromkeys([*was, *is_]):
        if was.get(place) != is_.get(place):
            told.append(f"{place}: {was.get(place, 'as stored')}; today {is_.get(place, 'as stored')}")
    return tuple(told)


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """The fields in which two bodies of a document differ, by dotted names."""
    then, now = _flat(before or {}), _flat(after)
    names = dict.fromkeys([*now, *then])
    return tuple(
        FieldChange(field=name, before=then.get(name, ""), after=now.get(name, ""))
        for name in names
        if then.get(name, "") != now.get(name, "")
    )


def _flat(body: Any, path: str = "") -> dict[str, str]:
    if isinstance(body, Mapping):
        parts = [(str(name), each) for name, each in cast(Mapping[str, Any], body).items()]
    elif isinstance(body, list):
        parts = [(str(number), each) for number, each in enumerate(cast(list[Any], body), 1)]
    else:
        return {} if body is None else {path: str(body)}
    found: dict[str, str] = {}
    for name, each in parts:
        found.update(_flat(each, f"{path}.{name}" if path else name))
    return found


def _fields(item: PlannedItem) -> dict[str, str]:
    return {
        f"{document.kind} {document.key}, {each.field}": each.after
        for document in item.documents
        for each in document.changes
    }


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _money(items: Iterable[PlannedItem]) -> dict[str, str]:
    totals: dict[str, Decimal] = {}
    for each in items:
        if each.currency:
            totals[each.currency] = totals.get(each.currency, Decimal(0)) + Decimal(each.amount)
    return {currency: str(Money(amount, currency).rounded().amount) for currency, amount in sorted(totals.items())}
