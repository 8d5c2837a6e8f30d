"""A pack is made on one machine and checked on another, which has no hub."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.cli.conftest import Tieout

from tieout.cli.exits import Exit
from tieout.testing.books import Books
from tieout.testing.database import opened


@pytest.fixture
def sold(on_database: Tieout, database_url: str) -> Tieout:
    async def sell() -> None:
        async with opened(database_url) as database:
            books = Books(database)
            await books.open()
            deal = await books.deal(1)
            await books.time(deal, [("t1", 1, 90), ("t2", 2, 60)])
            await books.posted(deal, await books.proposal(deal), "2026-0001")

    asyncio.run(sell())
    return on_database


def test_a_pack_is_written_and_checked_and_one_changed_byte_ends_with_1(
    sold: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pack.zip"
    made = sold("evidence", "2026-0001", "--line", "2", "--for", "finance", "-o", str(file), "--as", "anna", "--json")
    assert made.code == Exit.OK, made.err
    monkeypatch.setenv("TIEOUT_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nowhere")
    good = sold("verify", str(file), "--json")
    assert good.code == Exit.OK
    assert good.document == {
        "invoice": "2026-0001", "lines": 1, "entries": 1, "audit_entries": 1, "seal": made.document["seal"], "made_by": "anna",
    }  # fmt: skip
    assert "every sum" in sold("verify", str(file)).out
    file.write_bytes(file.read_bytes().replace(b'"minutes": 60', b'"minutes": 61'))
    bad = sold("verify", str(file))
    assert bad.code == Exit.PROBLEM
    assert "evidence.json" in bad.err


def test_a_role_that_is_none_and_an_invoice_that_is_not_there_are_said(sold: Tieout, tmp_path: Path) -> None:
    assert sold("evidence", "2026-0001", "--for", "boss").code == Exit.USAGE
    missing = sold("evidence", "2026-0009", "-o", str(tmp_path / "pack.zip"))
    assert (missing.code, "no invoice '2026-0009'" in missing.err) == (Exit.PROBLEM, True)
    assert sold("verify", str(tmp_path / "pack.zip")).code == Exit.USAGE
