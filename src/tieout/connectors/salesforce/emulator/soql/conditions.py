"""WHERE and HAVING as functions of a row or a group, with the vendor's rules about types, case and null."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from typing import Any, TypeVar

from tieout.connectors.salesforce.emulator.failures import Refusal, refusal
from tieout.connectors.salesforce.emulator.identifiers import full_id
from tieout.connectors.salesforce.emulator.records import Row
from tieout.connectors.salesforce.emulator.schema import NUMERIC, SObjectField
from tieout.connectors.salesforce.emulator.soql.binding import Bound, Scope
from tieout.connectors.salesforce.emulator.soql.periods import days_of
from tieout.connectors.salesforce.emulator.soql.syntax import (
    All,
    Comparison,
    Condition,
    Constant,
    Either,
    Expression,
    Not,
    Path,
    Query,
)
from tieout.connectors.salesforce.emulator.soql.tokens import malformed, wrong_at
from tieout.connectors.salesforce.emulator.values import folded

S = TypeVar("S")
Test = Callable[[Any], bool]
Subquery = Callable[[Query], "Sequence[Any]"]

_KINDS = {"date": "date", "datetime": "dateTime", "boolean": "boolean"}
_LONGEST_FILTERABLE = 255


def test_of(
    scope: Scope, condition: Condition, bind: Callable[[Expression], Bound[S]], subquery: Subquery
) -> Callable[[S], bool]:
    """Whether a subject meets the condition. Raises Refusal for names and values that do not fit the schema."""
    match condition:
        case All(parts):
            tests = [test_of(scope, each, bind, subquery) for each in parts]
            return lambda subject: all(each(subject) for each in tests)
        case Either(parts):
            tests = [test_of(scope, each, bind, subquery) for each in parts]
            return lambda subject: any(each(subject) for each in tests)
        case Not(inside):
            test = test_of(scope, inside, bind, subquery)
            return lambda subject: not test(subject)
        case Comparison():
            bound = bind(condition.left)
            _filterable(scope, condition, bound.field)
            meets = _comparison(scope, condition, bound.field, subquery)
            return lambda subject: meets(folded(bound.field, bound.read(subject)))


def narrowed(scope: Scope, condition: Condition | None, subquery: Subquery) -> list[Row] | None:
    """The only rows that can meet the condition, where an index knows them."""
    match condition:
        case All(parts):
            found = (narrowed(scope, each, subquery) for each in parts)
            return next((each for each in found if each is not None), None)
        case Comparison(left=Path() as path, operator="=" | "IN"):
            bound = scope.path(path)
            if bound.parents or not (bound.field.type == "id" or scope.records.indexed(scope.entity, bound.field.name)):
                return None
            wanted = _wanted(scope, condition, bound.field, subquery)
            return None if None in wanted else _indexed(scope, bound.field, wanted)
        case _:
            return None


def _indexed(scope: Scope, field: SObjectField, wanted: Sequence[Any]) -> list[Row]:
    rows: dict[str, Row] = {}
    for value in dict.fromkeys(wanted):
        if field.type == "id":
            row = scope.records.get(scope.entity, value)
            rows |= {} if row is None else {value: row}
        else:
            rows |= {each["Id"]: each for each in scope.records.find(scope.entity, field.name, value)}
    return [rows[each] for each in sorted(rows)]


def _wanted(scope: Scope, condition: Comparison, field: SObjectField, subquery: Subquery) -> list[Any]:
    if condition.subquery is not None:
        return [folded(field, each) for each in subquery(condition.subquery) if each is not None]
    return [folded(field, _constant(scope, field, each)) for each in condition.values]


def _filterable(scope: Scope, condition: Comparison, field: SObjectField) -> None:
    if field.type == "address" or (field.type == "textarea" and field.length > _LONGEST_FILTERABLE):
        message = f"field '{field.name}' can not be filtered in a query call"
        raise wrong_at(scope.text, condition.left.at, "INVALID_FIELD", message)


def _comparison(scope: Scope, condition: Comparison, field: SObjectField, subquery: Subquery) -> Test:
    match condition.operator:
        case "IN" | "NOT IN":
            wanted = set(_wanted(scope, condition, field, subquery))
            negated = condition.operator == "NOT IN"
            return lambda value: (value in wanted) != negated
        case "LIKE":
            return _like(scope, condition, field)
        case "INCLUDES" | "EXCLUDES":
            return _includes(scope, condition, field)
        case _:
            constant = condition.values[0]
            if constant.kind == "range":
                return _in_period(scope, condition.operator, field, constant)
            return _compared(condition.operator, folded(field, _constant(scope, field, constant)))


def _compared(operator: str, wanted: Any) -> Test:
    """Null is equal to null only, different from everything else, and neither above nor below anything."""
    match operator:
        case "=":
            return lambda value: value == wanted
        case "!=":
            return lambda value: value != wanted
        case "<":
            return lambda value: None not in (value, wanted) and value < wanted
        case "<=":
            return lambda value: None not in (value, wanted) and value <= wanted
        case ">":
            return lambda value: None not in (value, wanted) and value > wanted
        case _:
            return lambda value: None not in (value, wanted) and value >= wanted


def _in_period(scope: Scope, operator: str, field: SObjectField, constant: Constant) -> Test:
    """A literal is a stretch of days: equal is within, below is before its start, above is after its end."""
    days = days_of(constant.value, scope.records.now().astimezone(scope.zone).date())
    if days is None:
        raise malformed(scope.text, constant.at, f"unexpected token: '{constant.value.name}'")
    if field.type not in ("date", "datetime"):
        raise _wrong_kind(scope, field, constant)
    start, end = (_edge(scope, field, each) for each in days)
    match operator:
        case "=":
            return lambda value: value is not None and start <= value < end
        case "!=":
            return lambda value: value is None or not start <= value < end
        case "<":
            return lambda value: value is not None and value < start
        case "<=":
            return lambda value: value is not None and value < end
        case ">":
            return lambda value: value is not None and value >= end
        case _:
            return lambda value: value is not None and value >= start


def _edge(scope: Scope, field: SObjectField, day: date) -> Any:
    return datetime.combine(day, time(), scope.zone) if field.type == "datetime" else day


def _like(scope: Scope, condition: Comparison, field: SObjectField) -> Test:
    pattern: str = _constant(scope, field, condition.values[0])
    parts = re.findall(r"\\.|[%_]|[^%_\\]+", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    regex = "".join(wild.get(each) or re.escape(each[1:] if each.startswith("\\") else each) for each in parts)
    compiled = re.compile(regex, re.IGNORECASE | re.DOTALL)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _includes(scope: Scope, condition: Comparison, field: SObjectField) -> Test:
    """Each value is one choice, or several joined by semicolons that must all be there."""
    if field.type != "multipicklist":
        message = f"invalid operator on field '{field.name}'"
        raise wrong_at(scope.text, condition.left.at, "INVALID_FIELD", message)
    wanted = [set(str(folded(field, each.value)).split(";")) for each in condition.values]
    negated = condition.operator == "EXCLUDES"

    def test(value: str | None) -> bool:
        chosen = set(value.split(";")) if value else set[str]()
        return any(each <= chosen for each in wanted) != negated

    return test


def _constant(scope: Scope, field: SObjectField, constant: Constant) -> Any:
    """The constant as a value of the field. Raises Refusal where it was written as another type."""
    if constant.kind == "null":
        return None
    if field.type in _KINDS:
        fits = constant.kind == field.type
    elif field.type in NUMERIC:
        fits = constant.kind == "number"
    else:
        fits = constant.kind == "string"
    if not fits:
        raise _wrong_kind(scope, field, constant)
    if field.type in ("id", "reference"):
        return _id(constant.value)
    return constant.value


def _id(text: str) -> str:
    known = full_id(text)
    if known is None and text:
        raise refusal("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
    return known or ""


def _wrong_kind(scope: Scope, field: SObjectField, constant: Constant) -> Refusal:
    kind = _KINDS.get(field.type) or ("double" if field.type in NUMERIC else "string")
    quotes = "should be enclosed in quotes" if kind == "string" else "should not be enclosed in quotes"
    message = f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes}"
    return wrong_at(scope.text, constant.at, "INVALID_FIELD", message)
