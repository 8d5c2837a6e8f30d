"""An evidence pack proves itself: no byte can be changed unseen, and each part of the check finds what no other finds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tieout.domain.access import Actor
from tieout.domain.evidence.chain import Link, Said, content_digest, link_hash, whole_hash
from tieout.domain.evidence.checking import check
from tieout.domain.evidence.facts import (
    ApprovalFacts,
    DocumentFacts,
    EntryFacts,
    Facts,
    InvoiceFacts,
    LineFacts,
    RateFacts,
)
from tieout.domain.evidence.masking import masked
from tieout.domain.evidence.pack import (
    ACTION,
    CHAIN,
    FACTS,
    MANIFEST,
    PAGE,
    Chain,
    as_json,
    facts_file,
    manifest,
    packed,
    seal,
    unzipped,
    zipped,
)
from tieout.domain.evidence.page import page
from tieout.domain.identity import content_hash

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "schema" / "evidence" / "1.json"
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
CONTRACT = {"key": "ENG-1", "versions": [{"version": 1, "amount": "50000.00"}]}


def entry(id: str, minutes: int, amount: str) -> EntryFacts:
    return EntryFacts(
        connection="kantata", id=id, version="2026-10-06#1f", seen_at=NOON, digest="0" * 64, person="K003",
        person_name="Priya Raman", task="Discovery", work_date=date(2026, 10, 5), minutes=minutes, rate=Decimal("340.00"),
        agreed=Decimal("340.00"), amount=Decimal(amount), approved_by="david.lindqvist@kestrel.example", approved_at=NOON,
        contract_version=1, rate_card="US 2026", rate_card_version=1, mapping="kantata.time_entry@1", notes="<b>workshop</b>",
    )  # fmt: skip


def facts() -> Facts:
    line = LineFacts(
        line="01", position=1, description="Data Foundation: Discovery", task="Discovery", role="Principal",
        quantity=Decimal("9.17"), unit_price=Decimal("340.00"), amount=Decimal("3117.80"), rounding=Decimal("1.13"),
        erp_amount=Decimal("3117.80"), verdict="ties out", entries=(entry("T1", 450, "2550.00"), entry("T2", 100, "566.67")),
    )  # fmt: skip
    invoice = InvoiceFacts(
        key="ENG-1-2026-10", number="2026/0001", state="posted", entity="US", currency="USD", customer="CUS-1",
        customer_name="Ridgeway & Sons", engagement="ENG-1", deal="salesforce/006", project="PRJ-1", project_name="Data",
        through=date(2026, 10, 31), invoice_date=None, due_date=None, net=Decimal("3117.80"), tax=Decimal("249.42"),
        total=Decimal("3367.22"), payments=(),
    )  # fmt: skip
    contract = DocumentFacts(
        kind="contract", key="ENG-1", version=1, schema_version=1, created_at=NOON, trail={}, body=CONTRACT,
        fingerprint=content_hash(["contract", 1, CONTRACT]),
    )  # fmt: skip
    approval = ApprovalFacts(
        id=501, title="Finance accepts", terms=[], terms_hash="t", state="approved", requested_at=NOON, decided_at=NOON,
        requested_by="david.lindqvist@kestrel.example", decided_by="anna.fischer@kestrel.example",
    )  # fmt: skip
    card = RateFacts(card="US 2026", version=1, valid_from=date(2026, 1, 1), rates={"Principal": Decimal("340.00")})
    return Facts(
        made_at=NOON, made_by="anna", made_for=("finance",), withheld=(), covers="invoice", invoice=invoice, lines=(line,), manual=(),
        documents=(contract,), rate_cards=(card,), approvals=(approval,), receipts=(), read_back=None,
    )  # fmt: skip


def link(number: int, previous: str, detail: dict[str, str], action: str = "hold.assign", told: bool = True) -> Link:
    said = Said(at=NOON, actor="anna", action=action, object="ENG-1-2026-10", detail=detail)
    content = content_digest(said.at, said.actor, said.action, said.object, said.detail)
    return Link(
        id=number, previous=previous, content=content, hash=link_hash(previous, content), said=said if told else None
    )


def chain_of(told: bytes, shown: bytes) -> Chain:
    first = link(7, "f" * 64, {"to": "anna"})
    between = link(8, first.hash, {"to": "somebody else"}, told=False)
    return Chain(stretches=((first, between, link(9, between.hash, seal(told, shown), ACTION)),))


def pack_of(facts: Facts) -> bytes:
    told, shown = facts_file(facts), page(facts)
    return packed(told, shown, chain_of(told, shown))


GOOD = pack_of(facts())


def test_a_pack_as_it_was_made_is_good() -> None:
    checked = check(GOOD)
    assert checked.findings == ()
    assert (checked.facts, checked.links) == (facts(), 3)
    assert len(checked.sealed) == 64


def test_whichever_byte_is_changed_the_pack_is_not_good() -> None:
    unseen = [n for n in range(len(GOOD)) if _good(GOOD[:n] + bytes([GOOD[n] ^ 1]) + GOOD[n + 1 :])]
    assert unseen == []


def _good(data: bytes) -> bool:
    """As `check` says, but only as far as it must look: every byte of a good pack is where it must be."""
    return data == GOOD or check(data).good


@given(st.integers(0, len(GOOD) - 1), st.integers(0, len(GOOD)), st.binary(max_size=40))
def test_whatever_is_put_in_place_of_a_part_the_pack_is_not_good(start: int, end: int, other: bytes) -> None:
    changed = GOOD[:start] + other + GOOD[max(start, end) :]
    checked = check(changed)
    assert checked.good == (changed == GOOD)
    assert checked.good or all(each.what for each in checked.findings)


def rebuilt(change: Callable[[dict[str, Any]], object], *, resealed: bool) -> bytes:
    """A pack by somebody who changes the facts, and then makes page, digests and, with `resealed`, the chain fit."""
    told = facts().model_dump(mode="json", by_alias=True)
    change(told)
    body = as_json(told)
    good = unzipped(GOOD)
    files = {FACTS: body, PAGE: good[PAGE], CHAIN: good[CHAIN]}
    if resealed:
        files[CHAIN] = as_json(chain_of(body, good[PAGE]).model_dump(mode="json"))
    return zipped({**files, MANIFEST: manifest(files)})


def _line(**change: Any) -> Callable[[dict[str, Any]], object]:
    return lambda told: told["lines"][0].update(change)


def _entry(**change: Any) -> Callable[[dict[str, Any]], object]:
    return lambda told: told["lines"][0]["entries"][0].update(change)


READING = {
    "source": "metering", "id": "r", "version": 1, "day": "2026-10-05", "units": "1", "amount": "2549.99",
    "seen_at": NOON.isoformat(), "digest": "",
}  # fmt: skip
SHARE = {
    "key": "ENG-1-2026-10", "engagement": "ENG-1", "deal": "", "project": "PRJ-1", "project_name": "Data", "state": "posted",
    "net": "3117.79", "tax": "249.42", "total": "3367.21", "payments": [],
}  # fmt: skip
# What a forger changes who can make everything else fit, the part that finds it, and what it says.
FORGED: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "an entry": (_entry(amount="2550.01"), "sums", "do not make 3117.80"),
    "its hours": (_entry(minutes=440), "sums", "is not 2550.00"),
    "a reading beneath it": (_entry(readings=[READING]), "sums", "the shares of its readings do not make 2550.00"),
    "the rounding": (_line(rounding="1.14"), "sums", "rounding of 1.14"),
    "the quantity": (_line(quantity="9.20"), "sums", "9.20 at 340.00"),
    "the line": (_line(amount="3117.81"), "sums", "3117.81"),
    "what the ERP said": (_line(erp_amount="3000.00"), "sums", "its verdict is “differs”"),
    "the net": (lambda told: told["invoice"].update(net="3117.81"), "sums", "do not make the net"),
    "the tax": (lambda told: told["invoice"].update(tax="0.00"), "sums", "do not make the total"),
    "the contract": (
        lambda told: told["documents"][0]["body"]["versions"][0].update(amount="1.00"), "fingerprints", "this fingerprint",
    ),
    "the contract's version": (_entry(contract_version=2), "references", "contract version 2, which is not in the pack"),
    "the rate card": (_entry(rate_card_version=2), "references", "US 2026 version 2, which is not in the pack"),
    "the rate": (lambda told: told["rate_cards"][0]["rates"].update(Principal="300.00"), "references", "300.00"),
    "the day": (_entry(work_date="2025-12-31"), "references", "before US 2026 version 1 was in force"),
    "the shares": (lambda told: told.update(members=[SHARE]), "members", "shares do not make the net of 3117.80"),
    "whose line it is": (lambda told: told.update(members=[SHARE]), "members", "is of nobody"),
    "a share's lines": (lambda told: told.update(members=[SHARE]), "members", "do not make its net of 3,117.79 USD"),
    "a name": (_entry(person_name="Somebody Else"), "seal", "sealed in its audit log"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_who_changes_a_fact_and_makes_the_rest_fit_is_found_by_the_part_that_looks_there(what: str) -> None:
    change, part, said = FORGED[what]
    forged = rebuilt(change, resealed=part != "seal")
    findings = check(forged).findings
    assert {each.part for each in findings} == {part}
    assert any(said in each.what for each in findings), findings
    assert check(forged, sabotage=frozenset((part,))).good, "a verifier that skips the part lets it pass"


def chained(change: Callable[[list[dict[str, Any]]], object]) -> bytes:
    """A pack whose audit entries somebody has changed; the digests fit."""
    files = unzipped(GOOD)
    told = json.loads(files[CHAIN])
    change(told["stretches"][0])
    files[CHAIN] = as_json(told)
    del files[MANIFEST]
    return zipped({**files, MANIFEST: manifest(files)})


CHAINED: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "what an entry says": lambda links: links[0]["said"]["detail"].update(to="bob"),
    "who did it": lambda links: links[0]["said"].update(actor="bob"),
    "when": lambda links: links[0]["said"].update(at="2026-11-01T12:00:00Z"),
    "an entry is left out": lambda links: links.pop(1),
    "two are swapped": lambda links: links.insert(0, links.pop(1)),
    "the content of one that says nothing": lambda links: links[1].update(content="0" * 64),
    "the beginning": lambda links: links[0].update(previous="0" * 64),
}


@pytest.mark.parametrize("what", CHAINED)
def test_a_changed_chain_is_found(what: str) -> None:
    forged = chained(CHAINED[what])
    assert {each.part for each in check(forged).findings} == {"chain"}
    assert check(forged, sabotage=frozenset(("chain",))).good


def test_files_beside_their_digests_and_a_zip_with_room_for_more_are_found() -> None:
    files = unzipped(GOOD)
    other = zipped({**files, PAGE: files[PAGE].replace(b"3,117.80", b"9,117.80")})
    assert {each.part for each in check(other).findings} == {"digests", "seal"}
    loose = GOOD + b" "
    assert [each.part for each in check(loose).findings] == ["container"]
    assert check(loose, sabotage=frozenset(("container",))).good


def test_something_else_is_no_pack_and_says_so() -> None:
    for data in (b"", b"PK", b"<html>", zipped(dict.fromkeys((FACTS, PAGE, CHAIN, MANIFEST), b""))):
        assert not check(data).good
        assert check(data).findings[0].what.endswith(".")


def test_an_entry_of_the_first_version_proves_its_place_by_what_it_says() -> None:
    said = Said(at=NOON, actor="anna", action="hold.assign", object="H-1", detail={})
    old = Link(id=6, previous="", content=None, hash=whole_hash("", NOON, "anna", "hold.assign", "H-1", {}), said=said)
    told, shown = facts_file(facts()), page(facts())

    def pack(first: Link) -> bytes:
        last = link(9, first.hash, seal(told, shown), ACTION)
        return packed(told, shown, Chain(stretches=((first, last),)))

    assert check(pack(old)).good
    assert check(pack(old.model_copy(update={"said": None}))).good
    lie = old.model_copy(update={"said": said.model_copy(update={"actor": "bob"})})
    assert [each.part for each in check(pack(lie)).findings] == ["chain"]


def test_the_published_schema_is_that_of_today_and_fits_a_pack() -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Facts.model_json_schema()}
    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("TIEOUT_WRITE_SNAPSHOTS"):
        SCHEMA_FILE.write_text(text)
    assert SCHEMA_FILE.read_text() == text, "a change of what packs say is a new version of their schema"
    Draft202012Validator(schema).validate(json.loads(unzipped(GOOD)[FACTS]))


def test_the_page_stands_alone_and_escapes_what_people_wrote() -> None:
    text = page(facts()).decode()
    assert "&lt;b&gt;workshop" in text
    assert "Ridgeway &amp; Sons" in text
    assert "<script" not in text
    assert "http" not in text
    assert "@media print" in text


def test_who_may_not_see_people_gets_numbers_that_mean_one_person_each() -> None:
    viewer, finance = (Actor("V", "v@kestrel.example", frozenset((role,))) for role in ("viewer", "finance"))
    assert masked(facts(), finance) == facts()
    told = masked(facts(), viewer)
    text = facts_file(told).decode() + page(told).decode()
    assert not [each for each in ("K003", "Priya", "david.lindqvist", "anna.fischer", "workshop") if each in text]
    assert told.lines[0].entries[0].approved_by == told.approvals[0].requested_by != told.approvals[0].decided_by
    assert len(told.withheld) == 2
    assert check(pack_of(told)).good
