"""An effect has one key: see the SQL file of the same name."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.execute(Path(__file__).with_suffix(".sql").read_text())
