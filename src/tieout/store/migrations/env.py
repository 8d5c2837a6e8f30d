"""Runs the migrations: plain SQL files in one line, under a lock, so that two starting processes do not race."""

from __future__ import annotations

from typing import cast

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from tieout.store import views

_LOCK = 7_316_842_001


def run() -> None:
    url = make_url(context.config.attributes["url"]).set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("create schema if not exists tieout"))
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.execute(text("set search_path to tieout"))
        connection.commit()
        context.configure(connection=connection, version_table="schema_version", version_table_schema="tieout")
        with context.begin_transaction():
            if not _newest():
                views.unlay(_beneath(connection))
            context.run_migrations()
            if _newest() and not views.laid(_beneath(connection)):
                views.lay(_beneath(connection))


def _newest() -> bool:
    return context.get_context().get_current_revision() == context.get_head_revision()


def _beneath(connection: Connection) -> views.Connection:
    return cast(views.Connection, connection.connection.driver_connection)


run()
