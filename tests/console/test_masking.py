"""Whose role shows no money finds hours and states on every page, and a dash in place of each amount."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.console.test_scope import addresses, found_by, text_of
from tests.console.world import Caller, World

from tieout.console.visit import Visit
from tieout.engine.access import Access

pytestmark = pytest.mark.anyio

AMOUNTS = """
  select net as amount from invoice union select total from invoice union select open_amount from invoice
  union select amount from invoice_line union select unit_price from invoice_line union select amount from evidence
  union select rate from evidence union select agreed_rate from time_entry union select amount from payment
  union select amount_minor / 100.0 from hold union select amount_minor / 100.0 from approval
  union select (body ->> 'amount')::numeric from document union select (body ->> 'budget')::numeric from document
"""


async def delivery(world: World) -> Caller:
    token = await Access(world.database, world.now).issue(
        name="Ingrid Vogel", email="ingrid.vogel@kestrel.example", roles=["delivery"], actor="setup"
    )
    return await Caller(world.app).enter(token)


async def marks(world: World) -> set[str]:
    """Every amount in the books as people and as machines write it; what is an amount and hours, too, is left to the others."""
    amounts = {Decimal(each["amount"]) for each in await found_by(world, AMOUNTS) if each["amount"]}
    hours = {Decimal(each["hours"]) for each in await found_by(world, "select minutes / 60.0 as hours from time_entry")}
    return {text for each in amounts - hours if each >= 10 for text in (f"{each:,.2f}", f"{each:.2f}")} | {"€", "$"}


async def leaks(world: World) -> list[str]:
    """Every amount that somebody of delivery is shown, at every address there is."""
    known, found = await marks(world), list[str]()
    assert len(known) > 40
    reader = await delivery(world)
    for at, whose in await addresses(world):
        answer = await reader.http.get(at, follow_redirects=True)
        told = text_of(answer)
        found += [f"{at}: {each}" for each in sorted(known) if each in told]
        if whose:
            assert answer.status_code == (403 if "evidence.zip" in at or at.startswith("/effects/") else 200), at
    return found


async def test_no_page_shows_an_amount_to_somebody_of_delivery(world: World) -> None:
    assert "\n".join(await leaks(world)) == ""


async def test_hours_are_shown_and_a_dash_says_why_there_is_no_amount(world: World) -> None:
    (entry, *_) = await found_by(
        world, "select connection, source_id, minutes from time_entry where state = 'approved'"
    )
    reader = await delivery(world)
    page = await reader.get(f"/entries/{entry['connection']}/{entry['source_id']}")
    assert f"{entry['minutes'] / 60:.2f} h" in page
    assert '<span class="masked" title="Your role does not show money">\N{EN DASH}</span>' in page
    assert "\u2060" not in page


async def test_the_walk_finds_a_console_that_shows_everybody_everything(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await marks(world)
    monkeypatch.setattr(Visit, "shows_money", True)
    reader = await delivery(world)
    for at in ("/", "/holds", "/invoices", "/approvals", "/documents?kind=engagement"):
        page = await reader.get(at)
        assert any(each in page for each in known), at
