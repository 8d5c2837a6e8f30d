"""Says in a short sentence what a field's type refuses, and which name or value was probably meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tieout.domain.choosing import choose
from tieout.domain.consistency import Path

Schema = Mapping[str, Any]

# pydantic's name for what is wrong → what would be right.
_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number such as 420.10, without thousands separators",
    "finite": "a number such as 420.10",
    "bool": "true or false",
    "date": "a day such as 2026-01-31",
    "datetime": "a moment such as 2026-01-31T12:00:00Z",
    "string": "a text",
    "dict": "names with values",
    "model": "names with values",
    "tuple": "a list",
    "list": "a list",
    "set": "a list",
    "frozen_set": "a list",
    "url": "an address such as https://example.com",
}
_WRONG_KIND = ("_type", "_parsing", "finite_number", "_inexact")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What one error means. `missing` tells a value that is not there from one that is wrong."""

    path: Path
    what: str
    fix: str
    missing: bool = False


def refusals(wrong: ValidationError, model: type[BaseModel]) -> list[Refusal]:
    """Every error of a validation, without the values of fields that the model calls secret."""
    schema = model.model_json_schema()
    errors = wrong.errors(include_url=False)
    # A list whose every item is wrong counts as empty for pydantic; the items' errors say what is the matter.
    inside = {each["loc"][:cut] for each in errors for cut in range(len(each["loc"]))}
    return [_refusal(each, schema) for each in errors if each["type"] != "too_short" or each["loc"] not in inside]


def _refusal(error: ErrorDetails, schema: Schema) -> Refusal:
    path = error["loc"]
    if path and path[-1] == "[key]":
        day = error["type"].startswith("date")
        what = f"is not {_EXPECTED['date']}" if day else "does not look right as a name"
        return Refusal(path[:-1], what, _help(schema, path[:-2]))
    match error["type"]:
        case "extra_forbidden":
            fix = choose(str(path[-1]), names_at(schema, path[:-1]))
        case "literal_error" | "enum":
            fix = choose(str(error["input"]), _options(schema, path))
        case _:
            fix = _help(schema, path)
    return Refusal(path, _what(error, schema), fix, missing=error["type"] == "missing")


def _what(error: ErrorDetails, schema: Schema) -> str:
    plain = {
        "missing": "is missing",
        "extra_forbidden": "is not a name that Tieout knows here",
        "too_short": "is empty",
    }
    found = _found(error, schema)
    match error["type"]:
        case kind if kind in plain:
            return plain[kind]
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case _ if error["input"] is None:
            return "has no value"
        case "literal_error" | "enum":
            return f"{found} is not an option"
        case "string_pattern_mismatch":
            return f"{found} does not look right"
        case kind:
            expected = _EXPECTED.get(kind.split("_")[0]) if kind.endswith(_WRONG_KIND) else None
            right = f"is not {expected}" if expected else error["msg"].replace("Input", "", 1).strip()
            return f"{found} {right}"


def _found(error: ErrorDetails, schema: Schema) -> str:
    if _secret(node_at(schema, error["loc"])):
        return "the secret"
    match error["input"]:
        case str(text):
            return f"“{text}”" if len(text) <= 60 else f"“{text[:59]}…”"
        case dict():
            return "a group of names"
        case list() | tuple():
            return "a list"
        case other:
            return str(other)


def _help(schema: Schema, path: Path) -> str:
    while path:
        description = node_at(schema, path).get("description")
        if description:
            return f"Expected: {description.rstrip('.')}."
        path = path[:-1]
    return "See docs/firm-folder.md."


def names_at(schema: Schema, path: Path) -> list[str]:
    """The names that may stand at a place in a file: those of secrets are none of them."""
    return [name for name, node in node_at(schema, path).get("properties", {}).items() if not _secret(node)]


def _options(schema: Schema, path: Path) -> list[str]:
    node = node_at(schema, path)
    return [str(each) for each in node.get("enum", [node["const"]] if "const" in node else [])]


def node_at(schema: Schema, path: Path) -> dict[str, Any]:
    """The part of a JSON Schema that describes a place; empty where nothing is said."""
    node = _resolved(schema, schema)
    for step in path:
        inner: Any = None
        if isinstance(step, int):
            inner = node.get("items")
        else:
            patterns: Mapping[str, Any] = node.get("patternProperties", {})
            inner = node.get("properties", {}).get(step) or next(
                iter(patterns.values()), node.get("additionalProperties")
            )
        if not isinstance(inner, dict):
            return {}
        node = _resolved(inner, schema)  # pyright: ignore[reportUnknownArgumentType]
    return node


def _secret(node: Schema) -> bool:
    return any(each.get("writeOnly", False) for each in (node, *node.get("anyOf", ())))


def _resolved(node: Schema, schema: Schema) -> dict[str, Any]:
    """The node with its reference followed and the `null` of an optional value left out; its own words win."""
    options = [each for each in node.get("anyOf", ()) if each.get("type") != "null"]
    if "anyOf" in node and len(options) == 1:
        return {**_resolved(options[0], schema), **{k: v for k, v in node.items() if k != "anyOf"}}
    if "$ref" in node:
        target = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
        return {**_resolved(target, schema), **{k: v for k, v in node.items() if k != "$ref"}}
    return dict(node)
