"""A plan's sums count each target once, its hash moves with what would happen, and two configurations are told apart."""

from __future__ import annotations

from typing import Any

from tieout.domain.plan import (
    FieldChange,
    PlannedDocument,
    PlannedItem,
    PlannedWrite,
    changes,
    differences,
    hash_of,
    sums,
)


def write(**said: Any) -> PlannedWrite:
    usual: dict[str, Any] = {
        "connection": "erp-us", "operation": "project.create", "does": "create the project", "subject": "PRJ-1",
        "guarantee": "C", "act": "create", "content": "abc", "undo": "archive it",
    }  # fmt: skip
    return PlannedWrite(**(usual | said))


def item(*writes: PlannedWrite, **said: Any) -> PlannedItem:
    usual: dict[str, Any] = {
        "run": "f:s:1", "flow": "f", "subject": "s", "title": "Globex", "amount": "1200.00", "currency": "EUR", "end": "done",
    }  # fmt: skip
    return PlannedItem(**(usual | {"writes": writes} | said))


def test_a_customer_of_two_deals_is_created_once() -> None:
    customer = write(operation="customer.create", does="create the customer", subject="CUS-1")
    again = customer.model_copy(update={"act": "skip"})
    found = sums([item(again, write()), item(customer, write(subject="PRJ-2"), run="f:t:1")])
    assert found.writes == {"create": 3}
    assert found.lines == {"create|erp-us|create the customer": 1, "create|erp-us|create the project": 2}
    assert found.documents == 2


def test_what_cannot_be_undone_and_what_money_it_touches_is_said() -> None:
    invoice = write(
        operation="invoice.propose", does="propose the invoice", subject="INV", undo="", money=True, guarantee="D"
    )
    found = sums(
        [item(invoice), item(write(), run="b", amount="10.005"), item(write(act="skip"), run="c", currency="USD")]
    )
    assert found.irreversible == {"erp-us|propose the invoice": 1}
    assert found.money_now == {"EUR": "1200.00"}
    assert found.unblocks == {"EUR": "1210.01"}
    assert found.guarantees == {"C": 1, "D": 1}
    assert found.ends == {"done": 3}


def test_a_document_without_a_worth_adds_to_no_currency() -> None:
    assert sums([item(write(), amount="0", currency="")]).unblocks == {}


def test_the_hash_moves_with_what_would_happen_and_not_with_how_it_is_told() -> None:
    seen = [item(write())]
    assert hash_of(seen) == hash_of([item(write(), title="Globex Ltd", why="because")])
    assert hash_of(seen) != hash_of([item(write(content="other"))])
    assert hash_of(seen) != hash_of([item(write(), end="held")])
    assert hash_of(seen) != hash_of([item(write(), amount="1200.01")])


def test_two_configurations_are_told_apart_in_words() -> None:
    document = PlannedDocument(
        kind="project", key="PRJ-1", version=1, changes=(FieldChange(field="department", before="", after="410"),)
    )
    changed = document.model_copy(update={"changes": (FieldChange(field="department", before="", after="440"),)})
    then = item(write(), write(subject="PRJ-3"), write(subject="PRJ-4"), documents=(document,), end="held")
    now = item(write(content="xyz"), write(subject="PRJ-2"), write(subject="PRJ-4"), documents=(changed,))
    assert differences(now, then) == (
        "it would end as held, and as done with today's configuration",
        "it would create the project PRJ-1 in erp-us with another content than today's configuration",
        "it would create the project PRJ-3 in erp-us; with today's configuration it would not",
        "it would not create the project PRJ-2 in erp-us; with today's configuration it would",
        "project PRJ-1, department: 410; today 440",
    )
    assert differences(now, now) == ()


def test_the_fields_of_two_bodies_are_compared_by_dotted_names() -> None:
    before = {"name": "A", "tasks": [{"key": "1", "hours": "8"}], "gone": "x", "same": None}
    after = {
        "name": "B",
        "tasks": [{"key": "1", "hours": "16"}, {"key": "2"}],
        "same": None,
        "address": {"city": "Bonn"},
    }
    assert changes(before, after) == (
        FieldChange(field="name", before="A", after="B"),
        FieldChange(field="tasks.1.hours", before="8", after="16"),
        FieldChange(field="tasks.2.key", before="", after="2"),
        FieldChange(field="address.city", before="", after="Bonn"),
        FieldChange(field="gone", before="x", after=""),
    )
    assert changes(None, {"name": "A"}) == (FieldChange(field="name", before="", after="A"),)


def test_only_what_is_not_there_already_moves() -> None:
    assert item(write()).acts
    assert not item(write(act="skip")).acts
