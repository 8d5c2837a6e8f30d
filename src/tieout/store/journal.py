"""The journal of effects: looks, claims and receipts, each for any number of effects in one statement."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Json

from tieout.store.database import Tx, rows
from tieout.store.memory import Gap, Memory


@dataclass(frozen=True, slots=True)
class Standing:
    """An effect before it is made: its row, whether its connection is paused, and what the database knows of its memory."""

    stored: dict[str, Any] | None
    paused: bool
    memory: Memory


@dataclass(frozen=True, slots=True)
class Contents:
    """What a subject was told by one operation so far.

    `newest` is the content last wanted, whatever became of it; `count` how many there were; `open` those of them (version,
    state, attempts, planned_at, sent_at) that may still be on their way: all but what was answered the first time.
    """

    newest: Standing
    count: int
    open: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Claim:
    """What is about to be sent, by a run that may send it as long as `worker` has it in this `generation`.

    `before` is (state, attempts) as the effect was when it was looked at, None when it was not there: whoever finds another
    one was overtaken. `fenced` off claims all the same. `forget` says that what a person answered about the sending before
    does not count for this one.
    """

    key: str
    connection: str
    operation: str
    guarantee: str
    subject: str
    version: str
    run_id: str
    request: bytes
    now: datetime
    entity: str | None = None
    engagement: str | None = None
    state: str = "sent"
    generation: int = 0
    worker: str = ""
    before: tuple[str, int] | None = None
    fenced: bool = True
    forget: bool = True


@dataclass(frozen=True, slots=True)
class Received:
    """The proof that an effect is true; its target is searched once more at `look_again_at`."""

    key: str
    receipt: Mapping[str, Any]
    now: datetime
    look_again_at: datetime | None = None


_KNOWN = """
  with m as materialized (
    select timeline <> server_timeline() as "_moved", gap_since as "_since", gap_until as "_until" from memory
  )"""


async def look(tx: Tx, wanted: Sequence[tuple[str, str]]) -> list[Standing]:
    """How effects stand, by (key, connection), in the order in which they are asked for."""
    found = await rows(
        tx,
        f"""
        {_KNOWN}
        select e.*, coalesce(c.state = 'paused', false) as "_paused", m.* from m
        cross join unnest(%s::text[], %s::text[]) with ordinality w(key, connection, position)
        left join connection c on c.name = w.connection left join effect e on e.key = w.key
        order by w.position
        """,  # noqa: S608 - a literal of this module
        ([key for key, _ in wanted], [connection for _, connection in wanted]),
    )
    return [_standing(each) for each in found]


async def contents(tx: Tx, wanted: Sequence[tuple[str, str, str]]) -> list[Contents]:
    """What subjects were told so far, by (connection, operation, subject), in the order in which they are asked for."""
    found = await rows(
        tx,
        f"""
        {_KNOWN}
        select e.*, coalesce(c.state = 'paused', false) as "_paused", m.*, told."_count", told."_open" from m
        cross join unnest(%s::text[], %s::text[], %s::text[]) with ordinality w(connection, operation, subject, position)
        left join connection c on c.name = w.connection
        cross join lateral (
          select count(*) as "_count", jsonb_agg(jsonb_build_object('version', o.version, 'state', o.state,
                   'attempts', o.attempts, 'planned_at', o.planned_at, 'sent_at', o.sent_at))
                   filter (where o.attempts > 1 or o.state not in ('done', 'refused')) as "_open"
          from effect o where o.connection = w.connection and o.operation = w.operation and o.subject = w.subject
        ) told
        left join lateral (
          select * from effect n where n.connection = w.connection and n.operation = w.operation and n.subject = w.subject
            and n.state <> 'superseded' order by n.version desc limit 1
        ) e on told."_count" > 0
        order by w.position
        """,  # noqa: S608 - a literal of this module
        tuple([each[part] for each in wanted] for part in range(3)),
    )
    return [Contents(newest=_standing(each), count=each["_count"], open=_open(each["_open"])) for each in found]


async def claim(tx: Tx, claims: Sequence[Claim]) -> list[bool]:
    """Writes down what is about to be sent, before it is; False for what was overtaken, and for whom the run was taken from.

    Each key once. An effect that was refused or is to be sent again keeps its key. The runs stay locked until the transaction
    ends: nobody takes one over between the claim and its commit.
    """
    asked = [
        {
            "key": each.key, "connection": each.connection, "operation": each.operation, "guarantee": each.guarantee,
            "subject": each.subject, "version": each.version, "run_id": each.run_id, "entity": each.entity,
            "engagement": each.engagement, "request": b64encode(each.request).decode(), "state": each.state,
            "now": each.now.isoformat(), "generation": each.generation, "worker": each.worker,
            "was": each.before and each.before[0], "tries": each.before and each.before[1], "fenced": each.fenced,
            "forget": each.forget,
        }
        for each in claims
    ]  # fmt: skip
    found = await rows(
        tx,
        """
        with c as materialized (
          select * from json_to_recordset(%(claims)s) as c(key text, connection text, operation text, guarantee text,
            subject text, version text, run_id text, entity text, engagement text, request text, state text, now timestamptz,
            generation integer, worker text, was text, tries integer, fenced boolean, forget boolean)
        ), mine as materialized (
          select id, generation, worker from run where id = any(%(runs)s) and state = 'running' order by id for update
        )
        insert into effect (key, connection, operation, guarantee, subject, version, run_id, entity, engagement, request,
                            state, planned_at, sent_at)
        select key, connection, operation, guarantee, subject, version, run_id, entity, engagement, decode(request, 'base64'),
               state, now, now
        from c
        where (worker = '' or exists (
                select from mine m where m.id = c.run_id and m.generation = c.generation and m.worker = c.worker))
          and (was is null or not fenced or exists (select from effect e where e.key = c.key))
        order by key
        on conflict (key) do update set state = excluded.state, request = excluded.request, sent_at = excluded.sent_at,
               run_id = excluded.run_id, attempts = effect.attempts + 1, detail = '',
               answered = case when (select forget from c where c.key = excluded.key) then null else effect.answered end
        where exists (select from c where c.key = excluded.key and (
                not c.fenced or (c.was = effect.state and c.tries = effect.attempts)))
        returning key
        """,
        {"claims": Json(asked), "runs": sorted({each.run_id for each in claims if each.worker})},
    )
    claimed = {each["key"] for each in found}
    return [each.key in claimed for each in claims]


async def receive(tx: Tx, proofs: Sequence[Received]) -> list[Mapping[str, Any] | None]:
    """Writes receipts down, each key once. None for each that is written; the first receipt of an effect stays, and is told."""
    told = [
        {"key": each.key, "receipt": each.receipt, "now": each.now.isoformat(), "again": each.look_again_at}
        for each in proofs
    ]
    found = await rows(
        tx,
        """
        with d as materialized (
          select * from json_to_recordset(%s) as d(key text, receipt jsonb, now timestamptz, again timestamptz) order by key
        )
        update effect e set state = 'done', settled_at = d.now, receipt = d.receipt, detail = '', look_again_at = d.again
        from d where e.key = d.key and (e.state <> 'done' or e.receipt is null)
        returning e.key
        """,
        (Json(told),),
    )
    written = {each["key"] for each in found}
    before = [each.key for each in proofs if each.key not in written]
    first = await _receipts(tx, before) if before else {}
    return [first.get(each.key) for each in proofs]


async def _receipts(tx: Tx, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    found = await rows(tx, "select key, receipt from effect where key = any(%s)", (list(keys),))
    return {each["key"]: each["receipt"] for each in found}


def _standing(found: Mapping[str, Any]) -> Standing:
    memory = Memory(found["_moved"], Gap(found["_since"], found["_until"]) if found["_since"] else None)
    stored = {name: value for name, value in found.items() if not name.startswith("_")}
    return Standing(stored if found["key"] else None, found["_paused"], memory)


def _open(told: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    moments = ("planned_at", "sent_at")
    return [{**each, **{name: datetime.fromisoformat(each[name]) for name in moments}} for each in told or ()]
