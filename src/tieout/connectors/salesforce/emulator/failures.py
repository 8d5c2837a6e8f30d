"""How an org says no: error codes with their messages and fields, and the status they travel with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Flaw:
    """One reason. `code` is a StatusCode of the vendor's API; `fields` are the fields it is about."""

    code: str
    message: str
    fields: tuple[str, ...] = ()

    def as_error(self) -> dict[str, Any]:
        """The form in an error array; queries and addresses have no fields and say nothing about them."""
        body: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields or self.code in _ABOUT_RECORDS:
            body["fields"] = list(self.fields)
        return body

    def as_result(self) -> dict[str, Any]:
        """The form inside the result of one record of a batch, where the code has another name."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields)}


class Refusal(Exception):
    """A request, or one record of it, that the org refuses: an HTTP status and at least one flaw."""

    def __init__(self, status: int, flaws: Sequence[Flaw]) -> None:
        super().__init__("; ".join(f"{each.code}: {each.message}" for each in flaws))
        self.status = status
        self.flaws = tuple(flaws)


class Ambiguous(Exception):
    """An external id that several records carry (HTTP 300); `ids` are theirs."""

    def __init__(self, entity: str, ids: Sequence[str]) -> None:
        super().__init__(f"{len(ids)} records of {entity}")
        self.entity = entity
        self.ids = tuple(ids)


_ABOUT_RECORDS = frozenset(
    {
        "REQUIRED_FIELD_MISSING",
        "DUPLICATE_VALUE",
        "STRING_TOO_LONG",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INVALID_CROSS_REFERENCE_KEY",
        "FIELD_INTEGRITY_EXCEPTION",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "MALFORMED_ID",
        "NUMBER_OUTSIDE_VALID_RANGE",
        "INVALID_EMAIL_ADDRESS",
        "UNABLE_TO_LOCK_ROW",
        "ENTITY_IS_DELETED",
        "DELETE_FAILED",
        "FAILED_ACTIVATION",
    }
)


def refusal(code: str, message: str, *fields: str, status: int = 400) -> Refusal:
    return Refusal(status, [Flaw(code, message, fields)])


def not_found(message: str = "The requested resource does not exist") -> Refusal:
    return refusal("NOT_FOUND", message, status=404)


def no_such_field(name: str, entity: str) -> Refusal:
    return refusal("INVALID_FIELD", f"No such column '{name}' on sobject of type {entity}")


def entity_is_deleted(*, status: int = 404) -> Refusal:
    return refusal("ENTITY_IS_DELETED", "entity is deleted", status=status)


def json_parser_error(message: str) -> Refusal:
    return refusal("JSON_PARSER_ERROR", message)


def session_expired() -> Refusal:
    return refusal("INVALID_SESSION_ID", "Session expired or invalid", status=401)
