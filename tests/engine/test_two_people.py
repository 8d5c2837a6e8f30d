"""Two approvals of the same terms are two people: the verb says so, and the database holds it against everybody."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tieout.engine.deeds import OwnRequest
from tieout.engine.operator import Operator
from tieout.store import holds
from tieout.store.database import Tx
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
ANNA, CARLOS = "anna@kestrel.example", "carlos@kestrel.example"
RUN = {"flow": "change_order", "subject": "S", "entity": "US", "engagement": "ENG-1"}


async def asked(tx: Tx, books: Books, title: str, terms: str = "300,000.00 USD") -> dict[str, Any]:
    return await holds.request_approval(
        tx, RUN, title=title, terms=[terms], terms_hash=terms, amount=None, requested_by="margaret@kestrel.example",
        now=books.now(),
    )  # fmt: skip


async def test_whoever_gave_the_first_cannot_give_the_second(books: Books) -> None:
    operator = Operator(books.database, books.now)
    async with books.database.transaction() as tx:
        first, second = [await asked(tx, books, title) for title in ("Finance accepts", "A second person accepts")]
        other = await asked(tx, books, "Finance accepts", "400,000.00 USD")
    await operator.answer_approval(first["id"], approve=True, actor=ANNA)
    with pytest.raises(OwnRequest, match="somebody else"):
        await operator.answer_approval(second["id"], approve=True, actor=ANNA.upper())
    await operator.answer_approval(other["id"], approve=True, actor=ANNA)
    await operator.answer_approval(second["id"], approve=True, actor=CARLOS)


async def test_whoever_gave_the_first_may_still_say_no_to_the_second(books: Books) -> None:
    operator = Operator(books.database, books.now)
    async with books.database.transaction() as tx:
        first, second = [await asked(tx, books, title) for title in ("Finance accepts", "A second person accepts")]
    await operator.answer_approval(first["id"], approve=True, actor=ANNA)
    await operator.answer_approval(second["id"], approve=False, actor=ANNA, reason="I have learned more")


@pytest.mark.parametrize("actor", [ANNA, "Anna@Kestrel.Example", "Margaret@kestrel.example"])
async def test_the_database_itself_refuses_the_same_person_however_it_is_spelled(books: Books, actor: str) -> None:
    async with books.database.transaction() as tx:
        first, second = [await asked(tx, books, title) for title in ("Finance accepts", "A second person accepts")]
        await holds.answer_approval(tx, first["id"], "approved", actor=ANNA, reason="", now=books.now())
    with pytest.raises(psycopg.errors.CheckViolation):
        async with books.database.transaction() as tx:
            await holds.answer_approval(tx, second["id"], "approved", actor=actor, reason="", now=books.now())
