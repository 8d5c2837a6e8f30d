"""Time as the hub reads it: every state of an entry once, in the account's order, and deletions as well."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import ANY

import httpx2
import pytest
from pydantic import SecretStr

from tieout.connectors.contract import Change, Opening
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import SPEC, Kantata
from tieout.connectors.kantata.reading import Lines
from tieout.domain.documents.work import TimeEntry
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.domain.problems import Misconfigured, Transient

from .conftest import COLLEAGUE, Cast, open_connector
from .garbling import Garbling

pytestmark = pytest.mark.anyio


async def swept(hub: Kantata, since: str | None = None) -> tuple[list[Change], str]:
    """A whole sweep, over all its pages."""
    changes: list[Change] = []
    while True:
        page = await hub.changes("time_entry", since)
        changes += page.changes
        since = page.cursor
        if not page.more:
            return changes, since


def states(changes: list[Change]) -> dict[str, str]:
    """The last state of each entry, by the order that versions give."""
    ordered = sorted(changes, key=lambda each: each.version.split("#")[0])
    return {each.ref.id: each.record["state"] for each in ordered if each.record}


async def test_an_entry_says_all_that_a_bill_needs(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    entry = await firm.book(project, day="2026-10-15", minutes=90, notes="entity model")
    firm.clock.forward(hours=2)
    await firm.approve(await firm.submit(project, entry))
    (change,), _ = await swept(hub)
    assert change.record is not None
    assert {**change.record, "source_version": "-"} == {
        "source_id": entry["id"],
        "source_version": "-",
        "project": project["id"],
        "task": firm.story(project, "Data model"),
        "person": "K003",
        "person_name": "Priya Raman",
        "work_date": "2026-10-15",
        "minutes": 90,
        "billable_minutes": 90,
        "rate": "252.5",
        "currency": "USD",
        "state": "approved",
        "approved_by": "K002",
        "approved_at": "2026-10-05T18:00:00+00:00",
        "notes": "entity model",
        "mapping": "kantata.time_entry@1",
    }
    assert change.record["source_version"] == change.version
    assert change.amount == Money(Decimal("378.75"), "USD")
    assert change.ref == Ref("kantata", "time_entry", entry["id"])


async def test_a_person_without_a_number_is_known_by_e_mail_and_time_that_is_not_billable_is_worth_nothing(
    firm: Cast, hub: Kantata
) -> None:
    project = await firm.project()
    await firm.book(project, by=COLLEAGUE, task="Pipelines", billable=False)
    (change,), _ = await swept(hub)
    assert change.record is not None
    assert (change.record["person"], change.record["billable_minutes"]) == (COLLEAGUE, 0)
    assert change.amount == Money.zero("USD")


async def test_each_step_of_an_approval_is_a_later_state(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    entry = await firm.book(project)
    seen: list[tuple[str, str]] = []
    cursor: str | None = None

    async def look() -> None:
        nonlocal cursor
        changes, cursor = await swept(hub, cursor)
        newest = max(changes, key=lambda each: each.version.split("#")[0])
        assert newest.record is not None
        seen.append((newest.version.split("#")[0], newest.record["state"]))
        firm.clock.forward(hours=3)

    await look()
    submission = await firm.submit(project, entry)
    await look()
    await firm.approve(submission, "reject")
    await look()
    again = await firm.submit(project, entry)
    await look()
    await firm.approve(again)
    await look()
    await firm.approve(again, "cancel")
    await look()
    assert [state for _, state in seen] == ["draft", "submitted", "rejected", "submitted", "approved", "draft"]
    assert [stamp for stamp, _ in seen] == sorted(stamp for stamp, _ in seen)


async def test_an_approval_is_seen_although_it_does_not_touch_the_entry(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    entry = await firm.book(project)
    submission = await firm.submit(project, entry)
    _, cursor = await swept(hub)
    firm.clock.forward(days=3)
    await firm.approve(submission)
    (row,) = await firm.hub.list("/time_entries")
    assert row["updated_at"] == entry["updated_at"]
    changes, _ = await swept(hub, cursor)
    assert states(changes) == {entry["id"]: "approved"}


async def test_time_of_a_project_without_approvals_is_approved_as_it_is_booked(firm: Cast, hub: Kantata) -> None:
    project = await firm.project(require_time_approvals=False)
    await firm.book(project)
    (change,), _ = await swept(hub)
    assert change.record is not None
    assert (change.record["state"], change.record["approved_by"], change.record["approved_at"]) == (
        "approved",
        "",
        None,
    )


async def test_the_same_state_has_the_same_version_however_it_is_read(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    entry = await firm.book(project)
    await firm.approve(await firm.submit(project, entry))
    (first,), cursor = await swept(hub)
    again, _ = await swept(hub, cursor)
    looked = await hub.look(first.ref)
    reading = await hub.read(first.ref)
    assert looked is not None
    assert reading is not None
    assert {each.version for each in again} == {first.version} == {looked.version} == {reading.version}


async def test_invoicing_in_the_psa_does_not_change_what_we_read(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    entry = await firm.book(project)
    await firm.approve(await firm.submit(project, entry))
    (before,), _ = await swept(hub)
    firm.clock.forward(hours=1)
    await firm.approver.create("invoices", "invoice", workspace_id=project["id"], time_entry_ids=[entry["id"]])
    (after,), _ = await swept(hub)
    assert after.version.split("#")[1] == before.version.split("#")[1]


async def test_an_edit_is_a_new_state_and_old_ones_are_not_told_again(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    kept, edited = await firm.book(project), await firm.book(project, day="2026-10-06")
    _, cursor = await swept(hub)
    firm.clock.forward(days=1)
    await firm.consultant.ok("PUT", f"/time_entries/{edited['id']}", {"time_entry": {"time_in_minutes": 60}})
    changes, cursor = await swept(hub, cursor)
    assert [each.ref.id for each in changes if each.record and each.record["minutes"] == 60] == [edited["id"]]
    again, _ = await swept(hub, cursor)
    assert {each.ref.id for each in again} == {edited["id"]}, "beyond the overlap, nothing is read twice"
    assert kept["id"] in {each.ref.id for each in changes}


@pytest.mark.parametrize(("overlap", "seen"), [(120, True), (0, False)], ids=["overlap", "saboteur"])
async def test_a_late_commit_is_found_in_the_overlap(firm: Cast, overlap: int, seen: bool) -> None:
    """An entry whose stamp is older than the newest one that was seen."""
    project = await firm.project()
    await firm.book(project)
    async with open_connector(firm.account, overlap=overlap) as hub:
        _, cursor = await swept(hub)
        firm.clock.forward(minutes=-1)
        late = await firm.book(project, day="2026-10-06")
        changes, _ = await swept(hub, cursor)
        assert (late["id"] in {each.ref.id for each in changes}) == seen


async def test_time_worked_before_the_firm_went_live_is_left_alone(firm: Cast) -> None:
    project = await firm.project()
    old, new = await firm.book(project, day="2026-10-31"), await firm.book(project, day="2026-11-01")
    async with open_connector(firm.account, go_live="2026-11-01") as hub:
        changes, cursor = await swept(hub)
        assert states(changes) == {new["id"]: "draft"}
        firm.clock.forward(days=1)
        await firm.approve(await firm.submit(project, old, new))
        changes, _ = await swept(hub, cursor)
        assert states(changes) == {new["id"]: "approved"}


async def test_stamps_are_compared_in_utc_over_the_end_of_summer_time(firm: Cast, hub: Kantata) -> None:
    """At the turn of the clocks the account's own text goes backwards: 01:59 -07:00 is followed by 01:10 -08:00."""
    project = await firm.project()
    firm.clock.at = datetime(2026, 11, 1, 8, 59, tzinfo=UTC)
    first = await firm.book(project)
    firm.clock.at = datetime(2026, 11, 1, 9, 10, tzinfo=UTC)
    second = await firm.book(project, day="2026-10-06")
    assert first["updated_at"] > second["updated_at"]
    versions = {each.ref.id: each.version for each in (await swept(hub))[0]}
    assert versions[first["id"]] < versions[second["id"]]


async def test_deleted_time_is_seen_once_the_event_arrives(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    entry = await firm.book(project)
    before, cursor = await swept(hub)
    firm.clock.forward(days=1)
    await firm.consultant("DELETE", f"/time_entries/{entry['id']}")
    firm.clock.forward(minutes=10)
    changes, cursor = await swept(hub, cursor)
    (gone,) = [each for each in changes if each.deleted]
    assert gone.ref.id == entry["id"]
    assert gone.version > before[0].version
    assert gone.record is not None
    assert (gone.record["state"], gone.amount) == ("deleted", None)
    repeated, _ = await swept(hub, cursor)
    assert {each.version for each in repeated if each.deleted} <= {gone.version}
    looked = await hub.look(gone.ref)
    assert looked is not None
    assert (looked.deleted, looked.version) == (True, gone.version)
    assert await hub.read(gone.ref) is None


async def test_an_event_is_never_believed(firm: Cast, hub: Kantata) -> None:
    """An event of deletion for an entry that stands."""
    project = await firm.project()
    entry = await firm.book(project)
    _, cursor = await swept(hub)
    with firm.account.records.request():
        firm.account.records.insert(
            "subscribed_events", event_type="time_entry:deleted", subject_id=entry["id"], subject_type="TimeEntry",
            subject_changed_at="2026-10-05T16:00:00Z", user_id=None, account_id=1, context_workspace_id=None,
            previous_payload=None, current_payload=None, payload_changes=None,
        )  # fmt: skip
    changes, _ = await swept(hub, cursor)
    assert states(changes) == {entry["id"]: "draft"}


async def test_time_of_archived_projects_is_read_too(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    entry = await firm.book(project)
    await firm.approver.ok("PUT", f"/workspaces/{project['id']}", {"workspace": {"archived": True}})
    changes, _ = await swept(hub)
    assert states(changes) == {entry["id"]: "draft"}
    assert await hub.look(Ref("kantata", "time_entry", entry["id"])) is not None


async def test_a_large_account_is_read_in_pages_without_a_gap_while_rows_vanish(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    one = {"workspace_id": project["id"], "date_performed": "2026-10-05", "time_in_minutes": 6}
    ids: list[str] = []
    for _ in range(5):
        made = await firm.consultant.ok("POST", "/time_entries", {"time_entries": [one] * 100})
        ids += [each["id"] for each in made["results"]]
    first = await hub.changes("time_entry", None)
    assert (len(first.changes), first.more) == (200, True)
    await firm.consultant("DELETE", "/time_entries", ids=",".join(ids[:10]))
    rest, _ = await swept(hub, first.cursor)
    told = {each.ref.id for each in [*first.changes, *rest]}
    assert told == set(ids)


async def test_a_change_during_a_long_sweep_belongs_to_the_next_one(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    one = {"workspace_id": project["id"], "date_performed": "2026-10-05", "time_in_minutes": 6}
    made = [await firm.consultant.ok("POST", "/time_entries", {"time_entries": [one] * 100}) for _ in range(3)]
    early, late = made[0]["results"][0]["id"], made[2]["results"][-1]["id"]
    page = await hub.changes("time_entry", None)
    firm.clock.forward(minutes=30)
    await firm.consultant.ok("PUT", f"/time_entries/{early}", {"time_entry": {"notes": "read already"}})
    firm.clock.forward(minutes=30)
    await firm.consultant.ok("PUT", f"/time_entries/{late}", {"time_entry": {"notes": "not read yet"}})
    _, cursor = await swept(hub, page.cursor)
    changes, _ = await swept(hub, cursor)
    assert {"read already", "not read yet"} <= {each.record["notes"] for each in changes if each.record}


async def test_many_approvals_are_followed_over_several_pages(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    submissions = [await firm.submit(project, await firm.book(project, minutes=10)) for _ in range(45)]
    _, cursor = await swept(hub)
    firm.clock.forward(days=1)
    ids = [int(each["id"]) for each in submissions]
    await firm.approver.ok("POST", "/timesheet_approvals", {"resolution": {"submission_ids": ids}})
    changes, _ = await swept(hub, cursor)
    assert list(states(changes).values()) == ["approved"] * 45


async def test_a_reading_is_the_document_with_a_trail(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    entry = await firm.book(project)
    await firm.approve(await firm.submit(project, entry))
    reading = await hub.read(Ref("kantata", "time_entry", entry["id"]))
    assert reading is not None
    document = reading.document
    assert isinstance(document, TimeEntry)
    assert (document.person, document.work_date, document.rate) == ("K003", date(2026, 10, 5), Decimal(245))
    assert (document.approved_by, document.approved_at) == ("K002", firm.clock())
    assert reading.trail["rate"] == {"source": "rate", "mapping": "kantata.time_entry@1"}
    assert await hub.read(Ref("kantata", "time_entry", "1")) is None
    assert await hub.look(Ref("kantata", "time_entry", "1")) is None


async def test_without_subscribed_events_the_connection_says_what_is_not_seen(firm: Cast) -> None:
    token = firm.account.token(firm.approver.email)
    async with open_connector(firm.account, token=token) as blind:
        with pytest.raises(Misconfigured, match="events: false"):
            await blind.changes("time_entry", None)
    async with open_connector(firm.account, token=token, events=False) as hub:
        assert (await hub.changes("time_entry", None)).more is False
        assert "deleted time is not seen" in (await hub.check()).detail


async def test_other_kinds_are_not_there(hub: Kantata) -> None:
    for call in (hub.changes("invoice", None), hub.look(Ref("kantata", "invoice", "1")), hub.read(Ref("k", "x", "1"))):
        with pytest.raises(LookupError):
            await call


async def test_a_page_that_comes_again_leaves_no_entry_out(firm: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some server between ignores the offset: believing the count alone would leave the rest out, and go on behind it."""
    monkeypatch.setattr("tieout.connectors.kantata.reading._PAGE", 4)
    project = await firm.project()
    for _ in range(7):
        await firm.book(project)
        firm.clock.forward(seconds=1)

    async def deaf(scope: Any, receive: Any, send: Any) -> None:
        asked = scope["query_string"].decode()
        await firm.account.asgi()(
            {**scope, "query_string": re.sub(r"offset=\d+", "offset=0", asked).encode()}, receive, send
        )

    async with open_connector(deaf) as hub:
        with pytest.raises(Transient, match="the same page of time_entries again, after 4 of 7 rows"):
            await swept(hub)


@pytest.mark.parametrize(
    ("garbled", "words"),
    [
        ({"time_in_minutes": "eight"}, "invalid literal for int() with base 10: 'eight'"),
        ({"date_performed": "soon"}, "Invalid isoformat string: 'soon'"),
        ({"updated_at": "just now"}, "Invalid isoformat string: 'just now'"),
        ({"rate_in_cents": {"USD": 1}}, "int() argument"),
    ],
)
async def test_an_entry_that_cannot_be_read_is_told_as_such_and_the_others_pass(
    firm: Cast, monkeypatch: pytest.MonkeyPatch, garbled: dict[str, Any], words: str
) -> None:
    project = await firm.project()
    good, bad, other = [await firm.book(project, minutes=60) for _ in range(3)]
    config = KantataConfig(url="http://kantata.test", token=SecretStr("hub-token"))
    network = Garbling(httpx2.ASGITransport(firm.account.asgi()), {bad["id"]: garbled})
    hub: Any = SPEC.open(Opening("kantata", config, {}, network))
    changes, cursor = await swept(hub)
    told = {each.ref.id: each for each in changes}
    assert states([told[good["id"]], told[other["id"]]]) == {good["id"]: "draft", other["id"]: "draft"}
    assert told[bad["id"]].record == {
        "source_id": bad["id"], "source_version": told[bad["id"]].version, "unreadable": ANY,
    }  # fmt: skip
    assert words in (told[bad["id"]].record or {})["unreadable"]
    network.garbled = {}
    firm.clock.forward(seconds=1)
    await firm.consultant.ok("PUT", f"/time_entries/{bad['id']}", {"time_entry": {"time_in_minutes": 90}})
    (healed,) = [each for each in (await swept(hub, cursor))[0] if each.ref.id == bad["id"]]
    assert healed.record is not None
    assert healed.record["minutes"] == 90
    assert healed.version > told[bad["id"]].version
    network.garbled = {bad["id"]: garbled}
    monkeypatch.setattr(Lines, "_change", Lines._understood)  # the saboteur: one entry takes all others with it
    with pytest.raises(Transient, match="cannot be understood"):
        await swept(hub)
    await hub.close()
