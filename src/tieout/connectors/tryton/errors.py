"""What Tryton says when it refuses: it has no error codes, so the kind of a refusal is read from its English sentences.

TrytonError
├── TrytonUserError       the business refuses: correct the data, do not repeat
├── TrytonUserWarning     a question that the web client would show; nothing was changed
├── TrytonConcurrency     somebody else changed the record since it was read
├── TrytonUnauthorized    wrong credentials, or no such database
├── TrytonUnavailable     Tryton cannot work now
├── TrytonFault           the call itself is wrong (unknown model, field, method), or a bug over there
└── TrytonUnknownOutcome  sent, and no answer that can be believed
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any


class Refusal(Enum):
    """Why a UserError was raised, as far as its sentence tells."""

    UNIQUE = "a unique field has this value already"
    ACCESS = "the user's groups do not allow this at all"
    RULE = "the user may not touch these very records: another company's, or gone"
    GONE = "the record does not exist, or not for this user"
    REQUIRED = "a required field is empty"
    INVALID = "a value is not allowed here"
    STATE = "the record is in a state that does not allow this"
    ORDER = "invoices are numbered by date, and a later one has its number already"
    OTHER = "something else"


# Sentences of the 8.0 series in English (the login asks for that language). The first match decides: a button that is
# pressed twice and one that is forbidden both begin with "You", and only what follows tells them apart.
_SENTENCES: tuple[tuple[Refusal, re.Pattern[str]], ...] = (
    (Refusal.UNIQUE, re.compile(r"\bmust be unique\b|\bhas the same \S+ \"")),
    (
        Refusal.ACCESS,
        re.compile(r"^You are not allowed to (access|execute|modify the field)|^Calling button .* is not allowed"),
    ),
    (Refusal.RULE, re.compile(r"^You are not allowed to (read|write to|create|delete) records")),
    (
        Refusal.GONE,
        re.compile(r"^You are trying to \w+ (to )?records .* that don't exist|^The value .* does not exist\.$"),
    ),
    (Refusal.REQUIRED, re.compile(r"^A value is required for field")),
    (Refusal.ORDER, re.compile(r"^To number the invoice .* you must set an invoice date after")),
    (
        Refusal.STATE,
        re.compile(
            r"^You can not call \"|^You cannot (modify|delete|add|cancel|refund|overpay)"
            r"|because it is (posted|no longer|not posted)"
        ),
    ),
    (
        Refusal.INVALID,
        re.compile(
            r"is not valid according to its domain|is not one of the allowed options|is too long \(|number of digits in the value"
            r"|^The .* for party .* is not valid\.|must be positive\.$"
        ),
    ),
)
_FIELD = re.compile(r'field "([^"]+)"')


class TrytonError(Exception):
    """Any way in which a call did not succeed."""


class TrytonUserError(TrytonError):
    """The business refuses. `fields` are the labels of the fields that the sentence names; nothing was changed."""

    def __init__(self, message: str, description: str = "", domain: Any = None) -> None:
        super().__init__(message if not description else f"{message}\n{description}")
        self.message = message
        self.description = description
        self.domain = domain
        self.fields: tuple[str, ...] = tuple(_FIELD.findall(message))

    @property
    def refusal(self) -> Refusal:
        return next((kind for kind, sentence in _SENTENCES if sentence.search(self.message)), Refusal.OTHER)


class TrytonUserWarning(TrytonError):
    """A question: `name` identifies it for the answer, `topic` is the part of the name that does not depend on the record."""

    def __init__(self, name: str, message: str, description: str = "") -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.description = description

    @property
    def topic(self) -> str:
        return self.name.rpartition(".")[2]


class TrytonConcurrency(TrytonError):
    """The record changed since the time stamp that the call carried; nothing was changed."""


class TrytonUnauthorized(TrytonError):
    """The credentials are refused, or the server's certificate proves nothing; nothing was changed."""


class TrytonUnavailable(TrytonError):
    """Tryton cannot work now. `sent` is False when the call certainly never reached it.

    With `sent` True Tryton answered 503 or 429. It does so after it rolled the work back (a lock, a conflict of two
    transactions); only if its database fails between the commit and the answer has the work been done all the same.
    `after` is the wait that was asked for, in seconds.
    """

    def __init__(self, message: str, *, sent: bool, after: float | None = None) -> None:
        super().__init__(message)
        self.sent = sent
        self.after = after


class TrytonFault(TrytonError):
    """Tryton's own words for a wrong call or a bug: the call was rolled back, and repeating it gives the same answer."""


class TrytonUnknownOutcome(TrytonError):
    """The call was sent, and no answer came that can be believed: it may have been carried out."""


def error_of(error: Any) -> TrytonError:
    """The exception for the `error` member of an answer."""
    match error:
        case ["UserError", [message, *rest]]:
            return TrytonUserError(str(message), *(rest[:2]))
        case ["UserWarning", [name, message, *rest]]:
            return TrytonUserWarning(str(name), str(message), *(rest[:1]))
        case ["ConcurrencyException", message]:
            return TrytonConcurrency(str(message))
        case ["LoginException", [_, message, *_]]:
            return TrytonUnauthorized(str(message))
        case [message, *_]:
            return TrytonFault(str(message))
        case _:
            return TrytonFault(str(error))
