"""What the account answers when it refuses: a status and an array of flaws, as the vendor words them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["oauth", "system", "validation"]


@dataclass(frozen=True, slots=True)
class Flaw:
    """One entry of the `errors` array; `field` is only there for a validation."""

    kind: Kind
    message: str
    field: str = ""

    def as_error(self) -> dict[str, str]:
        error = {"type": self.kind, "message": self.message}
        return {**error, "field": self.field} if self.field else error


class Refusal(Exception):
    """The request has no effect, unless `kept` says that a part of a batch was done."""

    def __init__(self, status: int, *flaws: Flaw, kept: int = 0) -> None:
        super().__init__("; ".join(each.message for each in flaws))
        self.status = status
        self.flaws = flaws
        self.kept = kept

    def body(self) -> dict[str, Any]:
        return {"errors": [each.as_error() for each in self.flaws]}


def invalid(field: str, message: str) -> Refusal:
    return Refusal(422, Flaw("validation", message, field))


def not_oauth() -> Refusal:
    return Refusal(401, Flaw("oauth", "Invalid OAuth 2 Request"))


def forbidden(message: str = "You do not have permission to perform this action") -> Refusal:
    return Refusal(403, Flaw("system", message))


def not_found(what: str = "The requested resource") -> Refusal:
    return Refusal(404, Flaw("system", f"{what} could not be found"))


def malformed(message: str) -> Refusal:
    return Refusal(400, Flaw("system", message))


def too_many() -> Refusal:
    return Refusal(429, Flaw("system", "Too many requests. Please retry your request after a small delay."))
