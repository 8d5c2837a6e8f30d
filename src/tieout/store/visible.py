"""What a reader with a scope sees of each table: one rule for each, in terms of its row `x` and the reader's entities `:mine`.

What belongs to no legal entity yet, or to several at once, is seen by those who see all. `tieout_scoped.…` is what the
reader sees of another table, which stands above in the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

ALL: LiteralString = "true"
NOTHING: LiteralString = "false"
_OWN: LiteralString = "x.entity = any(:mine)"
_RUN: LiteralString = "exists (select from tieout_scoped.run r where r.id = x.run_id)"
_HOLD: LiteralString = "exists (select from tieout_scoped.hold h where h.id = x.hold_id)"
_INVOICE: LiteralString = "exists (select from tieout_scoped.invoice i where i.key = x.invoice)"
_PROJECT: LiteralString = "exists (select from tieout_scoped.project p where p.engagement = x.engagement)"
_DOCUMENT: LiteralString = "exists (select from tieout_scoped.document d where d.kind = x.kind and d.key = x.key)"
_TASK: LiteralString = "exists (select from tieout_scoped.project_task t where t.key = x.key)"
_ENTRY: LiteralString = (
    "exists (select from tieout_scoped.time_entry t where t.connection = x.connection and t.source_id = x.source_id)"
)
_EXPENSE: LiteralString = (
    "exists (select from tieout_scoped.expense t where t.connection = x.connection and t.source_id = x.source_id)"
)
_READING: LiteralString = (
    "exists (select from tieout_scoped.usage_reading t where t.source = x.source and t.source_id = x.source_id)"
)
# A system of every entity is everybody's to see; what came through it is not.
_CONNECTION: LiteralString = "exists (select from tieout_scoped.connection c where c.name = x.connection)"
_OWN_CONNECTION: LiteralString = (
    "exists (select from tieout_scoped.connection c where c.name = x.connection and c.entity is not null)"
)

# Table or view → which of its rows a reader with a scope sees.
VISIBLE: Mapping[str, LiteralString] = {
    "legal_entity": "x.code = any(:mine)",
    "connection": "x.entity is null or " + _OWN,
    "project": _OWN,
    "project_task": "exists (select from tieout_scoped.project p where p.key = x.project)",
    "document": _OWN
    + " or (x.entity is null and "
    + _PROJECT
    + ") or (x.kind = 'person' and x.body ->> 'legal_entity' = any(:mine))",
    "run": _OWN,
    "step": _RUN,
    "effect": _OWN,
    "hold": _OWN,
    "hold_event": _HOLD,
    "hold_question": _HOLD,
    "approval": _OWN,
    "override": _DOCUMENT,
    "invoice": _OWN,
    "consolidated_invoice": _OWN,
    "invoice_line": _INVOICE,
    "evidence": _INVOICE,
    "payment": _INVOICE,
    "decision": """
        exists (select from tieout_scoped.run r where r.subject = x.subject)
        or exists (select from tieout_scoped.invoice i where i.key = x.subject)
    """,
    "time_entry": _OWN,
    "time_entry_version": _ENTRY,
    "time_batch": _OWN,
    "expense": _OWN,
    "expense_version": _EXPENSE,
    "usage_reading": _OWN,
    "usage_version": _READING,
    "usage_evidence": _READING,
    "billable_event": _OWN,
    "piece": _OWN,
    "unbilled": _OWN,
    "work_value": _OWN,
    "contract_shown": _PROJECT + " and " + _CONNECTION,
    "crosswalk": _CONNECTION + " and (" + _DOCUMENT + " or " + _TASK + ")",
    "shown_name": _CONNECTION + " and " + _DOCUMENT,
    "milestone": """
        exists (select from tieout.crosswalk c join tieout_scoped.project p on p.key = c.key
                where c.connection = x.connection and c.kind = 'project' and c.record_id = x.project_ref)
    """,
    "message": _OWN_CONNECTION + " or " + _RUN,
    # Counted by connection: what several entities share cannot be taken apart.
    "intake": _OWN_CONNECTION,
    "conservation": _OWN_CONNECTION,
    "bell": _OWN_CONNECTION,
    "cursor": _CONNECTION,
    "cursor_mark": _CONNECTION,
    "pace": _CONNECTION,
    "pace_process": _CONNECTION,
    "pace_hour": _CONNECTION,
    "work_hour": "x.connection = '' or " + _CONNECTION,
    "value_row": """
        (x.entity = '*' or x.entity = any(:mine))
        and not exists (select from tieout.legal_entity l where l.code = x.value and l.code <> all(:mine))
    """,
    "plan": """
        exists (select from tieout.plan_item i where i.plan = x.id) and not exists (
          select from tieout.plan_item i where i.plan = x.id
            and not exists (select from tieout_scoped.run r where r.id = i.run_id))
    """,
    "plan_item": "exists (select from tieout_scoped.plan p where p.id = x.plan)",
    # What an entry of the log is about, by the first letter of its number, or the key of what was billed.
    "audit": """
        case when x.object ~ '^[AHOPQ]-[0-9]{1,18}$' then case left(x.object, 1)
            when 'A' then exists (select from tieout_scoped.approval o where o.id = substr(x.object, 3)::bigint)
            when 'H' then exists (select from tieout_scoped.hold o where o.id = substr(x.object, 3)::bigint)
            when 'O' then exists (select from tieout_scoped.override o where o.id = substr(x.object, 3)::bigint)
            when 'P' then exists (select from tieout_scoped.plan o where o.id = substr(x.object, 3)::bigint)
            else exists (select from tieout_scoped.hold_question o where o.id = substr(x.object, 3)::bigint)
          end
          else exists (select from tieout_scoped.invoice i where i.key = x.object)
            or exists (select from tieout_scoped.consolidated_invoice c where c.key = x.object)
            or exists (select from tieout_scoped.project p where p.engagement = x.object)
        end
    """,
    "access_token": "x.entities <@ :mine",
    "access_session": ALL,
    "idempotent_request": ALL,
    # A limit of a customer or a purchase order counts what every entity bills beneath it.
    "span": NOTHING,
    # A bill of a lender may stand for work of several.
    "lender_bill": NOTHING,
    "lender_bill_entry": _ENTRY,
    "notice": NOTHING,
    "notice_message": NOTHING,
    # Who stands in for whom is the firm's to know; nothing of any book is in it.
    "delegation": ALL,
    "channel": ALL,
    "worker": ALL,
    "memory": ALL,
    # Its content is narrowed where the views are laid.
    "firm_version": ALL,
    "schema_version": ALL,
}
