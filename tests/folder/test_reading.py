"""YAML is read as what stands there; what a reviewer would stumble over is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tieout.folder.reading import Sheet, read


def sheet(folder: Path, content: str | bytes) -> Sheet:
    data = content.encode() if isinstance(content, str) else content
    (folder / "x.yaml").write_bytes(data)
    return read(folder, "x.yaml")


def told(folder: Path, content: str | bytes) -> list[str]:
    return [str(each) for each in sheet(folder, content).findings]


def test_scalars_stay_texts_and_only_nothing_is_nothing(tmp_path: Path) -> None:
    found = sheet(tmp_path, "a: 1\nb: 2026-01-01\nc: no\nd: ~\ne: ''\nf: null\ng:\nh: 'null'\ni: [1.10, {j: 0x1F}]\n")
    assert found.findings == []
    assert found.data == {
        "a": "1",
        "b": "2026-01-01",
        "c": "no",
        "d": None,
        "e": "",
        "f": None,
        "g": None,
        "h": "null",
        "i": ["1.10", {"j": "0x1F"}],
    }


def test_every_value_has_its_line_and_what_is_missing_has_its_parents(tmp_path: Path) -> None:
    found = sheet(tmp_path, "a:\n  b:\n    - c: 1\n      d: 2\n")
    assert found.line(("a", "b", 0, "d")) == 4
    assert found.line(("a", "b", 0, "missing")) == 3
    assert found.line(("elsewhere",)) == 1


def test_a_name_that_stands_twice_would_silently_lose_the_first(tmp_path: Path) -> None:
    assert told(tmp_path, "rates:\n  Partner: 1\n  Partner: 2\n") == [
        "x.yaml:3: rates.Partner: stands here twice, first in line 2. Keep one."
    ]


def test_aliases_are_written_out(tmp_path: Path) -> None:
    assert told(tmp_path, "a: &x {b: 1}\nc: *x\n") == [
        "x.yaml:1: c: repeats another place by an alias (*). Write it out."
    ]
    assert len(told(tmp_path, "a: &x [*x, *x]\n")) == 2


def test_tags_are_left_out(tmp_path: Path) -> None:
    assert told(tmp_path, "a: !!python/object/apply:os.system [ls]\nb: !env PASSWORD\n") == [
        "x.yaml:1: a: carries the tag !!python/object/apply:os.system. Leave the tag out.",
        "x.yaml:2: b: carries the tag !env. Leave the tag out.",
    ]


def test_a_name_is_a_text(tmp_path: Path) -> None:
    assert told(tmp_path, "? [a, b]\n: 1\n") == ["x.yaml:1: has a name that is not a text. Write `name: value`."]


@pytest.mark.parametrize(
    ("content", "place", "hint"),
    [
        ("a: 'b\nc: d\n", "x.yaml:1: is not YAML: while scanning a quoted scalar", "quotes"),
        (
            "a: b: c\n",
            "x.yaml:1: is not YAML: mapping values are not allowed",
            "Put a text that contains a colon into quotes.",
        ),
        (
            "a:\n\tb: 1\n",
            "x.yaml:2: is not YAML: while scanning for the next token",
            "Indent with blanks, not with tabs.",
        ),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: is not YAML: expected a single document", "remove the line ---"),
        ("a: 1\n b: 2\n", "x.yaml:2: is not YAML:", "quotes"),
    ],
)
def test_what_is_not_yaml_is_told_with_its_line_and_a_hint(tmp_path: Path, content: str, place: str, hint: str) -> None:
    (line,) = told(tmp_path, content)
    assert line.startswith(place)
    assert hint in line


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    assert told(tmp_path, b"name: Kestr\xe9l\n") == ["x.yaml: is not text in UTF-8. Save the file as UTF-8."]
    assert "is not YAML: unacceptable character" in told(tmp_path, "name: \x00\n")[0]


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert sheet(tmp_path, b"\xef\xbb\xbfname: Kestrel\n").data == {"name": "Kestrel"}


@pytest.mark.parametrize(
    ("content", "found"), [("", "is empty"), ("# later\n", "is empty"), ("- a\n", "is not a list of names")]
)
def test_a_file_holds_names_with_values(tmp_path: Path, content: str, found: str) -> None:
    assert told(tmp_path, content)[0].startswith(f"x.yaml:1: {found}")


def test_a_file_that_cannot_be_opened_is_told_and_not_raised(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").mkdir()
    assert [str(each) for each in read(tmp_path, "x.yaml").findings] == [
        "x.yaml: cannot be read: Is a directory. Make the file readable for Tieout."
    ]
