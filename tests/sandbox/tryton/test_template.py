"""The cached ERP is made again whenever what furnishes it has changed."""

from __future__ import annotations

import ast
from pathlib import Path

from tieout.sandbox.tryton import template

_HOME = Path(template.__file__).parent
# What starts and installs programs, and furnishes nothing.
_MACHINERY = {"environment", "process"}


def neighbours(module: str) -> set[str]:
    """The modules of the room that one of them imports, by name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((_HOME / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tieout.sandbox.tryton"):
            _, _, name = node.module.partition("tieout.sandbox.tryton.")
            found |= {name} if name else {each.name for each in node.names}
    return found


def test_whatever_furnishes_the_erp_is_part_of_its_fingerprint() -> None:
    furnishing = set[str]().union(*map(neighbours, template.FOUNDERS)) - _MACHINERY
    assert {"billing", "founding", "staffing", "rights"} <= furnishing
    assert furnishing <= set(template.FOUNDERS)
