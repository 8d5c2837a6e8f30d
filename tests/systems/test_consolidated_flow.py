"""The document of several engagements from the cut-off to the ERP and back, with a finance that posts, edits and deletes meanwhile."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.systems.cut_off import CutOff, Ledger, dies
from tests.systems.test_consolidated import deals

from tieout import sandbox
from tieout.domain.consolidating import Consolidation
from tieout.engine.operator import Operator
from tieout.folder.loading import load
from tieout.store import runs
from tieout.store.figures import figures
from tieout.systems.register import Register
from tieout.testing.books import Books, Deal
from tieout.testing.crash import FragileDatabase, When
from tieout.testing.hand import settle

pytestmark = pytest.mark.anyio
FIRM = load(Path(sandbox.__file__).parent / "firm" / "kestrel").model_copy(
    update={"consolidated": (Consolidation(one_per="customer"),)}
)
# A sample on every commit; the books here have room for a walk of every third moment (3).
STEP = int(os.environ.get("TIEOUT_CRASH_STEP", "29"))


@pytest.fixture
async def cut_off(books: Books) -> AsyncGenerator[CutOff, None]:
    """Every test moves documents, so every test ends with books that tie out."""
    hub = CutOff(books, books.database, FIRM)
    yield hub
    assert (await figures(books.database)).ties_out


async def with_one_that_waits(hub: CutOff) -> tuple[list[Deal], str]:
    """Three engagements at their cut-off, the last one without the order that it needs; and the document of the others."""
    three = await deals(hub.books, 3)
    await tell(hub, three[2], po_required=True)
    await hub.settle()
    ((key, lines),) = hub.drafts().items()
    assert lines == 2
    assert sorted(await hub.holds()) == ["billing.po_missing", "invoice.incomplete"]
    return three, key


async def tell(hub: CutOff, deal: Deal, **facts: Any) -> None:
    register = Register(hub.database, hub.books.now)
    found = await register.engagement(deal.engagement)
    assert found is not None
    await register.save(found.model_copy(update=facts), entity="US", engagement=deal.engagement)


async def go_on(hub: CutOff, deal: Deal) -> None:
    """The order has come: what waited is decided."""
    await tell(hub, deal, po_number="PO-1")
    async with hub.database.transaction() as tx:
        assert await runs.release(tx, f"time_to_invoice:{deal.engagement}/2026-10:1", hub.books.now(), False)


def only(hub: CutOff) -> str:
    (record,) = hub.ledger.records
    return record


async def test_who_waits_is_left_out_and_told_and_comes_on_the_draft_when_it_is_decided(cut_off: CutOff) -> None:
    three, key = await with_one_that_waits(cut_off)
    await go_on(cut_off, three[2])
    await cut_off.settle()
    assert cut_off.drafts() == {key: 3}
    assert cut_off.ledger.made == 2
    assert await cut_off.holds() == []
    assert {(each["state"], each["record_id"]) for each in await cut_off.rows("select * from invoice")} == {
        ("draft", only(cut_off))
    }
    effects = await cut_off.rows(
        "select version, state from effect where operation = 'invoice.propose' order by version"
    )
    assert effects == [{"version": "0001", "state": "done"}, {"version": "0002", "state": "done"}]
    await cut_off.settle()
    assert cut_off.ledger.made == 2, "looking again makes nothing"


async def test_what_finance_decides_comes_back_to_each_engagement_with_its_share(cut_off: CutOff) -> None:
    three = await deals(cut_off.books, 3)
    await cut_off.settle()
    record = only(cut_off)
    cut_off.ledger.post(record)
    cut_off.ledger.pay(record, "1000.01")
    await cut_off.settle()
    told = [cut_off.crm.told[f"{each.opportunity}/money"] for each in three]
    assert {each["invoice_status"] for each in told} == {"partly paid"}
    assert [each["paid"] for each in told] == ["166.67", "333.34", "500.00"]
    shown = [cut_off.crm.told[f"{each.engagement}-2026-10"] for each in three]
    assert {each["number"] for each in shown} == {f"2026/{record}"}
    assert [each["total"] for each in shown] == ["340.00", "680.00", "1020.00"]
    cut_off.ledger.pay(record, "1039.99")
    await cut_off.settle()
    assert {cut_off.crm.told[f"{each.opportunity}/money"]["invoice_status"] for each in three} == {"paid"}


async def test_finance_posts_before_the_latecomer_and_its_draft_is_another_one(cut_off: CutOff) -> None:
    three, key = await with_one_that_waits(cut_off)
    cut_off.ledger.post(only(cut_off))
    await cut_off.settle()
    assert await cut_off.holds() == ["billing.po_missing"], "what the draft left out is decided with it"
    await go_on(cut_off, three[2])
    await cut_off.settle()
    assert cut_off.drafts() == {key: 2, f"{key}-2": 1}


async def test_finance_posts_in_the_very_moment_in_which_the_draft_is_to_be_made_anew(cut_off: CutOff) -> None:
    three, key = await with_one_that_waits(cut_off)
    cut_off.ledger.posts_at_once = True
    await go_on(cut_off, three[2])
    await cut_off.settle()
    assert cut_off.drafts() == {key: 2, f"{key}-2": 1}
    assert "target.refused" not in await cut_off.holds()


async def test_a_draft_that_finance_has_changed_is_left_as_it_is(cut_off: CutOff) -> None:
    three, key = await with_one_that_waits(cut_off)
    cut_off.ledger.records[only(cut_off)]["lines"][0]["description"] = "Consulting in October"
    await go_on(cut_off, three[2])
    await cut_off.settle()
    assert cut_off.drafts() == {key: 2, f"{key}-2": 1}


async def joined_while_an_answer_was_lost(
    books: Books, sabotage: frozenset[str] = frozenset()
) -> tuple[list[int], list[str]]:
    """The lines of each draft that the ERP has in the end, and what waits for a person."""
    hub = CutOff(books, books.database, FIRM, sabotage)
    three = await deals(books, 3)
    await tell(hub, three[2], po_required=True)
    hub.ledger.silent = True
    await settle(hub)
    await go_on(hub, three[2])
    await hub.settle()
    return list(hub.drafts().values()), await hub.holds()


async def test_a_lost_answer_makes_no_second_draft_even_when_another_joins_meanwhile(books: Books) -> None:
    assert await joined_while_an_answer_was_lost(books) == ([3], [])


async def test_a_hub_that_does_not_settle_the_version_before_is_noticed(books: Books) -> None:
    lines, holds = await joined_while_an_answer_was_lost(books, frozenset({"forget_unsettled"}))
    assert lines == [2]
    assert "invoice.totals_differ" in holds


async def drafted_without_an_answer(books: Books, sabotage: frozenset[str] = frozenset()) -> int:
    """The ERP makes what it is asked for however often, and loses its first answer: how many drafts there are in the end."""
    hub = CutOff(books, books.database, FIRM, sabotage)
    hub.ledger.blind = hub.ledger.silent = True
    await deals(books, 2)
    await hub.settle()
    return len(hub.ledger.records)


async def test_a_draft_whose_answer_was_lost_is_looked_for_and_not_made_again(books: Books) -> None:
    assert await drafted_without_an_answer(books) == 1


async def test_a_hub_that_forgets_what_it_sent_is_noticed(books: Books) -> None:
    assert await drafted_without_an_answer(books, frozenset({"fresh_key"})) > 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_moment_leaves_one_document_with_everybody_on_it(
    books: Books, database_url: str, when: When
) -> None:
    at, number, ledger = 1 + (STEP // 2 if when == "after" else 0), 1, Ledger()
    fragile = FragileDatabase(database_url, ledger.fuse)
    await fragile.open()
    try:
        while True:
            two = await deals(books, 2, number)
            hub = CutOff(books, fragile, FIRM, ledger=ledger)
            await tell(hub, two[1], po_required=True)
            await hub.settle()
            await go_on(hub, two[1])
            ledger.fuse.light(at, when)
            died = await dies(hub)
            ledger.fuse.light(0, when)
            hub = CutOff(books, fragile, FIRM, ledger=ledger)
            await hub.settle()
            await has_everybody_once(hub, two)
            if not died:
                break
            at, number = at + STEP, number + 2
    finally:
        await fragile.close()
    assert number > 3, "the walk must meet moments of the refreshing"


async def test_a_hub_that_dies_right_after_it_took_the_draft_back_makes_the_next_one(cut_off: CutOff) -> None:
    three, key = await with_one_that_waits(cut_off)
    await go_on(cut_off, three[2])
    cut_off.ledger.fuse.light(0, "after", "invoice.withdraw")
    assert await dies(cut_off)
    assert cut_off.drafts() == {}
    cut_off.ledger.fuse.light(0, "after")
    await cut_off.settle()
    assert cut_off.drafts() == {key: 3}


async def has_everybody_once(hub: CutOff, engagements: Sequence[Deal]) -> None:
    """One document of these engagements, in the ERP as in the books."""
    keys = [each.engagement for each in engagements]
    ours = await hub.rows("select consolidated, state, record_id from invoice where engagement = any(%s)", keys)
    (document,) = {each["consolidated"] for each in ours}
    (record,) = [each for each, told in hub.ledger.records.items() if told["reference"] == document]
    assert len(hub.ledger.records[record]["lines"]) == len(keys)
    assert [(each["state"], each["record_id"]) for each in ours] == [("draft", record)] * len(keys)


async def test_t42_one_engagement_s_share_is_taken_back_by_the_hub_and_pays_for_that_one_alone(cut_off: CutOff) -> None:
    first, second, _ = await deals(cut_off.books, 3)
    await cut_off.settle()
    record, ledger = only(cut_off), cut_off.ledger
    ledger.post(record)
    await cut_off.settle()
    key, operator = f"{second.engagement}-2026-10", Operator(cut_off.database, cut_off.books.now)
    await operator.corrections.credit(key, reason="billed to the wrong company", actor="anna")
    await cut_off.settle()
    (asked,) = await cut_off.rows("select id from approval where state = 'open'")
    await operator.answer_approval(asked["id"], approve=True, actor="carlos")
    await cut_off.settle()
    (note,) = [each for each, told in ledger.records.items() if told["reference"] == f"{key}-R"]
    assert ledger.records[note]["net"] == "-680.00"
    ledger.post(note)
    ledger.records[note] |= {"open_amount": "0.00", "state": "paid"}
    ledger.pay(record, "680.00")
    await cut_off.settle()
    status = {each: cut_off.crm.told[f"{each}-2026-10"]["state"] for each in (first.engagement, second.engagement)}
    assert status == {first.engagement: "posted", second.engagement: "credited"}
    assert cut_off.crm.told[key]["paid"] == "0.00", "a credit note is nobody's payment"
    assert [each["source_id"] for each in await cut_off.rows("select source_id from unbilled")] == ["T2"]


async def test_finance_deletes_the_draft_and_a_person_frees_the_work_of_all(cut_off: CutOff) -> None:
    three = await deals(cut_off.books, 3)
    await cut_off.settle()
    del cut_off.ledger.records[only(cut_off)]
    async with cut_off.database.transaction() as tx:
        await tx.execute(
            "update run set state = 'queued', handed_over = false, generation = generation + 1 where flow = 'drafts_still_there'"
        )
    await cut_off.settle()
    (hold,) = await cut_off.rows("select id, code, facts from hold where state = 'open'")
    assert (hold["code"], hold["facts"]["invoice"][:4]) == ("invoice.vanished", "CON-")
    await Operator(cut_off.database, cut_off.books.now).decide(
        hold["id"], choice="release", reason="wrong month", actor="anna"
    )
    await cut_off.settle()
    assert {each["state"] for each in await cut_off.rows("select state from invoice")} == {"cancelled"}
    assert [each["minutes"] for each in await cut_off.rows("select minutes from unbilled order by minutes")] == [
        60,
        120,
        180,
    ]
    assert len(three) == 3


async def test_t16_a_credited_line_asks_in_its_own_engagement_what_becomes_of_its_work(cut_off: CutOff) -> None:
    first, second, _ = await deals(cut_off.books, 3)
    await cut_off.settle()
    record = only(cut_off)
    cut_off.ledger.post(record)
    await cut_off.settle()
    line = next(each for each in cut_off.ledger.records[record]["lines"] if second.project in each["description"])
    note = cut_off.ledger.credit(line, record)
    await cut_off.settle()
    (hold,) = await cut_off.rows("select id, code, engagement, facts from hold where state = 'open'")
    assert (hold["code"], hold["engagement"], hold["facts"]["credit"]) == (
        "billing.credited",
        second.engagement,
        f"CN/{record}",
    )
    assert cut_off.crm.told[f"{second.engagement}-2026-10-C{note}"]["net"] == "-680.00"
    assert cut_off.crm.told[f"{second.opportunity}/money"]["invoice_status"] == "posted, credited in part"
    await Operator(cut_off.database, cut_off.books.now).decide(
        hold["id"], choice="write_off", reason="agreed", actor="anna"
    )
    await cut_off.settle()
    assert await cut_off.holds() == []
    (aside,) = await cut_off.rows("select engagement, fate, minutes from piece")
    assert (aside["engagement"], aside["fate"], aside["minutes"]) == (second.engagement, "written_off", 120)
    assert cut_off.crm.told[f"{first.opportunity}/money"]["billed"] == "340.00"


async def test_a_line_by_hand_on_the_posted_document_is_a_difference(cut_off: CutOff) -> None:
    await deals(cut_off.books, 2)
    await cut_off.settle()
    record = only(cut_off)
    told = cut_off.ledger.records[record]
    told["lines"].append({"description": "Travel", "quantity": "1", "unit_price": "20.00", "amount": "20.00"})
    told |= {"net": "1040.00", "total": "1040.00", "open_amount": "1040.00"}
    cut_off.ledger.post(record)
    await cut_off.settle()
    assert await cut_off.holds() == ["invoice.totals_differ"]
    shares = await cut_off.rows("select total from invoice order by key")
    assert sum(each["total"] for each in shares) == Decimal(1040)
    told["lines"].pop()
    told |= {"net": "1020.00", "total": "1020.00", "open_amount": "1020.00"}
    await cut_off.settle()
    assert await cut_off.holds() == []
