"""Canonical documents, every version of them, each with the trail of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from tieout.domain.documents.document import Document
from tieout.store.database import Tx, row, rows


async def save(
    tx: Tx, document: Document, *, entity: str | None, engagement: str | None, trail: Mapping[str, Any], now: datetime
) -> int:
    """Stores a new version of a document when its content is new; returns the version that holds the content."""
    latest = await row(
        tx,
        "select version, fingerprint from document where kind = %s and key = %s order by version desc limit 1",
        (document.kind, document.key),
    )
    fingerprint = document.fingerprint()
    if latest is not None and latest["fingerprint"] == fingerprint:
        return latest["version"]
    version = latest["version"] + 1 if latest else 1
    await tx.execute(
        """
        insert into document (kind, key, version, schema_version, entity, engagement, fingerprint, body, trail, created_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            document.kind,
            document.key,
            version,
            document.schema_version,
            entity,
            engagement,
            fingerprint,
            Jsonb(document.body()),
            Jsonb(dict(trail)),
            now,
        ),
    )
    return version


async def latest(tx: Tx, kind: str, key: str) -> dict[str, Any] | None:
    """The newest stored version of a document (kind, key, version, schema_version, body, trail …)."""
    return await row(
        tx, "select * from document where kind = %s and key = %s order by version desc limit 1", (kind, key)
    )


async def newest(tx: Tx, keys: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The newest stored versions of several documents of different kinds, each by its kind, in one statement."""
    found = await rows(
        tx,
        """
        select d.* from unnest(%s::text[], %s::text[]) k(kind, key) cross join lateral (
          select * from document d where d.kind = k.kind and d.key = k.key order by d.version desc limit 1
        ) d
        """,
        (list(keys), list(keys.values())),
    )
    return {each["kind"]: each for each in found}


async def at_version(tx: Tx, kind: str, key: str, version: int) -> dict[str, Any] | None:
    return await row(tx, "select * from document where kind = %s and key = %s and version = %s", (kind, key, version))


async def history(tx: Tx, kind: str, key: str) -> list[dict[str, Any]]:
    return await rows(tx, "select * from document where kind = %s and key = %s order by version", (kind, key))
