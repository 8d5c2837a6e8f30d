"""Every check of the contract suite turns red: each has a connector, a target or an engine with the bug that it is for."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from tests.connectors.contract import kantata_bench, notebook

from tieout.connectors.contract import (
    Claim,
    Guarantee,
    Health,
    Operation,
    OutcomeUnknown,
    Page,
    Reading,
    Receipt,
    Write,
)
from tieout.connectors.transports.http import Request
from tieout.domain.documents.customer import Customer
from tieout.domain.problems import Misconfigured, Problem, Rejected, Transient
from tieout.store.database import Database
from tieout.testing.contract import CHECKS, Broken, ConnectorBench, Feed, Trial

pytestmark = pytest.mark.anyio
_numbers = itertools.count(1)


class Mutant:
    """A connector that is right in all that a subclass does not spoil."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class TakesATimeoutForAFailure(Mutant):
    async def send(self, operation: str, request: bytes) -> Receipt:
        try:
            return await self.inner.send(operation, request)
        except OutcomeUnknown as unknown:
            raise Transient(str(unknown)) from unknown


class BelievesThatItArrived(Mutant):
    async def send(self, operation: str, request: bytes) -> Receipt:
        try:
            return await self.inner.send(operation, request)
        except OutcomeUnknown:
            return Receipt("it will have worked")


class AsksAPersonAboutTheWeather(Mutant):
    """A 503 becomes a hold."""

    async def send(self, operation: str, request: bytes) -> Receipt:
        try:
            return await self.inner.send(operation, request)
        except (OutcomeUnknown, Transient) as away:
            raise refusal(str(away)) from away


class PreparesSomethingNewEachTime(Mutant):
    async def prepare(self, write: Write) -> bytes:
        sent = Request.decode(await self.inner.prepare(write))
        return replace(sent, body={**sent.body, "try": str(next(_numbers))}).encode()


class WritesWhilePreparing(Mutant):
    async def prepare(self, write: Write) -> bytes:
        request = await self.inner.prepare(write)
        await self.inner.send(write.operation, request)
        return request


class RefusesWhatItCannotPrepare(Mutant):
    async def prepare(self, write: Write) -> bytes:
        try:
            await self.inner.check()
        except Transient as away:
            raise refusal("the books lack it") from away
        return await self.inner.prepare(write)


class FindsNothing(Mutant):
    async def find(self, write: Write) -> Receipt | None:
        return None


class FindsWhatItIsAskedFor(Mutant):
    async def find(self, write: Write) -> Receipt | None:
        return await self.inner.find(write) or Receipt(write.subject)


class SeesNothingInTheDark(Mutant):
    """A look-up that failed is told as: not there."""

    async def find(self, write: Write) -> Receipt | None:
        try:
            return await self.inner.find(write)
        except Transient:
            return None


class NeedsTheBodyToFind(Mutant):
    async def find(self, write: Write) -> Receipt | None:
        return await self.inner.find(write) if write.body else None


class FindsOneOfTwo(Mutant):
    async def find(self, write: Write) -> Receipt | None:
        found = await self.inner.find(write)
        return replace(found, others=()) if found else None


class SpeaksForTheSystem(Mutant):
    async def send(self, operation: str, request: bytes) -> Receipt:
        try:
            return await self.inner.send(operation, request)
        except Rejected as refused:
            raise refusal("something was wrong") from refused


class TakesAStrangerForATransient(Mutant):
    async def check(self) -> Health:
        return await self._tried(self.inner.check())

    async def send(self, operation: str, request: bytes) -> Receipt:
        return await self._tried(self.inner.send(operation, request))

    async def _tried(self, act: Any) -> Any:
        try:
            return await act
        except Misconfigured as wrong:
            raise Transient(str(wrong)) from wrong


class ForgetsItsName(Mutant):
    async def check(self) -> Health:
        try:
            return await self.inner.check()
        except Misconfigured as wrong:
            raise Misconfigured(wrong.args[0]) from wrong


class IsAlwaysWell(Mutant):
    async def check(self) -> Health:
        try:
            return await self.inner.check()
        except Transient:
            return Health(ok=True, detail="fine", user="anna")


class IsNobody(Mutant):
    async def check(self) -> Health:
        return Health(ok=True, detail="connected")


class DescribesNothing(Mutant):
    async def describe(self) -> Mapping[str, Any]:
        return {}


class LinksToNowhere(Mutant):
    def link(self, ref: Any) -> str:
        return f"see {ref.id}"


class KnowsEveryKind(Mutant):
    async def changes(self, kind: str, since: str | None) -> Page:
        return await self.inner.changes("note", since)


class OpensInABetterClass(Mutant):
    def operation(self, name: str) -> Operation:
        return replace(self.inner.operation(name), guarantee=Guarantee.UPSERT)


class SaysThatItMakesNothing(Mutant):
    def operation(self, name: str) -> Operation:
        return replace(self.inner.operation(name), creates="")


class SaysThatItMakesNotes(Mutant):
    def operation(self, name: str) -> Operation:
        return replace(self.inner.operation(name), creates="note")


class MakesOneMoreForLuck(Mutant):
    async def send(self, operation: str, request: bytes) -> Receipt:
        await self.inner.send(operation, request)
        return await self.inner.send(operation, request)


class MovesMoneyOnTrust(Mutant):
    def operation(self, name: str) -> Operation:
        return replace(self.inner.operation(name), money=Claim.MOVED)


class ShowsItsToken(Mutant):
    def __repr__(self) -> str:
        return f"Notebook({self.inner._config.token.get_secret_value()})"


class LogsItsToken(Mutant):
    async def check(self) -> Health:
        logging.getLogger("notebook").debug("asking with %s", self.inner._config.token.get_secret_value())
        return await self.inner.check()


class ReadsWithoutOverlap(Mutant):
    async def changes(self, kind: str, since: str | None) -> Page:
        page = await self.inner.changes(kind, since)
        newest = max((each.version.partition("#")[0] for each in page.changes), default="")
        return replace(page, cursor=max(newest, since or ""))


class SkipsWhatItTold(Mutant):
    """The second reading of a cursor tells less than the first."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.told = set[str]()

    async def changes(self, kind: str, since: str | None) -> Page:
        page = await self.inner.changes(kind, since)
        news = [each for each in page.changes if each.version not in self.told]
        self.told |= {each.version for each in news}
        return replace(page, changes=news)


class SeesEachRecordOnce(Mutant):
    """A later state of a record that was told already is dropped."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.told = set[str]()

    async def changes(self, kind: str, since: str | None) -> Page:
        page = await self.inner.changes(kind, since)
        news = [each for each in page.changes if each.ref.id not in self.told]
        self.told |= {each.ref.id for each in news}
        return replace(page, changes=news)


class Stamps(Mutant):
    """Tells every stamp in a way of its own."""

    async def changes(self, kind: str, since: str | None) -> Page:
        page = await self.inner.changes(kind, since)
        return replace(page, changes=[self._told(each) for each in page.changes])

    async def look(self, ref: Any) -> Any:
        found = await self.inner.look(ref)
        return found and self._told(found)

    def _told(self, change: Any) -> Any:
        stamp, _, content = change.version.partition("#")
        return replace(change, version=f"{self.told(datetime.fromisoformat(stamp))}#{content}")

    def told(self, moment: datetime) -> str:
        raise NotImplementedError


class TellsTheTimeOfItsOwnZone(Stamps):
    """Which moves with the season, here with every minute."""

    def told(self, moment: datetime) -> str:
        return moment.astimezone(timezone(timedelta(hours=-(moment.minute % 2)))).isoformat()


class SaysNoMoreThanItMust(Stamps):
    """A full hour has no minutes, and is after every minute that follows it."""

    def told(self, moment: datetime) -> str:
        return f"{moment:%Y-%m-%dT%H:%M}Z" if moment.minute % 2 else f"{moment:%Y-%m-%dT%H}Z"


class PutsASecondMark(Stamps):
    def told(self, moment: datetime) -> str:
        return f"{moment.isoformat()}#v"


class SeesNoDeletions(Mutant):
    async def changes(self, kind: str, since: str | None) -> Page:
        page = await self.inner.changes(kind, since)
        return replace(page, changes=[each for each in page.changes if not each.deleted])


class LooksWithOtherEyes(Mutant):
    async def look(self, ref: Any) -> Any:
        found = await self.inner.look(ref)
        return replace(found, version=found.version + "0")


class TakesDarknessForEmptiness(Mutant):
    async def changes(self, kind: str, since: str | None) -> Page:
        try:
            return await self.inner.changes(kind, since)
        except Transient:
            return Page([], since or "", more=False)


class ReadsAnotherVersion(Mutant):
    async def read(self, ref: Any) -> Reading:
        return Reading(Customer(key="CUS-1", name="Globex", source_id=ref.id), "1#1", {"name": {"source": "Name"}})


def refusal(quote: str) -> Rejected:
    facts = {"system": "x", "action": "write", "subject": "it", "amount": "it", "link": ""}
    return Rejected(Problem("target.refused", facts, quote=quote))


@dataclass(frozen=True)
class Saboteur:
    """A check, what it is about, and what makes it red: a mutant, a target that forgets, or an engine that does."""

    check: str
    subject: str = ""
    mutant: type[Mutant] | None = None
    unique: bool = True
    engine: str = ""
    says: str = ""

    def __str__(self) -> str:
        return f"{self.check}-{self.mutant.__name__ if self.mutant else self.engine or 'target'}"

    def bench(self) -> ConnectorBench:
        if self.engine:
            return kantata_bench.bench()
        mutant = self.mutant or Mutant
        spec = replace(notebook.SPEC, open=lambda opening: mutant(notebook.opened(opening)))
        return notebook.bench(notebook.Pages(unique=self.unique), spec)


POST, ADD, PUT = "note.post", "note.add", "note.put"
ONE = "whatever_breaks_there_is_exactly_one_in_the_end"
SABOTEURS = (
    Saboteur("a_check_says_who_we_are", mutant=IsNobody),
    Saboteur("the_records_of_the_system_are_described", mutant=DescribesNothing),
    Saboteur("a_link_is_an_address_or_nothing", mutant=LinksToNowhere),
    Saboteur("an_unknown_word_is_a_mistake_of_the_caller", mutant=KnowsEveryKind),
    Saboteur("the_spec_tells_the_operations_of_the_connection", mutant=OpensInABetterClass),
    Saboteur("a_connection_that_cannot_be_opened_says_so", mutant=IsAlwaysWell),
    Saboteur("wrong_credentials_name_the_connection", mutant=ForgetsItsName, says="does not name"),
    Saboteur("wrong_credentials_name_the_connection", mutant=TakesAStrangerForATransient),
    Saboteur("no_secret_is_told", mutant=ShowsItsToken),
    Saboteur("no_secret_is_told", mutant=LogsItsToken),
    Saboteur("preparing_changes_nothing_and_gives_the_same_bytes", PUT, PreparesSomethingNewEachTime, says="different"),
    Saboteur("preparing_changes_nothing_and_gives_the_same_bytes", PUT, WritesWhilePreparing, says="preparing sent"),
    Saboteur("what_was_sent_is_there_and_is_found", ADD, FindsNothing),
    Saboteur("what_was_sent_is_there_and_is_found", ADD, FindsWhatItIsAskedFor, says="is not there"),
    Saboteur("the_declared_guarantee_is_true", ADD, unique=False, says="did not refuse the second one"),
    Saboteur("the_declared_guarantee_is_true", PUT, unique=False),
    Saboteur("the_declared_guarantee_is_true", "note.pay", unique=False),
    Saboteur("the_declared_guarantee_is_true", POST, NeedsTheBodyToFind, says="second look"),
    Saboteur("it_makes_what_it_says", POST, SaysThatItMakesNothing, says="creates nothing"),
    Saboteur("it_makes_what_it_says", POST, SaysThatItMakesNotes, says="entry"),
    Saboteur("it_makes_what_it_says", POST, MakesOneMoreForLuck, says="2 more"),
    Saboteur("money_moves_only_where_a_second_time_is_stopped", POST, MovesMoneyOnTrust, says="class D"),
    Saboteur("money_moves_only_where_a_second_time_is_stopped", "note.fax", MovesMoneyOnTrust, says="class E"),
    Saboteur(
        "the_spec_tells_the_operations_of_the_connection", mutant=SaysThatItMakesNothing, says="not what the spec"
    ),
    Saboteur("a_refusal_quotes_the_system", PUT, SpeaksForTheSystem),
    Saboteur("a_stranger_writes_nothing", PUT, TakesAStrangerForATransient),
    Saboteur("a_lost_answer_is_unknown_and_the_effect_is_there", POST, TakesATimeoutForAFailure),
    Saboteur("a_timeout_before_the_effect_is_unknown_and_nothing_is_there", POST, TakesATimeoutForAFailure),
    Saboteur("a_system_that_is_away_is_tried_again", POST, AsksAPersonAboutTheWeather, says="Rejected"),
    Saboteur("a_system_that_is_away_is_tried_again", POST, TakesATimeoutForAFailure, says="the effect is there"),
    Saboteur("an_answer_that_proves_nothing_is_no_receipt", POST, BelievesThatItArrived),
    Saboteur("what_cannot_be_prepared_is_tried_again", POST, RefusesWhatItCannotPrepare),
    Saboteur("a_failed_look_up_is_no_answer", POST, SeesNothingInTheDark),
    Saboteur("a_late_twin_is_why_the_engine_waits", POST, FindsOneOfTwo),
    Saboteur(ONE, ADD, unique=False, says="are 2"),
    Saboteur(ONE, POST, TakesATimeoutForAFailure, says="asked again at once"),
    Saboteur(ONE, POST, FindsNothing, says="are 2"),
    Saboteur(ONE, "client.create", engine="fresh_key"),
    Saboteur(ONE, "client.create", engine="look_at_once"),
    Saboteur(ONE, "client.create", engine="mark_first"),
    Saboteur("three_runs_at_once_make_one", "client.create", engine="fresh_key"),
    Saboteur("the_same_cursor_tells_the_same", "note", SkipsWhatItTold),
    Saboteur("looking_agrees_with_the_sweep", "note", LooksWithOtherEyes),
    Saboteur("a_document_has_the_version_of_its_record", "note", ReadsAnotherVersion),
    Saboteur("a_change_is_seen", "note", SeesEachRecordOnce),
    Saboteur("versions_are_in_the_source_s_order", "note", TellsTheTimeOfItsOwnZone),
    Saboteur("versions_are_in_the_source_s_order", "note", SaysNoMoreThanItMust),
    Saboteur("versions_are_in_the_source_s_order", "note", PutsASecondMark),
    Saboteur("a_late_commit_is_seen", "note", ReadsWithoutOverlap),
    Saboteur("a_deletion_is_seen", "note", SeesNoDeletions),
    Saboteur("nothing_is_lost_whatever_the_order", "note", ReadsWithoutOverlap),
    Saboteur("nothing_is_lost_whatever_the_order", "note", SeesEachRecordOnce),
    Saboteur("what_cannot_be_read_tells_nothing", "note", TakesDarknessForEmptiness),
)


@pytest.mark.parametrize("saboteur", SABOTEURS, ids=str)
async def test_a_saboteur_is_caught(saboteur: Saboteur, books_of_effects: Database) -> None:
    bench = saboteur.bench()
    trial = Trial(bench, saboteur.subject, books_of_effects, frozenset(filter(None, [saboteur.engine])))
    with pytest.raises(Broken, match=saboteur.says or None):
        await CHECKS[saboteur.check](trial)
    await bench.close()


def test_every_check_has_a_saboteur() -> None:
    assert {each.check for each in SABOTEURS} == set(CHECKS)


async def test_a_bench_without_a_sample_a_feed_or_a_hand_is_told(books_of_effects: Database) -> None:
    async def nobody() -> str:
        return "N1"

    bare = replace(notebook.bench(), samples={}, feeds={})
    trial = Trial(bare, PUT, books_of_effects)
    with pytest.raises(Broken, match=r"no sample of note\.put"):
        await CHECKS["the_declared_guarantee_is_true"](trial)
    with pytest.raises(Broken, match="no census"):
        await CHECKS["it_makes_what_it_says"](Trial(replace(notebook.bench(), census=None), PUT, books_of_effects))
    with pytest.raises(Broken, match="no feed of note"):
        await CHECKS["a_change_is_seen"](replace(trial, subject="note"))
    idle = replace(bare, feeds={"note": Feed(nobody)})
    with pytest.raises(Broken, match="cannot “change”"):
        await CHECKS["a_change_is_seen"](Trial(idle, "note", books_of_effects))
    await bare.close()
