"""The pack of an invoice: complete, sealed in the audit log, and no more than its reader may see."""

from __future__ import annotations

import json
import time as stopwatch
from collections.abc import Sequence
from decimal import Decimal

import pytest

from tieout.domain.access import Actor, Role
from tieout.domain.evidence.checking import check
from tieout.domain.evidence.facts import Facts
from tieout.domain.evidence.pack import CHAIN, FACTS, PAGE, unzipped
from tieout.domain.identity import content_hash
from tieout.engine.deeds import Refused, Unknown
from tieout.engine.evidence import Pack, evidence_pack
from tieout.store import audit
from tieout.store.database import row, rows
from tieout.testing.books import Books, Deal

pytestmark = pytest.mark.anyio


def reader(*roles: Role) -> Actor:
    return Actor("Anna Fischer", "anna.fischer@kestrel.example", frozenset(roles))


async def billed(books: Books) -> Deal:
    deal = await books.deal(1)
    await books.time(deal, [("T1", 1, 450), ("T2", 1, 100), ("T3", 2, 50)])
    await books.approval(deal, ["Amount above 20,000.00 USD"], requested_by="margaret.osei@kestrel.example")
    await books.posted(deal, await books.proposal(deal), "2026/0001", paid="10.00")
    return deal


async def pack_for(books: Books, roles: Sequence[Role] = ("finance",), **more: str) -> Pack:
    return await evidence_pack(books.database, books.now, "2026/0001", reader=reader(*roles), **more)


def facts_of(pack: Pack) -> Facts:
    checked = check(pack.data)
    assert checked.findings == ()
    assert checked.sealed == pack.seal
    assert checked.facts is not None
    return checked.facts


async def test_a_pack_has_everything_from_the_deal_to_the_payment_and_checks_out(books: Books) -> None:
    deal = await billed(books)
    pack = await pack_for(books)
    facts = facts_of(pack)
    assert pack.name == "evidence-2026-0001.zip"
    assert (facts.invoice.deal, facts.invoice.engagement) == (f"salesforce/{deal.opportunity}", deal.engagement)
    assert [(each.position, each.amount, each.verdict) for each in facts.lines] == [
        (1, Decimal("3117.80"), "ties out"),
        (2, Decimal("145.46"), "ties out"),
    ]
    assert [each.id for line in facts.lines for each in line.entries] == ["T1", "T2", "T3"]
    assert {each.kind for each in facts.documents} == {"contract", "customer", "engagement", "invoice", "project"}
    assert [each.title for each in facts.approvals] == ["Finance accepts the terms"]
    assert [each.amount for each in facts.invoice.payments] == [Decimal("10.00")]
    assert facts.read_back is not None
    async with books.database.transaction() as tx:
        told = await row(tx, "select body from time_entry_version where source_id = 'T1'")
        record = await row(tx, "select payload from message where kind = 'invoice'")
    assert told is not None
    assert record is not None
    assert facts.lines[0].entries[0].digest == content_hash(told["body"])
    assert facts.read_back.digest == content_hash(record["payload"])


async def test_making_a_pack_is_written_in_the_audit_log_with_its_digests(books: Books) -> None:
    deal = await billed(books)
    pack = await pack_for(books)
    async with books.database.transaction() as tx:
        (entry,) = await rows(tx, "select * from audit where action = 'evidence.pack'")
        assert (await audit.verify(tx)).head == entry["hash"] == pack.seal
    assert entry["object"] == f"{deal.engagement}-2026-10"
    assert set(entry["detail"]) == {FACTS, PAGE}
    second = await pack_for(books)
    links = json.loads(unzipped(second.data)[CHAIN])["stretches"]
    assert [each["said"]["action"] for each in links[-1]] == ["evidence.pack", "evidence.pack"]


async def test_what_lies_between_shows_that_it_is_there_and_not_what_it_says(books: Books) -> None:
    deal = await billed(books)
    async with books.database.transaction() as tx:
        await audit.append(tx, "anna", "approval.approved", "A-501", {"reason": "as agreed"}, books.now())
        for n in range(3):
            await audit.append(tx, "bob", "hold.assign", f"H-{n}", {"to": "a secret"}, books.now())
    pack = await pack_for(books)
    assert facts_of(pack).invoice.engagement == deal.engagement
    (stretch,) = json.loads(unzipped(pack.data)[CHAIN])["stretches"]
    assert [bool(each["said"]) for each in stretch] == [True, False, False, False, True]
    assert b"a secret" not in pack.data


async def test_a_long_way_between_two_entries_begins_a_new_stretch(books: Books) -> None:
    await billed(books)
    async with books.database.transaction() as tx:
        await audit.append(tx, "anna", "approval.approved", "A-501", {}, books.now())
        for n in range(300):
            await audit.append(tx, "bob", "hold.assign", f"H-{n}", {}, books.now())
    pack = await pack_for(books)
    assert facts_of(pack)
    assert [len(each) for each in json.loads(unzipped(pack.data)[CHAIN])["stretches"]] == [1, 1]


async def test_a_viewer_s_pack_names_nobody_and_checks_out_all_the_same(books: Books) -> None:
    await billed(books)
    async with books.database.transaction() as tx:
        await audit.append(tx, "anna", "approval.approved", "A-501", {"reason": "Priya is right"}, books.now())
    data = (await pack_for(books, ["viewer"])).data
    assert check(data).good
    hidden = ("K003", "Priya", "david.lindqvist", "margaret.osei", "workshop")
    assert not [each for each in hidden if each.encode() in data]
    shown = (await pack_for(books, ["finance"])).data
    assert [each for each in hidden if each.encode() in shown] == list(hidden)


async def test_no_pack_says_what_work_costs(books: Books) -> None:
    await billed(books)
    facts = json.loads(unzipped((await pack_for(books)).data)[FACTS])
    names: set[str] = set()

    def collect(value: object) -> None:
        if isinstance(value, dict):
            names.update(value)
            for each in value.values():
                collect(each)
        elif isinstance(value, list):
            for each in value:
                collect(each)

    collect(facts)
    assert names
    assert not [each for each in names if "cost" in each or "margin" in each or "salary" in each]


async def test_one_line_alone_by_its_position_or_its_key(books: Books) -> None:
    await billed(books)
    for line in ("2", "02"):
        pack = await pack_for(books, line=line)
        facts = facts_of(pack)
        assert (facts.covers, [each.position for each in facts.lines]) == ("line", [2])
        assert pack.name == "evidence-2026-0001-line-2.zip"
        assert [each.id for each in facts.lines[0].entries] == ["T3"]
    with pytest.raises(Unknown):
        await pack_for(books, line="9")


async def test_a_number_that_two_entities_have_must_say_whose(books: Books) -> None:
    await billed(books)
    other = await books.deal(2, entity="DE", name="Canary Holdings")
    await books.time(other, [("T9", 1, 60)])
    await books.posted(other, await books.proposal(other), "2026/0001")
    with pytest.raises(Refused, match="several invoices"):
        await pack_for(books)
    pack = await pack_for(books, entity="US")
    assert facts_of(pack).invoice.entity == "US"
    assert b"Canary Holdings" not in pack.data
    with pytest.raises(Unknown):
        await pack_for(books, entity="UK")


async def test_books_that_somebody_changed_make_a_pack_that_does_not_check_out(books: Books) -> None:
    await billed(books)
    async with books.database.transaction() as tx:
        await tx.execute("update evidence set amount = amount + 0.01 where source_id = 'T1'")
        await tx.execute(
            "update document set body = jsonb_set(body, '{versions,0,amount}', '\"1.00\"') where kind = 'contract'"
        )
        await audit.append(tx, "anna", "approval.approved", "A-501", {"reason": "as agreed"}, books.now())
        await tx.execute("update audit set actor = 'bob' where object = 'A-501'")
    parts = {each.part for each in check((await pack_for(books)).data).findings}
    assert parts == {"sums", "fingerprints", "chain"}


async def test_the_pack_of_a_thousand_entries_is_made_within_a_second(books: Books) -> None:
    deal = await books.deal(1)
    await books.time(deal, [(f"T{n}", 1 + n % 2, 15) for n in range(1000)])
    await books.posted(deal, await books.proposal(deal), "2026/0001")
    began = stopwatch.perf_counter()
    pack = await pack_for(books)
    took = stopwatch.perf_counter() - began
    began = stopwatch.perf_counter()
    assert len(facts_of(pack).lines[0].entries) == 500
    assert took < 1, f"{took:.2f} s"
    assert stopwatch.perf_counter() - began < 1
