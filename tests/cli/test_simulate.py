"""`tieout simulate` writes files and says what it made."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Tieout

from tieout.cli.exits import Exit


def test_it_prints_one_document_with_counts_and_money_per_currency(tieout: Tieout, tmp_path: Path) -> None:
    said = tieout(
        "simulate", "--consultants", "5", "--seed", "3", "--to", str(tmp_path / "firm"), "--format", "csv", "--json"
    )
    assert said.code == Exit.OK
    assert set(said.document["approved"]) == {"EUR", "USD"}
    written = (tmp_path / "firm" / "time_entries.csv").read_text().splitlines()
    assert said.document["states"]["total"] == len(written) - 1
    assert tieout("simulate", "--consultants", "5", "--seed", "3").document == said.document
