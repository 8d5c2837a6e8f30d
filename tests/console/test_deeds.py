"""What people do in the console, through its own forms, and what the books say afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.console import seed
from tests.console.world import Caller, World

from tieout.domain.values import ValueRow
from tieout.store import firm, holds, runs, together
from tieout.store.database import rows

pytestmark = pytest.mark.anyio
ANNA, CARLOS, MARGARET = (f"{each}@kestrel.example" for each in ("anna.fischer", "carlos.mendes", "margaret.osei"))


async def state_of(world: World, deal: str) -> str:
    async with world.database.transaction() as tx:
        run = await runs.get(tx, world.seeded.runs[deal])
    assert run is not None
    return run["state"]


async def hold_of(world: World, name: str) -> dict[str, Any]:
    async with world.database.transaction() as tx:
        found = await holds.get(tx, world.seeded.holds[name])
    assert found is not None
    return found


async def audited(world: World) -> list[tuple[str, str]]:
    async with world.database.transaction() as tx:
        return [
            (each["actor"], each["action"]) for each in await rows(tx, "select actor, action from audit order by id")
        ]


async def test_a_value_that_was_missing_is_added_from_the_hold_and_its_deals_go_on(world: World, anna: Caller) -> None:
    number = world.seeded.holds["Nordwind Change Sprint/value.missing"]
    page = await anna.get(f"/holds/H-{number}")
    assert "Add it and continue 2 documents" in page
    form = {"table": "practice_department", "key": "People & Change", "value": "440", "entity": "DE",
            "valid_from": "2026-01-01", "back": f"/holds/H-{number}"}  # fmt: skip
    after = await anna.send("/values", form)
    assert "2 documents go on." in after
    assert "Tieout is on it." in after
    assert await state_of(world, "Nordwind Change Sprint") == "queued"
    assert await state_of(world, "Bergmann Change Sprint") == "queued"
    assert await state_of(world, "Umbra Labs Change Sprint") == "held"
    async with world.database.transaction() as tx:
        added = [each for each in await firm.values(tx, "practice_department") if each.key == "People & Change"]
    assert [(each.value, each.entity, each.author) for each in added] == [("440", "DE", "anna.fischer@kestrel.example")]


async def test_a_value_for_every_entity_frees_the_deals_of_every_entity(world: World, anna: Caller) -> None:
    form = {"table": "practice_department", "key": "People & Change", "value": "440", "entity": "*"}
    assert "3 documents go on." in await anna.send("/values", form)
    assert await state_of(world, "Umbra Labs Change Sprint") == "queued"


async def test_a_row_of_a_table_with_four_eyes_waits_for_somebody_else(world: World, anna: Caller) -> None:
    form = {"table": "service_line_tax_class", "key": "Advice", "value": "standard", "entity": "*"}
    assert "waits for a second person" in await anna.send("/values", form)
    async with world.database.transaction() as tx:
        waiting = await firm.waiting_values(tx)
    assert [each.key for each in waiting] == ["Advice"]
    mine = await anna.get("/approvals")
    assert "This row is yours; somebody else must approve it." in mine
    refused = await anna.send(f"/approvals/values/{waiting[0].version}", {}, status=403)
    assert "Somebody else must answer this" in refused
    carlos = await Caller(world.app).sign_in(world, "Carlos Mendes")
    assert "The row is in force." in await carlos.send(f"/approvals/values/{waiting[0].version}", {})


async def test_a_possible_duplicate_is_decided_between_the_candidates_that_are_shown(
    world: World, anna: Caller
) -> None:
    number = world.seeded.holds["Umbra Health Pipelines/customer.possible_duplicate"]
    page = await anna.get(f"/holds/H-{number}")
    assert "Umbra Health Systems (UMBRA, tax id 46-2231187)" in page
    assert "Umbra Health Inc. (1190, tax id none)" in page
    await anna.send(f"/holds/H-{number}/decide", {"choice": "same:1187", "reason": "same tax id"})
    hold = await hold_of(world, "Umbra Health Pipelines/customer.possible_duplicate")
    async with world.database.transaction() as tx:
        code = f"customer.possible_duplicate:{hold['facts']['about']}"
        assert await together.decisions(tx, [(hold["subject"], code)]) == ["same:1187"]
    assert await state_of(world, "Umbra Health Pipelines") == "queued"


async def test_a_hold_is_assigned_snoozed_and_ignored_with_a_reason(world: World, anna: Caller) -> None:
    name = "Bergmann Change Sprint/value.missing"
    where = f"/holds/H-{world.seeded.holds[name]}"
    assert "Assigned to Carlos Mendes." in await anna.send(
        f"{where}/assign", {"assignee": "carlos.mendes@kestrel.example"}
    )
    assert (await hold_of(world, name))["assignee"] == "carlos.mendes@kestrel.example"
    assert "Snoozed for 3 days." in await anna.send(f"{where}/snooze", {"days": "3"})
    assert "sleeps until" in await anna.get(where)
    assert "Say why it is ignored" in await anna.send(f"{where}/ignore", {"reason": " "}, status=409)
    await anna.send(f"{where}/ignore", {"reason": "sold by mistake"})
    ignored = await hold_of(world, name)
    assert (ignored["state"], ignored["resolution"]) == ("resolved", "ignored: sold by mistake")
    assert await state_of(world, "Bergmann Change Sprint") == "ignored"


async def test_nothing_ticked_does_nothing_and_says_so(anna: Caller) -> None:
    assert "Tick at least one hold first." in await anna.send("/holds/act", {"verb": "ignore", "reason": "x"})


async def test_who_stands_in_answers_and_the_page_says_in_whose_place(world: World, anna: Caller) -> None:
    margarets, _ = world.seeded.approvals
    klaus = await Caller(world.app).sign_in(world, "Klaus Brandt")
    assert "Answering needs the role finance" in await klaus.get(f"/approvals/A-{margarets}")
    days = {"first": "2026-11-16", "last": "2026-11-20"}
    form = {"to": "klaus.brandt@kestrel.example", "reason": "holidays", **days}
    assert "Say from which day" in await anna.send(
        "/approvals/delegations", {**form, "last": ""}, page="/approvals", status=409
    )
    given = await anna.send("/approvals/delegations", form, page="/approvals")
    assert "D-101: klaus.brandt@kestrel.example answers in your place." in given
    own = await klaus.get(f"/approvals/A-{margarets}")
    assert '<option value="anna.fischer@kestrel.example">Anna Fischer</option>' in own
    assert "my own" not in own
    where = f"/approvals/A-{margarets}"
    await klaus.send(where, {"answer": "approve"}, page=where, status=403)
    said = {"answer": "approve", "on_behalf_of": "anna.fischer@kestrel.example", "back": where}
    assert "by Klaus Brandt in the place of Anna Fischer" in await klaus.send(where, said, page=where)
    assert "End it" not in await klaus.get("/approvals")
    assert "D-101 is over." in await anna.send("/approvals/delegations/101/end", {}, page="/approvals")


async def test_an_approval_says_who_may_answer_until_when_and_to_whom_it_went_and_goes(
    world: World, anna: Caller
) -> None:
    number = world.seeded.approvals[0]
    async with world.database.transaction() as tx:
        await tx.execute(
            """
            update approval set gate = 'The partners', members = %s, added = %s, escalated_to = %s, escalated_at = %s,
              answer_by = %s, goes_to = 'klaus.brandt@kestrel.example' where id = %s
            """,
            (
                [ANNA, MARGARET, CARLOS], [CARLOS], ["finance-us"], world.now() - timedelta(hours=2),
                world.now() + timedelta(hours=22), number,
            ),
        )  # fmt: skip
        await tx.execute(
            "insert into delegation (owner, delegate, begins_at, ends_at, reason, made_at)"
            " values (%s, 'priya.raman@kestrel.example', %s, %s, 'holidays', now())",
            (CARLOS, world.now() - timedelta(days=1), world.now() + timedelta(days=1)),
        )
    one = " ".join((await anna.get(f"/approvals/A-{number}")).split())
    assert "<dt>May answer</dt><dd>Anna Fischer, Carlos Mendes, Priya Raman for Carlos Mendes</dd>" in one
    assert "<dt>Went to</dt><dd>finance-us, " in one
    assert "to Klaus Brandt</dd>" in one
    listed = " ".join((await anna.get("/approvals")).split())
    assert "went to finance-us" in listed
    assert "in 22 h</time> to Klaus Brandt" in listed


async def test_terms_are_approved_by_somebody_else_and_never_by_who_asked(world: World) -> None:
    margarets, carlos_s = world.seeded.approvals
    carlos = await Caller(world.app).sign_in(world, "Carlos Mendes")
    own = await carlos.get(f"/approvals/A-{carlos_s}")
    assert "You asked for this; somebody else must answer it." in own
    assert 'value="approve"' not in own
    refused = await carlos.send(
        f"/approvals/A-{carlos_s}", {"answer": "approve"}, page=f"/approvals/A-{margarets}", status=403
    )
    assert "Requester and approver are two people" in refused
    await carlos.send(f"/approvals/A-{margarets}", {"answer": "approve"}, page=f"/approvals/A-{margarets}")
    assert await state_of(world, "Umbra Health Close Accelerator") == "queued"
    assert await state_of(world, "Globex Phase Two") == "waiting"
    assert ("carlos.mendes@kestrel.example", "approval.approved") in await audited(world)


async def test_a_rejection_needs_a_reason(world: World, anna: Caller) -> None:
    where = f"/approvals/A-{world.seeded.approvals[0]}"
    assert "Say why it is rejected" in await anna.send(
        where, {"answer": "reject", "reason": ""}, page=where, status=409
    )
    page = await anna.send(where, {"answer": "reject", "reason": "Net 60 is too long", "back": where}, page=where)
    assert "Net 60 is too long" in page


async def test_an_engineer_pauses_and_resumes_a_system(world: World) -> None:
    priya = await Caller(world.app).sign_in(world, "Priya Raman")
    assert "is paused" in await priya.send("/systems/kantata/pause", {"reason": "maintenance"}, page="/systems")
    assert "Paused: maintenance" in await priya.get("/systems/kantata")
    assert "kantata goes on." in await priya.send("/systems/kantata/resume", {}, page="/systems")


async def test_who_may_only_look_is_told_which_role_may(world: World) -> None:
    klaus = await Caller(world.app).sign_in(world, "Klaus Brandt")
    number = world.seeded.holds["Nordwind Change Sprint/value.missing"]
    page = await klaus.get(f"/holds/H-{number}")
    assert "Setting a value needs the role operator or finance." in page
    assert 'action="/values"' not in page
    form = {"table": "practice_department", "key": "People & Change", "value": "440", "entity": "*"}
    refused = await klaus.send("/values", form, page="/systems", status=403)
    assert "operator or finance" in refused
    for verb in ("replay", "assign", "snooze", "ignore", "decide"):
        await klaus.send(f"/holds/H-{number}/{verb}", {"reason": "x", "choice": "x", "days": "1"}, status=403)
        assert verb == "decide" or await klaus.send("/holds/act", {"verb": verb, "hold": str(number)}, status=403)
    for path in ("/systems/kantata/pause", f"/approvals/A-{world.seeded.approvals[0]}", "/plans"):
        await klaus.send(path, {"reason": "x", "answer": "approve", "run": "x"}, status=403)
    assert (await hold_of(world, "Nordwind Change Sprint/value.missing"))["times"] == 1


async def test_a_table_shows_what_is_in_force_what_comes_and_what_was_replaced(world: World, anna: Caller) -> None:
    form = {
        "table": "practice_department",
        "key": "Data & AI",
        "value": "415",
        "entity": "*",
        "valid_from": "2026-06-01",
    }
    await anna.send("/values", form)
    await anna.send("/values", {**form, "value": "416", "valid_from": "2027-01-01"})
    page = await anna.get("/tables/practice_department")
    assert page.count("replaced</span>") == 1
    assert page.count("from then on</span>") == 1
    async with world.database.transaction() as tx:
        found = await firm.values(tx, "practice_department")
    assert ValueRow("practice_department", "Data & AI", "415", "*", seed.date(2026, 6, 1)).value in {
        each.value for each in found
    }
