"""Reads rules for holds from a text that is in no folder yet: to try them before somebody writes them down."""

from __future__ import annotations

from typing import Any, cast

from pydantic import ValidationError

from tieout.domain.consistency import faults
from tieout.domain.firm import Firm
from tieout.domain.routing import HoldRules
from tieout.folder.finding import Finding, UnusableFolder
from tieout.folder.reading import understood
from tieout.folder.wording import refusals


def hold_rules(text: str, firm: Firm) -> HoldRules:
    """The rules of a text, with or without `holds:` above them. Raises UnusableFolder with every mistake and its line."""
    sheet = understood("the rules", text)
    if sheet.findings:
        raise UnusableFolder(sheet.findings)
    data = cast("dict[str, Any]", sheet.data)
    at: tuple[str, ...] = ("holds",) if set(data) == {"holds"} else ()
    try:
        rules = HoldRules.model_validate(data["holds"] if at else data)
    except ValidationError as wrong:
        found = [(each.path, each.what, each.fix) for each in refusals(wrong, HoldRules)]
        raise UnusableFolder([_finding(sheet.line((*at, *path)), *rest, path=path) for path, *rest in found]) from wrong
    wrong = [each for each in faults(firm.model_copy(update={"holds": rules})) if each.path[0] == "holds"]
    if wrong:
        raise UnusableFolder(
            [_finding(sheet.line((*at, *each.path[1:])), each.what, each.fix, path=each.path[1:]) for each in wrong]
        )
    return rules


def _finding(line: int | None, what: str, fix: str, *, path: tuple[str | int, ...]) -> Finding:
    return Finding("the rules", line, path, what, fix)
