"""What a connector promises: one vendor, in that vendor's own words, without retries, without memory.

A connector reads records and says which of them changed; it prepares a write as exact bytes, sends those bytes, and
looks up what is already there. Whether and when to send again is decided by the engine alone, from the guarantee class
that each operation declares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Protocol

import httpx2
from pydantic import BaseModel

from tieout.connectors.lengths import Length
from tieout.domain.documents.customer import Customer
from tieout.domain.documents.document import Document
from tieout.domain.identity import Ref
from tieout.domain.limits.pace import Heard
from tieout.domain.mapping import MappingTable
from tieout.domain.matching import Known
from tieout.domain.money import Money
from tieout.domain.posting import Period


class Guarantee(Enum):
    """How an operation behaves when its outcome is unknown and it is tried again."""

    KEY = "A"  # the target remembers an idempotency key
    UPSERT = "B"  # upsert by an id of ours, or an update that is the same when repeated
    UNIQUE = "C"  # a unique field of ours refuses the second one
    LOOK_UP = "D"  # only a search by a reference of ours
    NONE = "E"  # nothing: one attempt, then a person


class Claim(Enum):
    """What an operation does to what somebody owes."""

    UNTOUCHED = "untouched"  # facts, hours and figures: nobody owes more or less afterwards
    DRAFTED = "drafted"  # a draft with an amount is made or taken away: it counts once a person posts it
    MOVED = "moved"  # a claim is made, changed or settled at once


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of write of a connector.

    `settle` is for what is looked up: how long after a lost answer the target may still carry out the request, counted
    from the sending; the engine looks up only after it. `horizon` is for class A, which must say it: how long after a
    sending the target surely knows its key, shorter than the vendor's retention by the longest time that a request may be
    on its way. After it the operation is treated as class D, or held for a person where it is not `searchable`.
    What a person is told before it is done, and no operation leaves out: `creates` is the kind of record that it makes, empty
    when it makes none; `money` what it does to what is owed; `undo` how a person takes it back in that system, empty when
    nobody can.
    `lengths` say how long the texts of its body may be: whoever writes makes them fit, the target is never asked to cut.
    `batch` is how many rows one request carries at most, where the body is a list: what is safe and fastest over there.
    """

    name: str
    guarantee: Guarantee
    does: str
    settle: timedelta = timedelta(0)
    horizon: timedelta = timedelta(0)
    searchable: bool = True
    lengths: tuple[Length, ...] = ()
    batch: int = 1
    creates: str = field(kw_only=True)
    money: Claim = field(kw_only=True)
    undo: str = field(kw_only=True)

    def __post_init__(self) -> None:
        if self.guarantee is Guarantee.KEY and self.horizon <= timedelta(0):
            raise ValueError(f"{self.name} has class A and no horizon: say how long the target surely knows its key")

    @property
    def can_be_asked(self) -> bool:
        """Whether `find` can tell what is there."""
        return self.searchable and self.guarantee is not Guarantee.NONE

    @property
    def risks_a_second_claim(self) -> bool:
        """Whether it moves money and nothing in the target stops a second time: no firm's connection may have such an operation."""
        return self.money is Claim.MOVED and self.guarantee in (Guarantee.LOOK_UP, Guarantee.NONE)


@dataclass(frozen=True, slots=True)
class Write:
    """What shall be true in the target: an operation on a subject, in canonical terms.

    `subject` is the business key; `version` tells two intended contents of the same subject apart; `body` is JSON-like.
    `ids` are the target's own ids that the crosswalk already knows, by role.
    """

    operation: str
    subject: str
    version: str
    body: Mapping[str, Any]
    ids: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Receipt:
    """The target's proof: its own id for the subject, ids of parts by our keys, and what it answered.

    `others` are told by a look-up alone: further records under the same subject, made by a request that arrived late.
    """

    id: str
    parts: Mapping[str, str] = field(default_factory=dict[str, str])
    answer: Mapping[str, Any] = field(default_factory=dict[str, Any])
    others: tuple[str, ...] = ()


class OutcomeUnknown(Exception):
    """The request may or may not have had its effect: sent, and no answer that can be believed."""


class AlreadyThere(Exception):
    """A unique field of ours refused the write: the engine looks up what is there and compares (class C)."""


@dataclass(frozen=True, slots=True)
class Change:
    """A record changed, was deleted, or was merged into another.

    `version` is the source's own order of the states of one record: a time stamp of the source, then `#` and a fingerprint
    that tells two states of the same instant apart. Stamps are compared as text, byte by byte, so all of a kind have one
    form: the same zone, the same digits. Neither part contains `#` or `~`. `amount` is what the record is worth, for the conservation law.
    """

    ref: Ref
    version: str
    record: Mapping[str, Any] | None = None
    amount: Money | None = None
    deleted: bool = False
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Changes after a cursor. `cursor` may be stored once the page is committed; `more` says that another page waits.

    An incomplete read (`complete` false) must not advance the cursor (T62).
    """

    changes: Sequence[Change]
    cursor: str
    more: bool
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Health:
    """What `check` found: who we are there, the server's version, its clock, what is left of a limit, a ledger's periods."""

    ok: bool
    detail: str
    user: str = ""
    version: str = ""
    server_time: datetime | None = None
    limits: Mapping[str, str] = field(default_factory=dict[str, str])
    periods: Sequence[Period] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A canonical document, the state it was read in, and where each of its fields came from."""

    document: Document
    version: str
    trail: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])


class Connector(Protocol):
    """One open connection to one system."""

    name: str

    async def check(self) -> Health: ...

    async def describe(self) -> Mapping[str, Sequence[str]]:
        """Field names by kind of record, as the system has them now: what a firm's own mapping is checked against."""
        ...

    def link(self, ref: Ref) -> str:
        """Where a person sees the record, or an empty string."""
        ...

    async def close(self) -> None: ...


class Source(Connector, Protocol):
    """A system that documents are read from."""

    async def changes(self, kind: str, since: str | None) -> Page:
        """Records of a kind that changed since the cursor, with overlap: the same change may come twice, none is missed."""
        ...

    async def look(self, ref: Ref) -> Change | None:
        """The state of one record now, as `changes` would tell it; None when there never was such a record."""
        ...

    async def read(self, ref: Ref) -> Reading | None:
        """The document as it is now with the trail of its fields, or None when the record is gone."""
        ...


class Sink(Connector, Protocol):
    """A system that effects are made in."""

    def operation(self, name: str) -> Operation:
        """Raises KeyError where the system cannot do it."""
        ...

    async def prepare(self, write: Write) -> bytes:
        """The exact bytes to send, after reading whatever ids the target needs. No effect. Raises Rejected or Transient."""
        ...

    async def send(self, operation: str, request: bytes) -> Receipt:
        """One attempt. Raises Transient, Rejected, Conflict, Misconfigured, AlreadyThere or OutcomeUnknown."""
        ...

    async def find(self, write: Write) -> Receipt | None:
        """What the target already has under the write's subject; None when it certainly has nothing.

        For class D the subject alone must do: the engine's second look, when a late request may have made another one,
        knows neither body nor ids.
        """
        ...


class Ledger(Source, Sink, Protocol):
    """An ERP: it also knows who its customers and its people are."""

    async def candidates(self, customer: Customer, names: Sequence[str]) -> Sequence[Known]:
        """Customers with the same tax id or one of these names; the tax id's matches first."""
        ...

    async def people(self) -> Sequence[str]:
        """The personnel numbers that the ERP employs in this legal entity."""
        ...


class WebhookRefused(Exception):
    """A doorbell that did not prove who rang."""


@dataclass(frozen=True, slots=True)
class Bell:
    """A verified doorbell: the records to read again, and the id that tells a repeated ring.

    `content` is a fingerprint of what was said, where the id does not already follow from it: the same id with another
    content is another ring, and a mistake of the sender's that is written down.
    """

    id: str
    refs: Sequence[Ref]
    content: str = ""


class Doorbell(Protocol):
    """A system that rings when something changed. The payload is never believed, only followed."""

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Bell:
        """Names of headers are lower case. Raises WebhookRefused."""
        ...

    def answer(self) -> tuple[str, bytes]:
        """Content type and body that the system takes for an acknowledgement."""
        ...


class Gate(Protocol):
    """The limits of one connection, as one process sees them: every call enters and leaves."""

    async def enter(self) -> None:
        """Returns when it is this call's turn. Raises NoLeave when that will take too long."""
        ...

    def leave(self, told: Heard) -> None:
        """The call is over, and this is what it told of limits; after `enter`, always."""
        ...


@dataclass(frozen=True, slots=True)
class Opening:
    """What a connection is opened with.

    `fields` are the firm's own fields (canonical name → the system's path). `transport` replaces the network: an
    emulator in the same process. `gate` keeps its limits; without one nobody counts. Both are obeyed by
    `connectors.transports.paced.client`.
    """

    name: str
    config: BaseModel
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    transport: httpx2.AsyncBaseTransport | None = None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """All that the hub knows of a kind of system before it opens one: the one value that a connector exports.

    `reads` are the kinds of record that `changes` tells of; `writes` are the operations by name; `waivers` name the
    contract tests that do not fit, each with its reason.
    """

    kind: str
    title: str
    roles: tuple[str, ...]
    config: type[BaseModel]
    open: Callable[[Opening], Connector]
    reads: tuple[str, ...] = ()
    writes: Mapping[str, Operation] = field(default_factory=dict[str, Operation])
    mappings: tuple[MappingTable, ...] = ()
    doorbell: Callable[[Opening], Doorbell] | None = None
    waivers: Mapping[str, str] = field(default_factory=dict[str, str])
