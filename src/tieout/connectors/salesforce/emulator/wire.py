"""JSON and time as they stand on the wire: decimals in, plain numbers out, instants in Salesforce's own spelling."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

from tieout.connectors.salesforce.emulator.failures import json_parser_error

JsonObject = dict[str, Any]

_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\s*(Z|[+-]\d\d:?\d\d)?")


def json_object(value: Any) -> JsonObject | None:
    """The value where it is a JSON object."""
    return cast("JsonObject", value) if isinstance(value, dict) else None


def json_list(value: Any) -> list[Any] | None:
    """The value where it is a JSON array."""
    return cast("list[Any]", value) if isinstance(value, list) else None


def read_json(body: bytes) -> Any:
    """A request body, its numbers exact; an empty body is None. Raises Refusal (JSON_PARSER_ERROR)."""
    if not body.strip():
        return None
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as wrong:
        place = f"[line:{wrong.lineno}, column:{wrong.colno}]" if isinstance(wrong, json.JSONDecodeError) else "[]"
        raise json_parser_error(f"Unexpected character or end of input at {place}") from wrong


def write_json(body: Any, *, pretty: bool = False) -> bytes:
    """An answer's body. Decimals leave as JSON numbers, as the vendor writes them (1000 as 1000.0)."""
    text = json.dumps(
        body, default=_plain, ensure_ascii=False, indent=2 if pretty else None, separators=_SEPARATORS[pretty]
    )
    return text.encode()


_SEPARATORS = {True: (", ", " : "), False: (",", ":")}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON")


def instant_text(moment: datetime) -> str:
    """2026-05-01T21:13:13.000+0000"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def read_instant(text: str) -> datetime | None:
    """An instant with or without milliseconds, as Z, +0000 or +00:00; without a zone it is UTC. None where it is none."""
    found = _INSTANT.fullmatch(text.strip())
    if not found:
        return None
    day, clock, _, zone = found.groups()
    try:
        return datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in (None, 'Z') else zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
