"""A field's value between its three forms: JSON on the wire, typed in memory, text on disk."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from tieout.connectors.salesforce.emulator.failures import Refusal, json_parser_error, refusal
from tieout.connectors.salesforce.emulator.identifiers import full_id
from tieout.connectors.salesforce.emulator.schema import NUMERIC, TEXTUAL, SObjectField
from tieout.connectors.salesforce.emulator.wire import instant_text, read_date, read_instant

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+|[^@\s]+@localhost")


def accepted(field: SObjectField, raw: Any) -> Any:
    """The typed value of what a client sent; an empty string is null, as in Salesforce.

    Raises Refusal: JSON_PARSER_ERROR for another type, or the code of the rule that the value breaks.
    """
    if raw is None or (raw == "" and field.type in TEXTUAL | {"reference", "id"}):
        return None
    if field.type in TEXTUAL:
        return _text(field, raw)
    if field.type in NUMERIC:
        return _number(field, raw)
    if field.type == "boolean":
        return _boolean(raw)
    return _moment(field, raw) if field.type in ("date", "datetime") else _record_id(field, raw)


def _text(field: SObjectField, raw: Any) -> str | None:
    if not isinstance(raw, str):
        raise _other_type("string", raw)
    text = raw.strip()
    if not text:
        return None
    if len(text) > field.length:
        message = f"{field.label}: data value too large: {text} (max length={field.length})"
        raise refusal("STRING_TOO_LONG", message, field.name)
    if field.type == "email" and not _EMAIL.fullmatch(text):
        raise refusal("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", field.name)
    return _chosen(field, text) if field.restricted else text


def _chosen(field: SObjectField, text: str) -> str:
    """Restricted picklists take their own values in any case and keep their own spelling."""
    spelled = {value.lower(): value for value in field.values}
    parts = text.split(";") if field.type == "multipicklist" else [text]
    for part in parts:
        if part.lower() not in spelled:
            message = f"{field.label}: bad value for restricted picklist field: {part}"
            raise refusal("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, field.name)
    return ";".join(spelled[part.lower()] for part in parts)


def _number(field: SObjectField, raw: Any) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal | str):
        raise _other_type("double", raw)
    try:
        number = Decimal(raw)
    except InvalidOperation as wrong:
        raise _other_type("double", raw) from wrong
    if not number.is_finite() or abs(number) >= Decimal(10) ** (field.precision - field.scale):
        message = f"{field.label}: value outside of valid range on numeric field: {raw}"
        raise refusal("NUMBER_OUTSIDE_VALID_RANGE", message, field.name)
    if field.type == "int":
        return int(number)
    return number.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)


def _boolean(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.lower() in ("true", "false"):
        return raw.lower() == "true"
    raise _other_type("boolean", raw)


def _moment(field: SObjectField, raw: Any) -> date:
    read = read_date if field.type == "date" else read_instant
    moment = read(raw) if isinstance(raw, str) else None
    if moment is None:
        raise _other_type(field.type, raw)
    return moment


def _record_id(field: SObjectField, raw: Any) -> str:
    if not isinstance(raw, str):
        raise _other_type("string", raw)
    record_id = full_id(raw)
    if record_id is None:
        raise refusal("MALFORMED_ID", f"{field.label}: id value of incorrect type: {raw}", field.name)
    return record_id


def _other_type(wanted: str, raw: Any) -> Refusal:
    token, shown = _token(raw)
    return json_parser_error(
        f"Cannot deserialize instance of {wanted} from {token} value {shown} or request may be missing a required field"
    )


def _token(raw: Any) -> tuple[str, str]:
    match raw:
        case bool():
            return (f"VALUE_{raw}".upper(), str(raw).lower())
        case int():
            return "VALUE_NUMBER_INT", str(raw)
        case Decimal():
            return "VALUE_NUMBER_FLOAT", str(raw)
        case str():
            return "VALUE_STRING", raw
        case list():
            return "START_ARRAY", "["
        case _:
            return "START_OBJECT", "{"


def frozen(value: Any) -> Any:
    """A typed value as JSON that keeps every digit."""
    match value:
        case Decimal():
            return str(value)
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case _:
            return value


def thawed(field: SObjectField | None, value: Any) -> Any:
    """The typed value of `frozen`; a field that the schema no longer knows stays as it is."""
    if value is None or field is None:
        return value
    if field.type in ("currency", "percent", "double"):
        return Decimal(value)
    if field.type == "datetime":
        return read_instant(value)
    return read_date(value) if field.type == "date" else value


def folded(field: SObjectField, value: Any) -> Any:
    """The form in which two values of a field are the same value: text without regard to case unless the field says so."""
    return value.lower() if isinstance(value, str) and field.type in TEXTUAL and not field.case_sensitive else value
