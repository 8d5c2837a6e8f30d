"""What goes to the timesheets, by person: see the SQL file of the same name."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
