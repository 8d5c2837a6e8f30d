"""Every trap of the field is in docs/traps.md, with a test that exists or with a word why not."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TABLE = (TESTS.parent / "docs" / "traps.md").read_text()
# T01 to T54 are of the business; of the mechanics (T55 and later) the fault benches are the proof.
TRAPS = [f"T{number:02}" for number in range(1, 55)]
ROWS = {row[4:7]: row for row in TABLE.splitlines() if row.startswith("| **T")}


@cache
def names_of(path: str) -> set[str]:
    tree = ast.parse((TESTS / path).read_text())
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_trap_stands_in_the_table_once_and_in_order() -> None:
    assert re.findall(r"^\| \*\*(T\d\d)\*\*", TABLE, re.MULTILINE) == TRAPS


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_names_tests_that_exist_or_says_why_it_has_none(trap: str) -> None:
    *_, case, does, proof, _ = ROWS[trap].split("|")
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", proof)
    assert case.strip()
    assert does.strip()
    assert named or re.search(r"\*No test:\* \w+", proof), f"{trap} has no test and does not say why"
    for path, name in named:
        assert (TESTS / path).is_file(), f"{trap}: tests/{path} does not exist"
        assert name in names_of(path), f"{trap}: tests/{path} has no {name}"
