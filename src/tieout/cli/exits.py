"""The exit codes, in their one place, and the way in which a command says what went wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """What a script may rely on; `docs/cli.md` says the same."""

    OK = 0
    PROBLEM = 1
    USAGE = 2
    CONFIGURATION = 3
    UNREACHABLE = 4
    FAULT = 70
    INTERRUPTED = 130


MEANING = {
    Exit.OK: "it worked, and everything ties out",
    Exit.PROBLEM: "there is a problem in the data: something does not tie out, is not there, or may not be done",
    Exit.USAGE: "the command was not written as it must be",
    Exit.CONFIGURATION: "the firm folder, the settings or the schema of the database are not as they must be",
    Exit.UNREACHABLE: "the database or another system does not answer",
    Exit.FAULT: "a fault of Tieout itself; `tieout --debug …` shows where",
    Exit.INTERRUPTED: "interrupted by Ctrl-C",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong: what, where it stands, and what to do about it."""

    what: str
    where: str = ""
    fix: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Stop(Exception):
    """Ends a command with an exit code and everything that is wrong."""

    def __init__(self, code: Exit, *complaints: Complaint) -> None:
        super().__init__("; ".join(each.what for each in complaints))
        self.code = code
        self.complaints = complaints


def stop(code: Exit, what: str, *, where: str = "", fix: str = "") -> Stop:
    """The usual case of one complaint."""
    return Stop(code, Complaint(what, where, fix))
