"""Turns what the other rooms raise into what a person at a terminal can act on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from tieout.cli.exits import Complaint, Exit, Stop, stop


def explained(error: BaseException) -> Stop:
    """The exit code and the words for an error; what nobody foresaw is a fault of Tieout."""
    several: Sequence[BaseException] = getattr(error, "exceptions", ())
    if len(several) == 1:
        return explained(several[0])
    return _own(error) or _configuration(error) or _surroundings(error) or _fault(error)


def _own(error: BaseException) -> Stop | None:
    if isinstance(error, Stop):
        return error
    if _is(error, "tieout.engine.operator", "Refused"):
        return stop(Exit.PROBLEM, str(error))
    return None


def _configuration(error: Any) -> Stop | None:
    if _is(error, "tieout.settings", "WrongSettings"):
        return Stop(Exit.CONFIGURATION, *(Complaint(each, "the environment") for each in error.problems))
    if _is(error, "tieout.folder.finding", "UnusableFolder"):
        return Stop(Exit.CONFIGURATION, *(located(each) for each in error.findings))
    if _is(error, "tieout.app", "NotApplied"):
        return stop(Exit.CONFIGURATION, "The database holds no firm yet.", fix="Run `tieout apply` in the firm folder.")
    if _is(error, "tieout.store.selfcheck", "Unsafe"):
        found = [Complaint(f"{each.found} {each.why}".strip(), "the database", each.fix) for each in error.findings]
        return Stop(Exit.CONFIGURATION, *found)
    return None


def _surroundings(error: BaseException) -> Stop | None:
    if _is(error, "tieout.store.schema", "Unreachable"):
        fix = "Start the server or correct the address; without the variable a private database is used."
        return stop(Exit.UNREACHABLE, _sentence(str(error)), where="TIEOUT_DATABASE_URL", fix=fix)
    if isinstance(error, ConnectionError | TimeoutError):
        return stop(Exit.UNREACHABLE, _sentence(str(error) or type(error).__name__))
    if isinstance(error, OSError):
        return stop(Exit.CONFIGURATION, _sentence(error.strerror or str(error)), where=str(error.filename or ""))
    return None


def _fault(error: BaseException) -> Stop:
    return stop(
        Exit.FAULT,
        f"{type(error).__name__}: {error}",
        where="Tieout itself",
        fix="Run the same command as `tieout --debug …` and report what it shows.",
    )


def located(finding: Any) -> Complaint:
    """A mistake of the firm folder (or of the environment) with its file and line."""
    facts: dict[str, Any] = finding.as_dict()
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    within = f" {facts['path']}" if facts["path"] else ""
    return Complaint(f"{place}:{within} {finding.what}.", "", finding.fix)


def _is(error: BaseException, module: str, name: str) -> bool:
    """Whether an error is of a class, without importing its module: it cannot be, if nobody imported it before."""
    wanted = getattr(sys.modules.get(module), name, None)
    return wanted is not None and isinstance(error, wanted)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
