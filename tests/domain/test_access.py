"""Who may do what is one table."""

from __future__ import annotations

import pytest

from tieout.domain.access import MAY, ROLES, VERBS, Actor, Role, roles_of, who_may


def actor(*roles: Role) -> Actor:
    return Actor("Anna Fischer", "anna.fischer@kestrel.example", frozenset(roles))


def test_every_verb_has_somebody_who_may() -> None:
    assert set(MAY) == set(VERBS)
    assert all(MAY[verb] for verb in VERBS)


def test_a_viewer_looks_answers_what_they_are_asked_and_does_nothing_else() -> None:
    assert [verb for verb in VERBS if actor("viewer").may(verb)] == ["look", "question.answer"]


def test_terms_are_accepted_by_finance_alone() -> None:
    assert [role for role in ROLES if actor(role).may("approval.answer")] == ["finance"]


def test_rights_of_several_roles_add_up() -> None:
    both = actor("viewer", "engineer")
    assert both.may("connection.pause")
    assert not both.may("value.set")


def test_a_refused_person_reads_whom_to_ask() -> None:
    assert who_may("value.set") == "operator or finance"


def test_roles_are_read_by_name_and_unknown_ones_are_named() -> None:
    assert roles_of(["finance", "viewer"]) == {"viewer", "finance"}
    with pytest.raises(ValueError, match="roles are some of viewer, delivery, operator, finance, engineer, not boss"):
        roles_of(["boss", "viewer"])
    with pytest.raises(ValueError, match=r"engineer$"):
        roles_of([])
