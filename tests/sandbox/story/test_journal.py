"""The journal remembers over a restart what was done, and nothing that was not written to the end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tieout.sandbox.story.journal import Journal


def clock() -> datetime:
    return datetime(2026, 10, 1, 9, 30, tzinfo=UTC)


def test_an_act_is_a_sentence_with_its_record(tmp_path: Path) -> None:
    journal = Journal(None, clock)
    act = journal.write("deal/x/won", "Margaret Osei", "won", "Globex Data Foundation", "Salesforce", "006A")
    assert act.sentence == "2026-10-01 Margaret Osei won Globex Data Foundation"
    assert act.shown()["id"] == "006A"
    assert journal.done("deal/x/won") is act
    assert journal.done("deal/y/won") is None


def test_a_restarted_journal_knows_what_was_done(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = Journal(path, clock)
    first.write("a", "Jürgen Weiß", "booked", "7:40 h", "Kantata")
    first.write("b", "Jürgen Weiß", "submitted", "5 entries", "Kantata")
    again = Journal(path, clock)
    assert again.acts == first.acts
    assert again.counts() == {"booked": 1, "submitted": 1}


def test_a_line_that_was_cut_off_never_happened(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, clock).write("a", "Jürgen Weiß", "booked", "7:40 h", "Kantata")
    with path.open("a") as file:
        file.write('{"key": "b", "at": "2026-')
    journal = Journal(path, clock)
    assert journal.done("b") is None
    journal.write("b", "Jürgen Weiß", "submitted", "5 entries", "Kantata")
    assert [each.key for each in Journal(path, clock).acts] == ["a", "b"]
