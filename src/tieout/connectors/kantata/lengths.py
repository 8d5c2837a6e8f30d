"""What is known of the lengths that Kantata takes: little is published, and what is assumed says so."""

from __future__ import annotations

from dataclasses import replace

from tieout.connectors.lengths import Length, Text

LONGEST_TASK = 200
LONGEST_TEXT = 255
LONGEST_NAME = 255
_PUBLISHED = "OX REST API v1, POST /stories: a title has at most 200 characters"
_TEXT = "not published; `longest_text` of the connection"
_NAME = "not published; `longest_name` of the connection"
_SALES = "sales operations"


def _name(full: str) -> Length:
    return Length("name", LONGEST_NAME, Text.NAME, _NAME, verified=False, owner=_SALES, full=full)


def _exact(field: str, owner: str = _SALES) -> Length:
    return Length(field, LONGEST_TEXT, Text.EXACT, _TEXT, verified=False, owner=owner)


def _task(field: str) -> Length:
    """Exact, because a task is found by the title that it has in the project template."""
    return Length(field, LONGEST_TASK, Text.EXACT, _PUBLISHED, owner="delivery operations")


CLIENT = (_name("the message of our external reference"), _exact("key"), _exact("email"))
PROJECT = (_name("the project's description"), _exact("key"), _exact("po_number"), _task("tasks.name"))
TASK = (_task("name"),)
STATE = (_exact("po_number"),)
REPORT = tuple(
    _exact(each)
    for each in ("engagement", "erp_project", "invoice_status", "last_invoice", "hold_status", "hold_message")
)


def of_account(lengths: tuple[Length, ...], *, names: int, texts: int) -> tuple[Length, ...]:
    """The lengths with what somebody who knows the account says in place of what is assumed."""
    return tuple(
        each if each.verified else replace(each, most=names if each.text is Text.NAME else texts) for each in lengths
    )
