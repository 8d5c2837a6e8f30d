"""Reads a YAML file as text with line numbers: what a scalar means is decided by the field it is for.

So `420.10` is exactly 420.10 and never a float, `0410` keeps its zero, and Norway's `NO` is not false.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, cast

import yaml

from tieout.domain.consistency import Path
from tieout.folder.finding import Finding

_NOTHING = ("", "~", "null")
_BRACKET = re.compile(r"[\[\]{}]")
_DEEPEST = 100
_STANDARD = "tag:yaml.org,2002:"
# What YAML itself calls things that carry no tag.
_PLAIN = {
    _STANDARD + each for each in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
}


@dataclass(slots=True)
class Sheet:
    """One file: mappings, lists, texts and None; the line of every value; and what could not be read."""

    file: str
    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict[Path, int])
    findings: list[Finding] = field(default_factory=list[Finding])

    def line(self, path: Path) -> int | None:
        """The line of the value, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def fault(self, path: Path, what: str, fix: str, line: int | None = None) -> None:
        self.findings.append(Finding(self.file, line or self.line(path), path, what, fix))


def read(root: FilePath, file: str) -> Sheet:
    """The file `file` of the folder `root`. What is wrong with it stands in the sheet's findings; nothing is raised."""
    sheet = Sheet(file)
    try:
        text = (root / file).read_bytes().decode("utf-8-sig")
    except OSError as wrong:
        sheet.fault((), f"cannot be read: {wrong.strerror}", "Make the file readable for Tieout.")
    except UnicodeDecodeError:
        sheet.fault((), "is not text in UTF-8", "Save the file as UTF-8.")
    else:
        return understood(file, text)
    return sheet


def understood(file: str, text: str) -> Sheet:
    """The same for a text that is no file yet; `file` is what its findings call it."""
    sheet = Sheet(file)
    if _depth(text) > _DEEPEST:
        sheet.fault((), "is nested deeper than anybody can read", "Leave levels out.")
        return sheet
    try:
        node = cast("yaml.Node | None", yaml.compose(text, Loader=yaml.SafeLoader))  # pyright: ignore[reportUnknownMemberType]
    except yaml.MarkedYAMLError as wrong:
        sheet.fault((), f"is not YAML: {_said(wrong)}", _hint(wrong), _line(wrong))
    except RecursionError:
        sheet.fault((), "is nested deeper than anybody can read", "Leave levels out.")
    except yaml.YAMLError as wrong:
        sheet.fault((), f"is not YAML: {str(wrong).splitlines()[0]}", "Remove the characters that YAML does not allow.")
    else:
        sheet.data = _Walk(sheet).value(node, ()) if node is not None else None
        if not isinstance(sheet.data, dict) and not sheet.findings:
            found = "is empty" if sheet.data is None else "is not a list of names with values"
            sheet.fault((), found, "Write `name: value` lines, as docs/firm-folder.md shows.", 1)
    return sheet


def _depth(text: str) -> int:
    """How many brackets are open at once, at most: PyYAML takes the square of it in time."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(text):
        depth = depth + 1 if bracket in "[{" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


class _Walk:
    """From YAML nodes to plain data, noting lines and refusing what a reviewer would stumble over."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self._sheet.lines.setdefault(path, line)
        if id(node) in self._seen:
            self._sheet.fault(path, "repeats another place by an alias (*)", "Write it out.", line)
            return None
        self._seen.add(id(node))
        if node.tag not in _PLAIN:
            tag = str(node.tag).replace(_STANDARD, "!!")
            self._sheet.fault(path, f"carries the tag {tag}", "Leave the tag out.", line)
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            items: list[yaml.Node] = node.value
            return [self.value(each, (*path, i)) for i, each in enumerate(items)]
        plain = cast("yaml.ScalarNode", node).style is None  # pyright: ignore[reportUnknownMemberType]
        return None if plain and node.value in _NOTHING else node.value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
        for name, value in pairs:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                self._sheet.fault(path, "has a name that is not a text", "Write `name: value`.", line)
                continue
            here = (*path, name.value)
            if name.value in data:
                self._sheet.fault(
                    here, f"stands here twice, first in line {self._sheet.lines[here]}", "Keep one.", line
                )
                continue
            self._sheet.lines[here] = line
            data[name.value] = self.value(value, here)
        return data


def _said(wrong: yaml.MarkedYAMLError) -> str:
    return ", ".join(str(each) for each in (wrong.context, wrong.problem) if each)


def _line(wrong: yaml.MarkedYAMLError) -> int | None:
    """Where it was noticed; for something left open until the end of the file, where it begins."""
    left_open = "end of stream" in (wrong.problem or "") and wrong.context_mark
    mark = wrong.context_mark if left_open else wrong.problem_mark
    return mark.line + 1 if mark else None


def _hint(wrong: yaml.MarkedYAMLError) -> str:
    problem = wrong.problem or ""
    if "\\t" in problem or "tab" in problem:
        return "Indent with blanks, not with tabs."
    if "mapping values are not allowed" in problem:
        return "Put a text that contains a colon into quotes."
    if "single document" in (wrong.context or ""):
        return "Keep one document in the file: remove the line ---."
    return "Look at this line and the one before: indentation, quotes, brackets."
