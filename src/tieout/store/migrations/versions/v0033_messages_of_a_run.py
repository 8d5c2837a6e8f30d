"""All messages of a run by one index: those that are over were looked for among all there are, by every run that had none."""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.execute("drop index message_by_run")
    op.execute("create index message_by_run on message (run_id) where run_id is not null")
