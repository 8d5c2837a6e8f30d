"""What an evidence pack needs beside the lines: documents, approvals, receipts and digests, of one invoice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tieout.domain.identity import content_hash
from tieout.store import documents
from tieout.store.database import Tx, row, rows


@dataclass(frozen=True, slots=True)
class Source:
    """When an entry was told in the state in which it was billed, and the digest of what was told."""

    seen_at: datetime
    digest: str


async def sources(tx: Tx, invoice: str, lines: Sequence[str]) -> dict[tuple[str, str, str], Source]:
    """Of every entry beneath these lines, by connection, id and version."""
    found = await rows(
        tx,
        """
        select connection, source_id, version, body, seen_at from time_entry_version
        where (connection, source_id, version) in (
          select connection, source_id, entry_version from evidence where invoice = %s and line = any(%s)
        )
        """,
        (invoice, list(lines)),
    )
    return {
        (each["connection"], each["source_id"], each["version"]): Source(each["seen_at"], content_hash(each["body"]))
        for each in found
    }


async def behind(tx: Tx, invoice: dict[str, Any]) -> list[dict[str, Any]]:
    """The newest version of each document that the invoice hangs on."""
    keys = {"invoice": invoice["key"], "contract": invoice["engagement"]}
    keys |= {kind: invoice[kind] for kind in ("engagement", "project", "customer")}
    found = await documents.newest(tx, keys)
    return [found[kind] for kind in sorted(found)]


async def approvals(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    return await rows(tx, "select * from approval where engagement = %s order by id limit 100", (engagement,))


async def holds(tx: Tx, engagement: str) -> list[int]:
    """The numbers of everything that waited for a person under the engagement."""
    found = await rows(tx, "select id from hold where engagement = %s order by id desc limit 200", (engagement,))
    return [each["id"] for each in found]


async def receipts(tx: Tx, invoice: dict[str, Any]) -> list[dict[str, Any]]:
    """The changes in other systems that are about the invoice, the document that it stands on, its project or its engagement,
    each with its request's digest."""
    return await rows(
        tx,
        """
        select key, connection, operation, guarantee, subject, version, state, attempts, sent_at, settled_at, receipt,
          encode(sha256(request), 'hex') as request
        from effect where (engagement = %(engagement)s and subject in (%(key)s, %(engagement)s, %(project)s, %(customer)s))
          or run_id in (select id from run where flow = 'consolidated_invoice' and subject = %(consolidated)s)
        order by planned_at, key limit 200
        """,
        invoice,
    )


async def read_back(tx: Tx, invoice: dict[str, Any]) -> dict[str, Any] | None:
    """The ERP's own record of the invoice, as it was last read."""
    return await row(
        tx,
        """
        select connection, record_id, version, received_at, payload from message
        where connection = %(connection)s and kind = 'invoice' and record_id = %(record_id)s and payload is not null
        order by version collate "C" desc limit 1
        """,
        invoice,
    )
