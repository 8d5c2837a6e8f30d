"""Answering in another's place: only who was named, only in those days, never one's own request, and the books say so."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from tieout.engine import operator as verbs
from tieout.engine.access import Access
from tieout.engine.deeds import OwnRequest, Refused, Unknown
from tieout.engine.operator import Operator
from tieout.store import audit, holds
from tieout.store.database import rows
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
ANNA, CARLOS, MARGARET, DAVID = (f"{each}@kestrel.example" for each in ("anna", "carlos", "margaret", "david"))
RUN = {"flow": "change_order", "subject": "S", "entity": "US", "engagement": "ENG-1"}
TODAY = date(2026, 11, 2)


async def token(books: Books, email: str, *, roles: tuple[str, ...] = ("finance",), entities: Any = None) -> None:
    await Access(books.database, books.now).issue(
        name=email, email=email, roles=roles, entities=entities, actor="setup"
    )


async def asked(books: Books, title: str = "Finance accepts the terms") -> int:
    async with books.database.transaction() as tx:
        found = await holds.request_approval(
            tx, RUN, title=title, terms=["300,000.00 USD"], terms_hash="300,000", amount=None, requested_by=MARGARET,
            now=books.now(),
        )  # fmt: skip
    return int(found["id"])


async def lent(books: Books, owner: str, to: str, *, first: date = TODAY, last: date = TODAY, zone: str = "UTC") -> int:
    return await Operator(books.database, books.now).delegations.delegate(
        to, first=first, last=last, zone=zone, reason="holidays", actor=owner
    )


async def answer(books: Books, number: int, actor: str, behind: str = "", *, approve: bool = True) -> None:
    await Operator(books.database, books.now).answer_approval(
        number, approve=approve, actor=actor, reason="looked at", on_behalf_of=behind
    )


async def stored(books: Books, number: int) -> dict[str, Any]:
    async with books.database.transaction() as tx:
        found = await holds.approval(tx, number)
    assert found is not None
    return found


async def test_who_was_named_answers_and_the_books_say_in_whose_place(books: Books) -> None:
    await token(books, ANNA)
    await lent(books, ANNA, DAVID)
    number = await asked(books)
    await answer(books, number, DAVID, ANNA.upper())
    found = await stored(books, number)
    assert (found["state"], found["decided_by"], found["on_behalf_of"]) == ("approved", DAVID, ANNA)
    async with books.database.transaction() as tx:
        given = await audit.entries(tx, action="delegation.give")
        said = await audit.entries(tx, action="approval.approved")
        assert (await audit.verify(tx)).first_bad is None
    assert (said[0]["actor"], said[0]["detail"]) == (DAVID, {"reason": "looked at", "on_behalf_of": ANNA})
    assert (given[0]["actor"], given[0]["detail"]["to"]) == (ANNA, DAVID)


async def test_outside_its_days_it_is_nothing_and_the_days_are_the_firms(books: Books) -> None:
    await token(books, ANNA)
    # At noon UTC of 2 November the next day has not begun in New York, and this one is not over.
    await lent(
        books, ANNA, DAVID, first=TODAY + timedelta(days=1), last=TODAY + timedelta(days=2), zone="America/New_York"
    )
    number = await asked(books)
    with pytest.raises(Refused, match="has not named you"):
        await answer(books, number, DAVID, ANNA)
    books.moment += timedelta(hours=17, minutes=30)
    await answer(books, number, DAVID, ANNA)
    second = await asked(books, "Another matter")
    books.moment += timedelta(days=2)
    with pytest.raises(Refused, match="has not named you"):
        await answer(books, second, DAVID, ANNA)


async def test_withdrawn_it_ends_at_once_and_only_its_owner_withdraws_it(books: Books) -> None:
    await token(books, ANNA)
    given, delegations = await lent(books, ANNA, DAVID), Operator(books.database, books.now).delegations
    with pytest.raises(Refused, match="'s to withdraw"):
        await delegations.withdraw(given, actor=DAVID)
    await delegations.withdraw(given, actor=ANNA)
    with pytest.raises(Refused, match="is over"):
        await delegations.withdraw(given, actor=ANNA)
    with pytest.raises(Unknown):
        await delegations.withdraw(9, actor=ANNA)
    with pytest.raises(Refused, match="has not named you"):
        await answer(books, await asked(books), DAVID, ANNA)


async def test_nobody_passes_on_what_was_lent_to_them(books: Books) -> None:
    await token(books, ANNA)
    await token(books, CARLOS)
    await lent(books, ANNA, CARLOS)
    await lent(books, CARLOS, DAVID)
    number = await asked(books)
    with pytest.raises(Refused, match="has not named you"):
        await answer(books, number, DAVID, ANNA)
    await answer(books, number, DAVID, CARLOS)


async def test_nobody_approves_their_own_request_through_another(books: Books) -> None:
    await token(books, MARGARET)
    await lent(books, MARGARET, DAVID)
    for approve in (True, False):
        with pytest.raises(OwnRequest, match="nobody answers it in their place"):
            await answer(books, await asked(books), DAVID, MARGARET, approve=approve)
    await token(books, ANNA)
    await lent(books, ANNA, MARGARET)
    with pytest.raises(OwnRequest, match="You asked"):
        await answer(books, await asked(books), MARGARET, ANNA)


async def test_two_accept_by_two_people_whoever_stands_in_for_whom(books: Books) -> None:
    for each in (ANNA, CARLOS):
        await token(books, each)
    await lent(books, ANNA, DAVID)
    await lent(books, CARLOS, DAVID)
    await lent(books, ANNA, CARLOS)
    first, second = await asked(books), await asked(books, "A second person accepts the terms")
    await answer(books, first, DAVID, ANNA)
    for actor, behind in ((DAVID, CARLOS), (ANNA, ""), (CARLOS, ANNA)):
        with pytest.raises(OwnRequest, match="accepted these terms already"):
            await answer(books, second, actor, behind)
    await answer(books, second, CARLOS)


async def test_the_right_is_the_owners_and_ends_with_it(books: Books) -> None:
    with pytest.raises(Refused, match="has no right to lend"):
        await lent(books, ANNA, DAVID)
    await token(books, ANNA, roles=("viewer",))
    with pytest.raises(Refused, match="has no right to lend"):
        await lent(books, ANNA, DAVID)
    async with books.database.transaction() as tx:
        await tx.execute("insert into legal_entity values ('FR', 'Kestrel SAS', 'EUR') on conflict do nothing")
    await token(books, ANNA, entities=["FR"])
    await lent(books, ANNA, DAVID)
    with pytest.raises(Refused, match="no right to answer this"):
        await answer(books, await asked(books), DAVID, ANNA)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"to": "david"}, "an e-mail address"),
        ({"to": ANNA.upper()}, "for yourself"),
        ({"reason": " "}, "Say why"),
        ({"last": TODAY - timedelta(days=1)}, "ends after it begins"),
        ({"first": TODAY - timedelta(days=9), "last": TODAY - timedelta(days=8)}, "not in the past"),
        ({"last": TODAY + timedelta(days=400)}, "366 days at most"),
    ],
)
async def test_a_delegation_that_cannot_be_right_is_not_given(books: Books, wrong: dict[str, Any], said: str) -> None:
    await token(books, ANNA)
    right = {"to": DAVID, "first": TODAY, "last": TODAY, "zone": "UTC", "reason": "holidays", "actor": ANNA, **wrong}
    with pytest.raises(Refused, match=said):
        await Operator(books.database, books.now).delegations.delegate(right.pop("to"), **right)


@pytest.fixture
def saboteur(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb that asks nobody whether one may stand in for another."""

    async def anybody(*_: Any) -> None:
        return None

    monkeypatch.setattr(verbs, "stands_in", anybody)
    monkeypatch.setattr(verbs.approvals, "accepted_by", anybody)


@pytest.mark.usefixtures("saboteur")
async def test_a_verb_that_forgets_to_ask_is_stopped_by_the_database(books: Books) -> None:
    await token(books, ANNA)
    await token(books, MARGARET)
    number = await asked(books)
    with pytest.raises(psycopg.errors.CheckViolation, match="no delegation"):
        await answer(books, number, DAVID, ANNA)
    await lent(books, MARGARET, DAVID)
    with pytest.raises(psycopg.errors.CheckViolation, match="check"):
        await answer(books, number, DAVID, MARGARET)
    await lent(books, ANNA, DAVID)
    await answer(books, number, DAVID, ANNA)
    with pytest.raises(psycopg.errors.CheckViolation, match="somebody else"):
        await answer(books, await asked(books, "A second person accepts the terms"), ANNA)
    async with books.database.transaction() as tx:
        assert len(await rows(tx, "select id from approval where state = 'approved'")) == 1
