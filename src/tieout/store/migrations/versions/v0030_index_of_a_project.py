"""No index of entries by project: that of the engagement finds them, and each entry is written twice."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.execute("drop index time_entry_by_project")
