"""The shape of the house: names, sizes and one-sentence module docstrings."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "tieout"
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


def test_the_page_about_the_architecture_shows_the_layers_that_are_checked() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each["type"] == "layers"]
    (drawn,) = [line for line in page.splitlines() if line.startswith("cli →")]
    assert drawn.split(" → ") == layers


def test_the_page_about_the_architecture_names_files_that_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) > 10
    for rooms, _, first in rows:
        for room in re.findall(r"`([^`]+)`", rooms):
            assert (SOURCE / room).exists(), room
        for file in re.findall(r"`([^`]+)`", first):
            assert all((SOURCE / room / file).exists() for room in re.findall(r"`([^`]+/)`", rooms)), (rooms, file)
