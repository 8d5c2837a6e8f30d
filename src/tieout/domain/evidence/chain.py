"""Links of the audit chain: each carries the hash of the one before, and can prove its place without telling what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tieout.domain.documents.document import Part
from tieout.domain.identity import content_hash


def content_digest(at: datetime, actor: str, action: str, object_: str, detail: Mapping[str, Any]) -> str:
    """What an entry says, as one hash. The moment counts in UTC: a server in another time zone reads the same chain."""
    return content_hash([str(at.astimezone(UTC)), actor, action, object_, dict(detail)])


def link_hash(previous: str, content: str) -> str:
    return content_hash([previous, content])


def whole_hash(previous: str, at: datetime, actor: str, action: str, object_: str, detail: Mapping[str, Any]) -> str:
    """As entries were linked up to 0.1.0: such an entry proves its place only together with what it says."""
    return content_hash([previous, str(at.astimezone(UTC)), actor, action, object_, dict(detail)])


class Said(Part):
    """What an entry says."""

    at: datetime
    actor: str
    action: str
    object: str
    detail: dict[str, Any]


class Link(Part):
    """An entry of the chain; `said` is None where it is about something else, `content` None where it is of 0.1.0."""

    id: int
    previous: str
    content: str | None
    hash: str
    said: Said | None


def wrong_link(link: Link) -> str:
    """What is wrong with a link by itself, or an empty string. One of 0.1.0 that says nothing is only as good as its neighbours."""
    said = link.said and (link.said.at, link.said.actor, link.said.action, link.said.object, link.said.detail)
    if link.content is None:
        if said and link.hash != whole_hash(link.previous, *said):
            return f"audit entry {link.id} is not what its hash says"
        return ""
    if said and link.content != content_digest(*said):
        return f"audit entry {link.id} does not say what its digest says"
    if link.hash != link_hash(link.previous, link.content):
        return f"the hash of audit entry {link.id} does not follow from the entry before it"
    return ""


def broken(stretches: Sequence[Sequence[Link]]) -> Iterator[str]:
    """Everything that is wrong with stretches of the chain, each unbroken in itself and each later than the one before."""
    last = 0
    for stretch in stretches:
        for n, link in enumerate(stretch):
            if link.id <= last:
                yield f"audit entry {link.id} stands after entry {last}"
            last = link.id
            if n and link.previous != stretch[n - 1].hash:
                yield f"audit entry {link.id} does not carry the hash of entry {stretch[n - 1].id} before it"
            if wrong := wrong_link(link):
                yield wrong
