"""What is wrong with a firm folder: the place, what stands there, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tieout.domain.consistency import Path, dotted


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake. `file` is relative to the folder; `path` leads to the value within that file."""

    file: str
    line: int | None
    path: Path
    what: str
    fix: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        within = f"{dotted(self.path)}: " if self.path else ""
        return f"{place}: {within}{self.what}. {self.fix}"

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "line": self.line,
            "path": dotted(self.path),
            "what": self.what,
            "fix": self.fix,
        }


class UnusableFolder(Exception):
    """The firm folder, or what the environment adds to it, has mistakes: every one of them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(each) for each in findings))
        self.findings = tuple(findings)
