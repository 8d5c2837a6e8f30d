"""A field that somebody sets in the hub has an author and a reason, counts until it is withdrawn, and never changes the source."""

from __future__ import annotations

from typing import Any

import pytest

from tieout.connectors.contract import Reading
from tieout.domain.documents.engagement import Engagement
from tieout.domain.problems import Problem, Rejected
from tieout.engine.operator import Operator, OwnRequest, Refused, Unknown
from tieout.store import documents, firm, holds, messages, runs, together
from tieout.store.database import rows
from tieout.systems.register import Register
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio
ANNA, CARLOS = "anna.fischer@kestrel.example", "carlos.mendes@kestrel.example"


async def read(books: Books, deal: Deal, **source: Any) -> Reading:
    """What a run reads: the deal as its source has it, through the register."""
    async with books.database.transaction() as tx:
        stored = await documents.at_version(tx, "engagement", deal.engagement, 1)
    assert stored
    document = Engagement.model_validate({**stored["body"], **source})
    return await Register(books.database, books.now).overridden(Reading(document, "1", {"name": {"source": "Name"}}))


async def set_(books: Books, deal: Deal, field: str, value: str, *, actor: str = ANNA, money: bool = False) -> int:
    number, _, _ = await Operator(books.database, books.now).overrides.set(
        "engagement", deal.engagement, field, value, reason="typo", actor=actor, may_money=money
    )
    return number


async def four_eyes(books: Books, which: str) -> None:
    async with books.database.transaction() as tx:
        content = {"holds": {"overrides_four_eyes": which}}
        await firm.apply(tx, content=content, entities=[], connections=[], actor="x", now=books._tick())


async def test_an_override_counts_whenever_the_document_is_read_and_says_so_in_its_trail(books: Books) -> None:
    deal = await books.deal(1)
    number = await set_(books, deal, "practice", "Cloud")
    reading = await read(books, deal, practice="Clowd")
    assert reading.document.body()["practice"] == "Cloud"
    assert reading.trail["practice"] == {
        "source": f"override by {ANNA}: typo", "mapping": f"override {number}", "instead_of": "Clowd",
    }  # fmt: skip
    assert reading.trail["name"] == {"source": "Name"}
    await Operator(books.database, books.now).overrides.withdraw(number, reason="corrected at the source", actor=CARLOS)
    assert (await read(books, deal, practice="Clowd")).document.body()["practice"] == "Clowd"


async def test_a_newer_override_takes_the_place_of_the_older(books: Books) -> None:
    deal = await books.deal(1)
    first = await set_(books, deal, "practice", "Cloud")
    await set_(books, deal, "practice", "Data", actor=CARLOS)
    assert (await read(books, deal)).document.body()["practice"] == "Data"
    with pytest.raises(Refused, match="withdrawn before, by carlos"):
        await Operator(books.database, books.now).overrides.withdraw(first, reason="x", actor=ANNA)


async def test_money_takes_the_right_and_every_override_a_reason(books: Books) -> None:
    deal = await books.deal(1)
    with pytest.raises(Refused, match="takes the role finance"):
        await set_(books, deal, "amount", "1.00")
    await set_(books, deal, "amount", "1.00", money=True)
    overrides = Operator(books.database, books.now).overrides
    with pytest.raises(Refused, match="Say why"):
        await overrides.set("engagement", deal.engagement, "end", "2027-01-01", reason=" ", actor=ANNA, may_money=False)
    with pytest.raises(Unknown):
        await overrides.set("engagement", "ENG-0", "end", "2027-01-01", reason="x", actor=ANNA, may_money=False)
    with pytest.raises(Refused, match="a project is corrected at its source"):
        await overrides.set("project", deal.project, "name", "x", reason="x", actor=ANNA, may_money=False)
    with pytest.raises(Refused, match="end cannot be “soon”"):
        await set_(books, deal, "end", "soon")


async def test_where_the_firm_wants_four_eyes_it_counts_once_somebody_else_approved_it(books: Books) -> None:
    deal = await books.deal(1)
    await four_eyes(books, "money")
    await set_(books, deal, "practice", "Cloud")
    number = await set_(books, deal, "amount", "1.00", money=True)
    body = (await read(books, deal)).document.body()
    assert (body["practice"], body["amount"]) == ("Cloud", "50000.00")
    overrides = Operator(books.database, books.now).overrides
    with pytest.raises(OwnRequest):
        await overrides.approve(number, actor=ANNA.upper())
    await overrides.approve(number, actor=CARLOS)
    assert (await read(books, deal)).document.body()["amount"] == "1.00"
    with pytest.raises(Refused, match="in force already"):
        await overrides.approve(number, actor=CARLOS)
    await four_eyes(books, "always")
    waiting = await set_(books, deal, "practice", "Data")
    await overrides.withdraw(waiting, reason="changed my mind", actor=ANNA)
    assert (await read(books, deal)).document.body()["practice"] == "Cloud"


async def test_the_deal_is_read_again_and_the_hold_ends_in_the_name_of_who_set_the_field(books: Books) -> None:
    deal = await books.deal(1)
    facts = {"label": "The practice", "field": "practice", "deal": "Data", "amount": "1 USD", "link": ""}
    run = await books.held(deal.opportunity, [Problem("deal.field_missing", facts)])
    async with books.database.transaction() as tx:
        await together.tell(tx, [(run, None, deal.engagement)])
    number, waits, released = await Operator(books.database, books.now).overrides.set(
        "engagement", deal.engagement, "practice", "Cloud", reason="the form lacks it", actor=ANNA, may_money=False
    )
    assert (waits, released.runs) == (False, (run,))
    async with books.database.transaction() as tx:
        stored = await runs.get(tx, run)
        assert stored
        await holds.open_holds(tx, stored, [], title="", amount=None, now=books._tick())
        (hold,) = await rows(tx, "select * from hold")
        (message,) = await messages.of_run(tx, run)
        told = await rows(tx, "select action, object from audit where action like 'override%%'")
    assert (hold["resolved_by"], hold["resolution"]) == (ANNA, "override practice = Cloud: the form lacks it")
    assert message["state"] == "in_flight"
    assert told == [{"action": "override.set", "object": f"O-{number}"}]


async def test_an_override_that_fits_no_longer_holds_the_deal_and_says_which(books: Books) -> None:
    deal = await books.deal(1)
    number = await set_(books, deal, "extensions.a", "b")
    async with books.database.transaction() as tx:
        await tx.execute("update override set field = 'bill_to.name' where id = %s", (number,))
    with pytest.raises(Rejected, match=f"O-{number} of {ANNA}"):
        await read(books, deal)
