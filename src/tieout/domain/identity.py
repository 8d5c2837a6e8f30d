"""Who is who: references to records, business keys, and the keys that make an effect happen once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

# Crockford's base 32: no I, L, O, U, so that a key can be read out over the telephone.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# One way to write JSON-like content, whatever the order of its keys.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One record in one connected system: connection name, record kind in our words, the system's own id."""

    connection: str
    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.connection}/{self.kind}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> Ref:
        connection, kind, id_ = text.split("/", 2)
        return cls(connection, kind, id_)


def digest(*parts: str) -> str:
    """SHA-256 over the parts, which are kept apart: ("ab", "c") and ("a", "bc") differ."""
    apart = (part.replace("\x1e", "\x1e0").replace("\x1f", "\x1e1") for part in parts)
    return hashlib.sha256("\x1f".join(apart).encode()).hexdigest()


def business_key(prefix: str, ref: Ref) -> str:
    """A short, readable key such as ENG-7K3M9QXA, the same for the same source record whenever it is asked for.

    Forty bits of a hash: derived, not counted, so that a restored or a second hub gives the same key. Two records that
    meet in one key are refused by the crosswalk's unique index and become a hold.
    """
    return f"{prefix}-{spelled(ref.connection, ref.kind, ref.id)}"


def spelled(*parts: str) -> str:
    """Eight characters that a person can read out: forty bits of the digest of the parts."""
    bits = int(digest(*parts)[:10], 16)
    return "".join(_ALPHABET[(bits >> shift) & 31] for shift in range(35, -5, -5))


def effect_key(connection: str, operation: str, subject: str, version: str) -> str:
    """The identity of one change in one target system, derived from business identity and version, never random."""
    return digest(connection, operation, subject, version)


def content_hash(body: Any) -> str:
    """A fingerprint of JSON-like content that does not depend on the order of its keys."""
    return hashlib.sha256(_CANONICAL.encode(body).encode()).hexdigest()
