"""The shape of the house: names, sizes and one-sentence module docstrings."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "tieout"
MODULES = sorted(SOURCE.rglob("*.py"))
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "core", "base", "manager", "service", "misc"}
LONGEST = 400
# A module that is longer has its reason here.
LONGER: dict[str, str] = {
    "domain/problems.py": "the catalogue of problems is one list, read and compared as a whole",
}


def name_of(module: Path) -> str:
    return str(module.relative_to(SOURCE))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_opens_with_a_sentence_that_says_why_it_exists(module: Path) -> None:
    docstring = ast.get_docstring(ast.parse(module.read_text()))
    assert docstring, f"{name_of(module)} has no docstring"
    first = docstring.split("\n\n")[0]
    assert first.rstrip().endswith((".", "?", ":")), (
        f"{name_of(module)}: the first paragraph is not a sentence: {first!r}"
    )


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_has_a_business_name_and_a_readable_size(module: Path) -> None:
    assert not FORBIDDEN & set(module.relative_to(SOURCE).with_suffix("").parts)
    lines = len(module.read_text().splitlines())
    assert lines <= LONGEST or name_of(module) in LONGER, f"{name_of(module)} has {lines} lines"
