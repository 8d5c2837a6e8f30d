"""Replay plans in the console: seen before anything moves, confirmed as seen, by two people at once with one effect."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal
from html import unescape

import pytest
from tests.console import seed
from tests.console.hub import Hub
from tests.console.test_deeds import state_of
from tests.console.test_sums import headline, listed, money_in, part
from tests.console.world import Caller, World

from tieout.domain.routing import HoldRules
from tieout.store import firm, plans, runs
from tieout.store.database import rows

pytestmark = pytest.mark.anyio

CHANGE = ("Nordwind Change Sprint", "Bergmann Change Sprint", "Umbra Labs Change Sprint")


@pytest.fixture
async def hub(world: World) -> Hub:
    """All systems answer: the seeded day has one paused."""
    return Hub(world)


def hold(world: World, deal: str, code: str = "value.missing") -> int:
    return world.seeded.holds[f"{deal}/{code}"]


async def newest(world: World) -> int:
    async with world.database.transaction() as tx:
        return (await plans.listed(tx, 1))[0]["id"]


async def asked(world: World, caller: Caller, hub: Hub) -> str:
    """The page of a ready plan for three deals that wait for one cause."""
    page = await caller.send(f"/holds/H-{hold(world, CHANGE[0])}/replay", {"all": "on"})
    assert "Being made." in page
    assert "0 of 2 documents looked at" in page
    await hub.plan()
    return f"/plans/P-{await newest(world)}"


def hash_in(page: str) -> str:
    found = re.search(r'name="hash" value="([0-9a-f]+)"', page)
    assert found, "the page has no confirmation"
    return found[1]


async def test_a_hold_is_replayed_by_a_plan_that_shows_first_and_moves_nothing(
    world: World, anna: Caller, hub: Hub
) -> None:
    where = await asked(world, anna, hub)
    page = await anna.get(where)
    assert await state_of(world, CHANGE[0]) == "held"
    assert hub.target.sent == []
    assert "valid while nothing changes" in page
    lines = part(page, 'class="list plan-lines"', "</table>")
    assert re.search(r'<td class="num">2</td>.*?Set up the project</td><td>kantata', lines)
    assert "We wait, look it up by our reference, then decide." in page
    assert headline(page) == listed(page) == {"USD": Decimal("2400.00")}


async def test_what_was_seen_is_confirmed_begins_once_and_tells_what_became_of_it(
    world: World, anna: Caller, hub: Hub
) -> None:
    where = await asked(world, anna, hub)
    page = await anna.get(where)
    refused = await anna.send(f"{where}/confirm", {"hash": "another"}, page=where, status=409)
    assert "is not the plan that you saw" in refused
    after = await anna.send(f"{where}/confirm", {"hash": hash_in(page)}, page=where)
    assert "Looking once more." in after
    await hub.plan()
    assert "0 of 2 documents came to an end" in await anna.get(where)
    await hub.work()
    await hub.plan()
    done = await anna.get(where)
    assert "2 documents went through" in done
    assert "data-watch" not in done
    assert len(hub.target.sent) == 4


async def test_two_people_confirm_the_same_plan_at_once_with_one_effect(world: World, anna: Caller, hub: Hub) -> None:
    where = await asked(world, anna, hub)
    carlos = await Caller(world.app).sign_in(world, "Priya Raman")
    seen = {"hash": hash_in(await anna.get(where))}
    answers = await asyncio.gather(
        anna.send(f"{where}/confirm", seen, page=where), carlos.send(f"{where}/confirm", seen, page=where)
    )
    said = [each for each in answers if "it begins once" in each]
    assert len(said) == 1
    assert re.search("(Anna Fischer|Priya Raman) confirmed it before", said[0])
    await hub.plan()
    await hub.work()
    await hub.plan()
    assert sorted(hub.target.sent) == sorted(set(hub.target.sent))
    assert len(hub.target.sent) == 4
    async with world.database.transaction() as tx:
        confirmed = await rows(tx, "select actor from audit where action = 'plan.confirm'")
    assert len(confirmed) == 1


async def test_ticked_holds_are_one_plan_and_those_that_are_over_are_named(
    world: World, anna: Caller, hub: Hub
) -> None:
    gone = hold(world, "Nordwind Data Foundation", "deal.field_missing")
    ids = [
        str(hold(world, CHANGE[0])),
        str(hold(world, "Umbra Health Pipelines", "customer.possible_duplicate")),
        str(gone),
    ]
    page = await anna.send("/holds/act", {"verb": "replay", "hold": ids, "back": "/holds"})
    assert f"H-{gone} was resolved before." in page
    assert "0 of 2 documents looked at" in page
    only_gone = await anna.send("/holds/act", {"verb": "replay", "hold": [str(gone)], "back": "/holds"}, status=409)
    assert "resolved before" in only_gone


async def test_the_first_one_is_tried_and_the_rest_waits_for_another_word(world: World, anna: Caller, hub: Hub) -> None:
    where = await asked(world, anna, hub)
    page = await anna.get(where)
    await anna.send(f"{where}/confirm", {"hash": hash_in(page), "first": "1"}, page=where)
    for step in (hub.plan, hub.work, hub.plan):
        await step()
    tried = await anna.get(where)
    assert "1 document came to the end that stands below; 1 document waits for you." in tried
    assert 'name="first"' not in tried
    await anna.send(f"{where}/confirm", {"hash": hash_in(tried)}, page=where)
    for step in (hub.plan, hub.work, hub.plan):
        await step()
    assert "2 documents went through" in await anna.get(where)
    assert len(hub.target.sent) == 4


async def test_a_plan_that_the_world_overtook_begins_nothing_and_is_planned_again(
    world: World, anna: Caller, hub: Hub
) -> None:
    where = await asked(world, anna, hub)
    seen = hash_in(await anna.get(where))
    hub.department = "450"
    await anna.send(f"{where}/confirm", {"hash": seen}, page=where)
    await hub.plan()
    moved = await anna.get(where)
    assert "The world had moved: nothing began." in moved
    assert hub.target.sent == []
    again = await anna.send(f"{where}/again", {}, page=where)
    assert "Being made." in again
    await hub.plan()
    assert await newest(world) == int(where.rpartition("-")[2]) + 1
    assert hash_in(await anna.get(f"/plans/P-{await newest(world)}")) != seen


async def test_a_document_that_began_again_since_makes_the_plan_stale(world: World, anna: Caller, hub: Hub) -> None:
    where = await asked(world, anna, hub)
    async with world.database.transaction() as tx:
        assert await runs.release(tx, world.seeded.runs[CHANGE[0]], seed.NOW, True)
    page = await anna.get(where)
    assert "1 document has begun again since this plan was made" in page
    assert f'action="{where}/confirm"' not in page


async def test_what_is_at_work_is_stopped_and_says_what_did_not_begin(world: World, anna: Caller, hub: Hub) -> None:
    where = await asked(world, anna, hub)
    await anna.send(f"{where}/confirm", {"hash": hash_in(await anna.get(where))}, page=where)
    await hub.plan()
    stopped = await anna.send(f"{where}/stop", {}, page=where)
    assert "Stopped: 2 documents had not begun." in stopped
    assert "by Anna Fischer" in stopped
    await hub.work()
    assert hub.target.sent == []
    assert await state_of(world, CHANGE[0]) == "held"


async def test_a_plan_is_discarded(world: World, anna: Caller, hub: Hub) -> None:
    where = await asked(world, anna, hub)
    assert "nothing was changed" in await anna.send(f"{where}/discard", {}, page=where)
    assert "cannot be discarded" in await anna.send(f"{where}/discard", {}, page=where, status=409)


async def test_a_finished_run_is_replayed_by_a_plan_which_shows_what_is_there(
    world: World, anna: Caller, hub: Hub
) -> None:
    run = world.seeded.runs["Globex Data Platform"]
    await anna.send("/plans", {"run": run})
    await hub.plan()
    where = f"/plans/P-{await newest(world)}"
    await anna.send(f"{where}/confirm", {"hash": hash_in(await anna.get(where))}, page=where)
    for step in (hub.plan, hub.work, hub.plan):
        await step()
    assert "1 document went through" in await anna.get(where)
    await anna.send("/plans", {"run": run})
    await hub.plan()
    page = await anna.get(f"/plans/P-{await newest(world)}")
    assert page.count("is there already") == 2
    assert "nothing is sent" in page


async def test_one_step_is_asked_for_once_more(world: World, anna: Caller) -> None:
    run = world.seeded.runs["Globex Data Platform"]
    page = await anna.get(f"/runs/{run.replace('#', '%23')}")
    assert re.findall(r'name="step" value="([^"]+)"', page) == ["write back to the CRM"]
    asked = await anna.send("/plans", {"run": run, "step": "write back to the CRM"})
    assert "step “write back to the CRM”" in asked


async def test_runs_of_a_span_of_time_are_one_plan(world: World, anna: Caller, hub: Hub) -> None:
    query = f"flow={seed.FLOW}&since=2026-11-01T00:00&until=2026-11-17T00:00&state=held"
    page = await anna.get(f"/runs?{query}")
    assert 'name="state" value="held" checked' in page
    shown = len(re.findall("<tr data-row", page))
    span = {"flow": seed.FLOW, "since": "2026-11-01T00:00", "until": "2026-11-17T00:00", "state": ["held"]}
    asked = await anna.send("/plans", span, page="/runs")
    assert f"0 of {shown} documents looked at" in asked
    assert shown > 3
    nothing = await anna.send("/plans", {"flow": seed.FLOW, "back": "/runs"}, page="/runs")
    assert "Choose a flow and both ends of the time first." in nothing


async def test_the_palette_makes_the_plan_of_a_hold_and_finds_plans(world: World, anna: Caller) -> None:
    number = hold(world, CHANGE[0])
    results = await anna.get(f"/palette/results?q=replay+H-{number}")
    assert f'<button name="hold" value="{number}">' in results
    await anna.send("/plans", {"hold": str(number)})
    plan = await newest(world)
    assert f'href="/plans/P-{plan}"' in await anna.get(f"/palette/results?q=P-{plan}")
    assert (await anna.http.get(f"/x/p-{plan}")).headers["location"] == f"/plans/P-{plan}"


async def test_who_may_only_look_sees_the_plan_and_which_role_runs_it(world: World, anna: Caller, hub: Hub) -> None:
    where = await asked(world, anna, hub)
    klaus = await Caller(world.app).sign_in(world, "Klaus Brandt")
    page = await klaus.get(where)
    assert "Running it needs the role operator or finance or engineer" in page
    assert f'action="{where}' not in page
    for verb in ("confirm", "approve", "stop", "discard", "again"):
        await klaus.send(f"{where}/{verb}", {"hash": "x"}, page="/systems", status=403)
    assert (await klaus.send("/plans", {"hold": "1"}, page="/systems", status=403)).count("run.replay") == 1


async def test_a_plan_is_approved_by_somebody_else_and_never_by_who_made_it(world: World) -> None:
    plan = world.seeded.plans["waits"]
    where = f"/plans/P-{plan}"
    anna = await Caller(world.app).sign_in(world)
    carlos = await Caller(world.app).sign_in(world, "Carlos Mendes")
    own = await anna.get(where)
    assert "You made this plan; somebody else must approve it." in own
    assert f'action="{where}/approve"' not in own
    assert f'action="{where}/confirm"' not in own
    assert "Requester and approver are two people" in await anna.send(f"{where}/approve", {}, page=where, status=403)
    inbox = await carlos.get("/approvals")
    assert f'href="{where}"' in inbox
    assert f"P-{plan} waits for approval" in await carlos.get("/")
    approved = await carlos.send(f"{where}/approve", {}, page=where)
    assert f"P-{plan} is approved." in approved
    assert f'action="{where}/confirm"' in approved
    assert f'href="{where}"' not in await carlos.get("/approvals")
    assert f"P-{plan} waits for your confirmation" in await anna.get("/")


async def test_a_row_that_frees_many_documents_leads_to_their_plan(world: World, anna: Caller) -> None:
    content = seed.KESTREL.model_copy(update={"holds": HoldRules(plan_above=2)}).model_dump(mode="json")
    async with world.database.transaction() as tx:
        await firm.apply(tx, content=content, entities=[], connections=[], actor="priya", now=seed.NOW)
    form = {"table": "practice_department", "key": "People & Change", "value": "440", "entity": "*"}
    page = await anna.send("/values", form)
    assert "3 documents wait for your confirmation." in page
    assert "Being made." in page
    assert await state_of(world, CHANGE[0]) == "held"


async def test_every_figure_of_a_plan_leads_to_the_documents_that_sum_to_it(world: World, anna: Caller) -> None:
    ready = await anna.get(f"/plans/P-{world.seeded.plans['ready']}")
    for words in (
        "will create",
        "will update",
        "is there already",
        "cannot be undone",
        "can be taken back",
        "about 14 s",
    ):
        assert words in ready
    for plan in world.seeded.plans.values():
        page = await anna.get(f"/plans/P-{plan}")
        if 'id="total"' not in page:
            continue
        assert headline(page) == listed(page) != {}
        figures = re.findall(r'<dd><a href="([^"]+\?only=(?:money|unblocks))">(.*?)</a>', page)
        for link, figure in figures:
            there = await anna.get(unescape(link))
            assert headline(there) == listed(there) == money_in(figure) != {}, link


async def test_a_document_is_opened_to_its_changes_old_and_new(world: World, anna: Caller) -> None:
    where = f"/plans/P-{world.seeded.plans['ready']}"
    closed = await anna.get(where)
    assert "<del>" not in closed
    page = await anna.get(f"{where}?open=1")
    assert page.count('<tr class="detail">') == 1
    assert "<ins>440</ins>" in part(page, 'class="detail"', "</table>")
    assert 'aria-expanded="true"' in page


async def test_documents_come_in_pages(world: World, anna: Caller) -> None:
    where = f"/plans/P-{world.seeded.plans['ready']}"
    page = await anna.get(f"{where}?after=1")
    assert "1.</span>" not in page
    assert "2.</span>" in page
    assert headline(page) != listed(page), "the headline is of all pages"
    assert "No more documents." in await anna.get(f"{where}?after=99")
