"""Tokens and sessions: random, hashed, and at an end when they should be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tieout.domain.access import MAY, ROLES, VERBS, Actor, roles_of, who_may
from tieout.engine.access import Access
from tieout.engine.operator import Refused
from tieout.store.database import rows
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio


async def test_a_token_says_who_carries_it(books: Books) -> None:
    access = Access(books.database, books.now)
    token = await access.issue(
        name="Anna Fischer", email="Anna.Fischer@Kestrel.example", roles=["finance"], actor="setup"
    )
    actor = await access.identify(token)
    assert actor == Actor("Anna Fischer", "anna.fischer@kestrel.example", frozenset(("finance",)))
    assert await access.identify(token + "x") is None
    assert await access.identify("") is None
    (listed,) = await access.tokens()
    assert listed["last_used_at"] == books.now()
    assert "token_hash" not in listed


async def test_the_database_holds_no_secret_that_opens_anything(books: Books) -> None:
    access = Access(books.database, books.now)
    token = await access.issue(name="Anna", email="anna@kestrel.example", roles=["finance"], actor="setup")
    opened = await access.sign_in(token)
    assert opened is not None
    async with books.database.transaction() as tx:
        kept = str(await rows(tx, "select * from access_token")) + str(await rows(tx, "select * from access_session"))
        told = str(await rows(tx, "select * from audit"))
    for secret in (token, opened[0]):
        assert secret.removeprefix("tieout_") not in kept + told
        assert len(secret) >= 43 + len("tieout_")


async def test_a_token_ends_when_it_expires_or_is_revoked_and_takes_its_sessions_with_it(books: Books) -> None:
    access = Access(books.database, books.now)
    token = await access.issue(
        name="Anna", email="anna@kestrel.example", roles=["finance"], actor="setup", lifetime=timedelta(days=1)
    )
    opened = await access.sign_in(token)
    assert opened is not None
    session, actor = opened
    assert await access.identify_session(session) == actor
    (listed,) = await access.tokens()
    await access.revoke(listed["id"], actor="root")
    assert await access.identify(token) is None
    assert await access.identify_session(session) is None
    assert await access.sign_in(token) is None
    with pytest.raises(Refused):
        await access.revoke(listed["id"], actor="root")
    token = await access.issue(
        name="Anna", email="anna@kestrel.example", roles=["finance"], actor="setup", lifetime=timedelta(days=1)
    )
    books.moment += timedelta(days=1)
    assert await access.identify(token) is None


async def test_a_session_ends_by_signing_out_by_idleness_and_by_age(books: Books) -> None:
    access = Access(books.database, books.now)
    token = await access.issue(name="Anna", email="anna@kestrel.example", roles=["finance"], actor="setup")
    one, other = await access.sign_in(token), await access.sign_in(token)
    assert one is not None
    assert other is not None
    assert one[0] != other[0]
    await access.sign_out(one[0])
    assert await access.identify_session(one[0]) is None
    for _ in range(6):
        books.moment += timedelta(hours=1, minutes=55)
        assert await access.identify_session(other[0]) is not None
    books.moment += timedelta(minutes=31)  # twelve hours since it was opened
    assert await access.identify_session(other[0]) is None
    idle = await access.sign_in(token)
    assert idle is not None
    books.moment += timedelta(hours=2)
    assert await access.identify_session(idle[0]) is None


async def test_a_session_is_no_token_and_a_token_is_no_session(books: Books) -> None:
    access = Access(books.database, books.now)
    token = await access.issue(name="Anna", email="anna@kestrel.example", roles=["finance"], actor="setup")
    opened = await access.sign_in(token)
    assert opened is not None
    assert await access.identify(opened[0]) is None
    assert await access.identify_session(token) is None


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"email": "anna"}, {"roles": ["root"]}, {"roles": []}, {"lifetime": timedelta(days=4000)}, {"lifetime": timedelta(0)}],
    ids=["no name", "no address", "unknown role", "no role", "for ever", "for no time"],
)  # fmt: skip
async def test_a_token_that_cannot_be_right_is_not_issued(books: Books, wrong: dict[str, object]) -> None:
    access = Access(books.database, books.now)
    right = {"name": "Anna", "email": "anna@kestrel.example", "roles": ["finance"], "actor": "setup"}
    with pytest.raises(Refused):
        await access.issue(**{**right, **wrong})  # pyright: ignore[reportArgumentType]
    assert await access.tokens() == []


def test_the_table_of_rights_names_every_verb_and_no_role_it_does_not_know() -> None:
    assert set(MAY) == set(VERBS)
    for verb, roles in MAY.items():
        assert roles, verb
        assert roles <= set(ROLES)
    assert who_may("value.set") == "operator or finance"
    assert Actor("A", "a", roles_of(["viewer"])).may("look")
    assert not Actor("A", "a", roles_of(["viewer", "operator"])).may("approval.answer")


def test_a_viewer_may_only_look_and_answer_what_they_are_asked() -> None:
    assert [verb for verb, roles in MAY.items() if "viewer" in roles] == ["look", "question.answer"]
