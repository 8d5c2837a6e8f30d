"""Where is it? Any id of any system, business key or number leads to the thing it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tieout.domain.documents.upcast import KINDS
from tieout.domain.spelling import spellings
from tieout.store.database import Tx, row, rows

_NUMBERED = re.compile(r"([HAP])-(\d{1,18})", re.IGNORECASE)
_MOST = 50


@dataclass(frozen=True, slots=True)
class Hit:
    """Something the hub knows. `kind` is a document kind, or invoice, time_entry, reading, record, run, effect, hold, approval, plan.

    `key` opens it (H-20401, A-501 and P-3301 as people write them; `connection/id` for a time entry, `source/id` for a reading
    of usage, `connection/kind/id` for a record that no document knows yet). `because` says what agreed.
    """

    kind: str
    key: str
    title: str
    because: str


async def find(tx: Tx, anything: str) -> list[Hit]:
    """Everything that the text may mean, the surest first; names are searched only when it is no id at all."""
    text = anything.strip()
    if not text:
        return []
    numbered = _NUMBERED.fullmatch(text)
    if numbered is not None:
        return await _numbered(tx, numbered[1].upper(), int(numbered[2]))
    written = sorted(spellings(text))
    hits = [
        *await _business_keys(tx, written),
        *await _invoices(tx, written),
        *await _crosswalk(tx, written),
        *await _time_entries(tx, written),
        *await _readings(tx, text),
        *await _runs_and_effects(tx, text),
    ]
    hits = hits or await _records(tx, written) or await _names(tx, text)
    return list({(hit.kind, hit.key): hit for hit in reversed(hits)}.values())[::-1][:_MOST]


async def titles(tx: Tx, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """What people call documents: their names by (kind, key); one without a name goes by its key."""
    wanted = list(dict.fromkeys(keys))
    found = await rows(
        tx,
        """
        select distinct on (d.kind, d.key) d.kind, d.key, d.body->>'name' as name
        from unnest(%s::text[], %s::text[]) w(kind, key) join document d on d.kind = w.kind and d.key = w.key
        order by d.kind, d.key, d.version desc
        """,
        ([kind for kind, _ in wanted], [key for _, key in wanted]),
    )
    named = {(each["kind"], each["key"]): each["name"] for each in found}
    return {(kind, key): named.get((kind, key)) or key for kind, key in wanted}


async def _numbered(tx: Tx, letter: str, number: int) -> list[Hit]:
    match letter:
        case "H":
            kind, found = "hold", await row(tx, "select title from hold where id = %s", (number,))
        case "A":
            kind, found = "approval", await row(tx, "select title from approval where id = %s", (number,))
        case _:
            kind, found = "plan", await row(tx, "select what as title from plan where id = %s", (number,))
    return [Hit(kind, f"{letter}-{number}", found["title"], "its number")] if found else []


async def _business_keys(tx: Tx, written: list[str]) -> list[Hit]:
    found = await rows(
        tx,
        """
        select distinct on (d.kind, d.key) d.kind, d.key, d.body->>'name' as name
        from unnest(%s::text[]) k(kind) cross join unnest(%s::text[]) w(key)
        join document d on d.kind = k.kind and d.key = w.key order by d.kind, d.key, d.version desc
        """,
        (sorted(KINDS), written),
    )
    return [Hit(each["kind"], each["key"], each["name"] or each["key"], "its key") for each in found]


async def _invoices(tx: Tx, written: list[str]) -> list[Hit]:
    found = await rows(
        tx,
        """
        select key, number, entity, customer, case when number = any(%(w)s) then 'its number in ' || entity
          when key = any(%(w)s) then 'its key' when consolidated = any(%(w)s) then 'the key of its document'
          else 'its id in ' || connection end as because
        from invoice
        where key = any(%(w)s) or (number = any(%(w)s) and number <> '') or (record_id = any(%(w)s) and record_id <> '')
          or (consolidated = any(%(w)s) and corrects is null)
        order by key limit 50
        """,
        {"w": written},
    )
    named = await titles(tx, [("customer", each["customer"]) for each in found])
    return [
        Hit("invoice", each["key"], _invoice_title(each, named["customer", each["customer"]]), each["because"])
        for each in found
    ]


def _invoice_title(invoice: dict[str, Any], customer: str) -> str:
    return f"{invoice['number'] or invoice['key']} · {customer} · {invoice['entity']}"


async def _crosswalk(tx: Tx, written: list[str]) -> list[Hit]:
    found = await rows(
        tx,
        """
        select kind, key, connection, alias from crosswalk where record_id = any(%(w)s) or key = any(%(w)s)
        order by alias, kind, key, connection limit 50
        """,
        {"w": written},
    )
    # A task has no document of its own: it is shown with its project.
    owned = [
        (("project", each["key"].split("/")[0]) if each["kind"] == "task" else (each["kind"], each["key"]))
        for each in found
    ]
    named = await titles(tx, owned)
    return [
        Hit(
            kind,
            key,
            named[kind, key],
            f"an earlier id in {each['connection']}" if each["alias"] else f"its id in {each['connection']}",
        )
        for (kind, key), each in zip(owned, found, strict=True)
    ]


async def _time_entries(tx: Tx, written: list[str]) -> list[Hit]:
    ids = [each.split("/")[-1] for each in written]
    found = await rows(
        tx,
        """
        select t.connection, t.source_id, t.person, t.work_date, t.minutes
        from connection c join time_entry t on t.connection = c.name and t.source_id = any(%(ids)s)
        where t.source_id = any(%(w)s) or t.connection || '/' || t.source_id = any(%(w)s) order by 1, 2
        """,
        {"ids": ids, "w": written},
    )
    return [
        Hit(
            "time_entry",
            f"{each['connection']}/{each['source_id']}",
            f"{each['person']}, {each['work_date']}, {each['minutes']} min",
            f"its id in {each['connection']}",
        )
        for each in found
    ]


async def _readings(tx: Tx, text: str) -> list[Hit]:
    source, _, rest = text.partition("/")
    found = await rows(
        tx,
        """
        select source, source_id, meter, trim_scale(quantity) as quantity, unit, day from usage_reading
        where source_id = %(text)s or (source = %(source)s and source_id = %(rest)s) order by 1, 2 limit 50
        """,
        {"text": text, "source": source, "rest": rest},
    )
    return [
        Hit(
            "reading",
            f"{each['source']}/{each['source_id']}",
            f"{each['quantity']} {each['unit']} of {each['meter']}, {each['day']}",
            f"its id in {each['source']}",
        )
        for each in found
    ]


async def _runs_and_effects(tx: Tx, text: str) -> list[Hit]:
    hits: list[Hit] = []
    run = await row(tx, "select id, flow, subject from run where id = %s", (text,))
    if run is not None:
        hits.append(Hit("run", run["id"], f"{run['flow']} · {run['subject']}", "its id"))
    effect = await row(tx, "select key, operation, subject, connection from effect where key = %s", (text.lower(),))
    if effect is not None:
        title = f"{effect['operation']} {effect['subject']} in {effect['connection']}"
        hits.append(Hit("effect", effect["key"], title, "its key"))
    return hits


async def _records(tx: Tx, written: list[str]) -> list[Hit]:
    """Records that arrived and that no document knows yet: held before they became one."""
    found = await rows(
        tx,
        """
        select c.connection, c.kind, m.record_id
        from cursor c cross join unnest(%s::text[]) w(id) join lateral (
          select record_id from message where connection = c.connection and kind = c.kind and record_id = w.id limit 1
        ) m on true order by 1, 2
        """,
        (written,),
    )
    return [
        Hit(
            "record",
            f"{each['connection']}/{each['kind']}/{each['record_id']}",
            f"{each['kind']} {each['record_id']}",
            f"its id in {each['connection']}",
        )
        for each in found
    ]


async def _names(tx: Tx, text: str) -> list[Hit]:
    if len(text) < 3:
        return []
    found = await rows(
        tx,
        """
        select kind, key, name from (
          select distinct on (kind, key) kind, key, body->>'name' as name from document
          where kind in ('customer', 'engagement', 'project', 'person') order by kind, key, version desc
        ) newest where position(lower(%s) in lower(name)) > 0 order by kind, name limit 20
        """,
        (text,),
    )
    return [Hit(each["kind"], each["key"], each["name"], "its name") for each in found]
