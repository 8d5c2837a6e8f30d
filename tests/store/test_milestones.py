"""How far a contract's milestones are accepted, as billing asks for it (T39)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tieout.domain.charging.fees import Accepted
from tieout.domain.documents.engagement import Contract, ContractVersion
from tieout.domain.documents.milestone import Milestone, MilestoneState
from tieout.domain.documents.terms import FixedTerms, Instalment, Sold
from tieout.store import documents, milestones
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio


async def fixed_fee(books: Books) -> Deal:
    """Half of the fee is due with “Design accepted”, half of it with “Go-live”."""
    deal = await books.deal(1)
    halves = tuple(
        Instalment(key=f"0{n}", name=name, amount=Decimal(25000), milestone=name)
        for n, name in enumerate(("Design accepted", "Go-live"), 1)
    )
    version = ContractVersion(
        version=2, effective_from=date(2026, 10, 1), amount=Decimal(50000), currency="USD", lines=(), rate_card="2026",
        sold=(Sold(id="S1", package="FIXED", amount=Decimal(50000), terms=FixedTerms(instalments=halves)),),
    )  # fmt: skip
    contract = Contract(
        key=deal.engagement, engagement=deal.engagement, customer=deal.customer, legal_entity="US", versions=(version,)
    )
    async with books.database.transaction() as tx:
        await documents.save(tx, contract, entity="US", engagement=deal.engagement, trail={}, now=books.now())
    return deal


async def tell(
    books: Books, deal: Deal, record: str, name: str, state: MilestoneState, share: str, day: date | None, at: int
) -> None:
    told = Milestone(
        key=f"kantata-{record}", project=deal.workspace, name=name, state=state, share=Decimal(share), since=day,
        source_id=record, source_version=f"2026-11-{at:02}T09:00:00Z#{state}{share}",
    )  # fmt: skip
    async with books.database.transaction() as tx:
        await milestones.save(tx, "kantata", told, "kantata.milestone@1", books.now())


async def accepted(books: Books, deal: Deal) -> dict[str, Accepted]:
    async with books.database.transaction() as tx:
        return dict(await milestones.accepted(tx, deal.engagement))


async def test_a_milestone_is_accepted_in_part_then_whole_then_taken_back(books: Books) -> None:
    deal = await fixed_fee(books)
    await tell(books, deal, "71", " design ACCEPTED", "open", "0", None, 1)
    assert await accepted(books, deal) == {}
    await tell(books, deal, "71", " design ACCEPTED", "accepted", "0.6", date(2026, 11, 2), 2)
    assert await accepted(books, deal) == {"Design accepted": Accepted(Decimal("0.6"), date(2026, 11, 2))}
    await tell(books, deal, "71", "Design accepted", "accepted", "1", date(2026, 11, 3), 3)
    await tell(books, deal, "71", "Design accepted", "open", "0", date(2026, 11, 4), 4)
    assert await accepted(books, deal) == {"Design accepted": Accepted(Decimal(0), date(2026, 11, 4))}


async def test_on_hold_what_was_accepted_stands(books: Books) -> None:
    deal = await fixed_fee(books)
    await tell(books, deal, "71", "Go-live", "accepted", "1", date(2026, 11, 3), 3)
    await tell(books, deal, "71", "Go-live", "on_hold", "0", None, 4)
    assert await accepted(books, deal) == {"Go-live": Accepted(Decimal(1), date(2026, 11, 3))}


async def test_an_older_state_that_comes_late_changes_nothing(books: Books) -> None:
    deal = await fixed_fee(books)
    await tell(books, deal, "71", "Go-live", "accepted", "1", date(2026, 11, 3), 3)
    await tell(books, deal, "71", "Go-live", "open", "0", None, 2)
    assert await accepted(books, deal) == {"Go-live": Accepted(Decimal(1), date(2026, 11, 3))}


async def test_of_two_with_one_name_the_first_counts_and_a_deleted_one_only_when_no_other_is_left(books: Books) -> None:
    deal = await fixed_fee(books)
    await tell(books, deal, "100", "Go-live", "accepted", "1", date(2026, 11, 5), 5)
    await tell(books, deal, "71", "Go-live", "accepted", "0.5", date(2026, 11, 3), 3)
    assert (await accepted(books, deal))["Go-live"].share == Decimal("0.5")
    async with books.database.transaction() as tx:
        found = {each["agreed"]: each["alike"] for each in await milestones.of_contract(tx, deal.engagement)}
    assert found == {"Design accepted": 0, "Go-live": 2}
    await tell(books, deal, "71", "Go-live", "deleted", "0", date(2026, 11, 6), 6)
    assert (await accepted(books, deal))["Go-live"].share == 1
    await tell(books, deal, "100", "Go-live", "deleted", "0", date(2026, 11, 7), 7)
    assert (await accepted(books, deal))["Go-live"].share == 0


async def test_milestones_of_other_projects_are_none_of_the_contract_s(books: Books) -> None:
    deal, other = await fixed_fee(books), await books.deal(2)
    await tell(books, other, "71", "Go-live", "accepted", "1", date(2026, 11, 3), 3)
    assert await accepted(books, deal) == {}
