"""Lays the views that a reader with a scope sees in place of the tables: made anew with every change of rules or tables."""

from __future__ import annotations

import hashlib
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from tieout.store.visible import NOTHING, VISIBLE

Connection = psycopg.Connection[Any]

# Asked once a statement, not once a row.
_MINE: LiteralString = "(select tieout_scoped.mine())::text[]"
_BASE: LiteralString = """
  create schema tieout_scoped;
  create function tieout_scoped.mine() returns text[] language sql stable parallel safe as $$
    select coalesce(string_to_array(nullif(current_setting('tieout.scope', true), ''), ','), '{}')
  $$;
  create function tieout_scoped.within(listed jsonb) returns jsonb language sql stable parallel safe as $$
    select coalesce(jsonb_agg(each order by place), '[]')
    from jsonb_array_elements(coalesce(listed, '[]')) with ordinality listed(each, place)
    where coalesce(each ->> 'entity', '') in ('', '*') or each ->> 'entity' = any(tieout_scoped.mine())
  $$;
"""
# Of the firm folder's content, the parts of which each may be one legal entity's.
_FIRM: LiteralString = """
  create view tieout_scoped.firm_version as select version, fingerprint, applied_by, applied_at, content
    || jsonb_build_object('rate_cards', tieout_scoped.within(content -> 'rate_cards'))
    || case when content -> 'holds' is null then '{}' else jsonb_build_object(
         'holds', content -> 'holds' || jsonb_build_object('rules', tieout_scoped.within(content -> 'holds' -> 'rules'))) end
    as content
  from tieout.firm_version
"""
_TABLES: LiteralString = """
  select relname from pg_class where relnamespace = 'tieout'::regnamespace and relkind in ('r', 'p', 'v') order by 1
"""
_COLUMNS: LiteralString = """
  select c.relname, a.attname, a.atttypid::text from pg_class c join pg_attribute a on a.attrelid = c.oid
  where c.relnamespace = 'tieout'::regnamespace and c.relkind in ('r', 'p', 'v') and a.attnum > 0 and not a.attisdropped
  order by 1, a.attnum
"""
_FUNCTIONS: LiteralString = """
  select pg_get_functiondef(oid) from pg_proc
  where pronamespace = 'tieout'::regnamespace and prorettype <> 'trigger'::regtype order by oid
"""


def laid(connection: Connection) -> bool:
    """Whether the views are those of this Tieout, on the tables as they are now."""
    found = connection.execute(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'tieout_scoped'"
    ).fetchone()
    return found is not None and found[0] == _fingerprint(connection)


def unlay(connection: Connection) -> None:
    """Takes the views away, so that the tables beneath can be changed: a reader with a scope finds nothing meanwhile."""
    connection.execute("drop schema if exists tieout_scoped cascade")


def lay(connection: Connection) -> None:
    """Makes a view for every table, in the caller's transaction; one without a rule has no rows."""
    unlay(connection)
    connection.execute(_BASE)
    there = [str(name) for (name,) in connection.execute(_TABLES)]
    for name in (*(each for each in VISIBLE if each in there), *(each for each in there if each not in VISIBLE)):
        if name == "firm_version":
            connection.execute(_FIRM)
            continue
        view = sql.SQL("create view tieout_scoped.{0} as select x.* from tieout.{0} x where ").format(
            sql.Identifier(name)
        )
        rule = VISIBLE.get(name, NOTHING).replace(":mine", _MINE)
        connection.execute(sql.Composed([view, sql.SQL(rule)]))
    # The tables' own schema is out of a scoped reader's sight, and the functions in it too.
    for (made,) in connection.execute(_FUNCTIONS).fetchall():
        connection.execute(made.replace(" FUNCTION tieout.", " FUNCTION tieout_scoped.", 1).encode())
    connection.execute(sql.SQL("comment on schema tieout_scoped is {}").format(sql.Literal(_fingerprint(connection))))


def _fingerprint(connection: Connection) -> str:
    """Of the rules, and of every column and function that they stand on."""
    beneath = [connection.execute(each).fetchall() for each in (_COLUMNS, _FUNCTIONS)]
    rules = [(name, str(rule)) for name, rule in VISIBLE.items()]
    return hashlib.sha256(
        repr((_BASE, _FIRM, rules, [[tuple(each) for each in found] for found in beneath])).encode()
    ).hexdigest()
