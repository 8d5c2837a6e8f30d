"""What the console does with holds: one row per cause, talk, routes, overrides, and what nobody knows."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from tests.console import seed
from tests.console.world import Caller, World

from tieout.domain.money import Money
from tieout.domain.problems import CATALOGUE, Problem, explain, facts_of
from tieout.store import firm, holds, runs
from tieout.store.database import row, rows

pytestmark = pytest.mark.anyio
ROWS = re.compile(r"<tr[^>]* data-row")


async def open_many(world: World, number: int, value: str = "Quantum", entity: str = "US") -> None:
    """Deals that all wait for one value."""
    problem = Problem(
        "value.missing", {"table": "practice_department", "value": value, "entity": entity, "purpose": "department"}
    )
    async with world.database.transaction() as tx:
        for each in range(number):
            subject = f"salesforce/opportunity/{entity}{value}{each}"
            run = f"{seed.FLOW}:{subject}:1"
            await runs.queue(tx, run, flow=seed.FLOW, subject=subject, version="1", lane=subject, now=seed.NOW)
            await runs.end(tx, run, "held", "", seed.NOW)
            found = {
                "id": run,
                "flow": seed.FLOW,
                "subject": subject,
                "entity": entity,
                "engagement": f"ENG-{value}{each}",
            }
            await holds.open_holds(
                tx, found, [problem], title=f"{value} {each}", amount=Money.of("100.01", "USD"), now=seed.NOW
            )


async def the(world: World, sql: Any, *values: Any) -> dict[str, Any]:
    async with world.database.transaction() as tx:
        found = await row(tx, sql, values)
    assert found
    return found


async def test_two_hundred_deals_that_wait_for_one_value_are_one_row(world: World, anna: Caller) -> None:
    await open_many(world, 200)
    page = await anna.get("/holds?text=Quantum")
    assert len(ROWS.findall(page)) == 1
    assert "200 \u00d7" in page
    assert "20,002.00" in page
    opened = re.search(r'href="(/holds\?[^"]*open=[^"]*)"', page)
    assert opened
    assert len(ROWS.findall(await anna.get(opened[1].replace("&amp;", "&")))) == 200


async def test_a_verb_on_the_row_of_a_cause_is_done_to_all_of_it_and_to_nothing_else(
    world: World, anna: Caller
) -> None:
    await open_many(world, 8)
    await open_many(world, 7, entity="DE")
    cause = (await the(world, "select cause from hold where title = 'Quantum 0' and entity = 'US'"))["cause"]
    form = {"verb": "assign", "cause": cause, "assignee": "carlos.mendes@kestrel.example", "back": "/holds?entity=US"}
    assert "8 holds assigned." in await anna.send("/holds/act", form)
    again = await anna.send("/holds/act", {**form, "verb": "snooze", "days": "changed"})
    assert "8 holds snoozed." in again
    asleep = await the(world, "select count(*) as n from hold where wakes_on_change")
    assert asleep["n"] == 8
    assert "until its source changes, or" in await anna.get(f"/holds?tab=snoozed&open={cause}")


@pytest.mark.parametrize("code", CATALOGUE)
async def test_every_problem_of_the_catalogue_shows_its_six_answers_and_the_systems_own_words(
    world: World, anna: Caller, code: str
) -> None:
    facts = {name: f"({name})" for name in facts_of(CATALOGUE[code])} | {"choices": "{}"}
    run = {"id": "r", "flow": "x", "subject": "salesforce/opportunity/1", "entity": "US", "engagement": None}
    problem = Problem(code, facts, quote="ORA-00001: no")
    async with world.database.transaction() as tx:
        await holds.open_holds(tx, run, [problem], title="Globex", amount=None, now=seed.NOW)
    number = (await the(world, "select max(id) as id from hold"))["id"]
    page = unescape(await anna.get(f"/holds/H-{number}"))
    for answer in ("What happened", "Why it matters", "Owner", "How to fix it", "Where", "By when"):
        assert f"<dt>{answer}</dt>" in page
    said = explain(problem)
    assert said.why in page
    assert re.search(r"<blockquote><span class=.hidden.>The system.s own words:</span>ORA-00001: no</blockquote>", page)


async def test_a_resolved_hold_frees_nothing_and_says_where_it_was(world: World, anna: Caller) -> None:
    await open_many(world, 3)
    async with world.database.transaction() as tx:
        hold = (await rows(tx, "select * from hold where title = 'Quantum 1'"))[0]
        await holds.act(tx, [hold["id"]], "anna.fischer@kestrel.example", "practice_department Quantum = 450", seed.NOW)
        await holds.close_holds(tx, hold["flow"], hold["subject"], by="source", resolution="x", now=seed.NOW)
    page = await anna.get(f"/holds/H-{hold['id']}")
    assert "by Anna Fischer: practice_department Quantum = 450." in page
    assert "The same fix frees" not in page
    assert "In the value table" in page
    assert "At its source" not in page
    assert "Anna Fischer" in await anna.get("/holds?tab=resolved&ended=person")
    assert "Quantum 1" not in await anna.get("/holds?tab=resolved&ended=source")


async def test_what_nobody_knows_is_answered_by_who_looked(world: World, anna: Caller) -> None:
    number = world.seeded.holds["Initech Landing Zone/target.unknown"]
    page = await anna.get(f"/holds/H-{number}")
    assert "We do not know whether kantata did it." in page
    assert "Is it there?" in page
    where = f"/holds/H-{number}/settle"
    assert "Say which record it is" in await anna.send(where, {"there": "yes", "record": ""}, status=409)
    assert "Say first whether it is there." in await anna.send(where, {})
    after = await anna.send(where, {"there": "yes", "record": "40999", "back": f"/holds/H-{number}"})
    assert "1 document goes on." in after
    assert "it is there: 40999" in after
    assert "answered before" in await anna.send(where, {"there": "no"}, status=409)


async def test_people_talk_about_a_hold_and_the_asked_one_answers(world: World, anna: Caller) -> None:
    number = world.seeded.holds["Umbra Health Pipelines/customer.possible_duplicate"]
    where, question = f"/holds/H-{number}", f"/questions/Q-{world.seeded.questions[0]}"
    page = await anna.get(where)
    assert "Klaus Brandt was asked" in page
    assert "Same address, other tax id: @klaus.brandt sold both." in page
    assert "Your comment is in the story." in await anna.send(f"{where}/comment", {"text": "A second look helps."})
    assert "Only Klaus Brandt answers this" in await anna.get(question)
    klaus = await Caller(world.app).sign_in(world, "Klaus Brandt")
    asks = await klaus.get(question)
    assert "Your answer" in asks
    assert 'name="choice"' not in asks
    denied = await klaus.send(question, {"text": "yes", "choice": "same:1187"}, page=question, status=403)
    assert "operator or finance" in denied
    assert "Klaus Brandt answered" in await klaus.send(question, {"text": "Two companies."}, page=question)
    assert "Two companies." in await anna.get(where)


async def test_an_answer_of_somebody_with_the_right_decides(world: World, anna: Caller) -> None:
    number = world.seeded.holds["Umbra Health Pipelines/customer.possible_duplicate"]
    form = {"of": "carlos.mendes@kestrel.example", "question": "Is it?"}
    asked = await anna.send(f"/holds/H-{number}/ask", form)
    found = re.search(r"/questions/Q-\d+", asked)
    assert found
    carlos = await Caller(world.app).sign_in(world, "Carlos Mendes")
    page = await carlos.send(found[0], {"text": "same tax id", "choice": "same:1187"}, page=found[0])
    assert "1 document goes on." in page
    assert "(decided: same:1187)" in page


async def test_a_field_is_overridden_from_its_hold_and_withdrawn_from_the_list(world: World, anna: Caller) -> None:
    key = world.seeded.engagements["Globex Data Platform"]
    facts = {"label": "The end", "field": "end", "deal": "Globex", "amount": "1 USD", "link": "https://crm.example/1"}
    run = {"id": world.seeded.runs["Globex Data Platform"], "flow": seed.FLOW, "subject": "salesforce/opportunity/006G",
           "entity": "US", "engagement": key}  # fmt: skip
    async with world.database.transaction() as tx:
        await holds.open_holds(tx, run, [Problem("deal.field_missing", facts)], title="G", amount=None, now=seed.NOW)
    number = (await the(world, "select max(id) as id from hold"))["id"]
    page = await anna.get(f"/holds/H-{number}")
    assert "Or set the field here" in page
    form = {"kind": "engagement", "key": key, "field": "end", "value": "2027-04-30", "reason": "agreed by mail"}
    wrong = await anna.send("/overrides", {**form, "value": "in spring"}, status=409)
    assert "end cannot be “in spring”" in wrong
    listed = await anna.send("/overrides", form)
    assert "end is overridden as O-" in listed
    assert "agreed by mail" in listed
    made = (await the(world, "select max(id) as id from override"))["id"]
    left = await anna.send(f"/overrides/{made}/withdraw", {"reason": "the CRM is right now"})
    assert "what the source says counts again" in left
    assert "agreed by mail" not in left
    assert "the CRM is right now" in await anna.get("/overrides?withdrawn=1")
    margaret = await Caller(world.app).sign_in(world, "Margaret Osei")
    money = await margaret.send("/overrides", {**form, "field": "amount", "value": "1"}, status=409)
    assert "takes the role finance" in money
    klaus = await Caller(world.app).sign_in(world, "Klaus Brandt")
    await klaus.send("/overrides", form, page="/systems", status=403)


async def test_where_the_firm_wants_four_eyes_somebody_else_approves_the_override(world: World, anna: Caller) -> None:
    async with world.database.transaction() as tx:
        rules = {"holds": {"overrides_four_eyes": "always"}}
        await firm.apply(tx, content=rules, entities=[], connections=[], actor="x", now=seed.NOW)
    key = world.seeded.engagements["Globex Data Platform"]
    form = {"kind": "engagement", "key": key, "field": "practice", "value": "Cloud", "reason": "typo"}
    assert "waits for a second person" in await anna.send("/overrides", form)
    made = (await the(world, "select max(id) as id from override"))["id"]
    assert "somebody else must" in (await anna.send(f"/overrides/{made}/approve", {}, status=403)).lower()
    carlos = await Caller(world.app).sign_in(world, "Carlos Mendes")
    assert f"O-{made} counts now." in await carlos.send(f"/overrides/{made}/approve", {})


async def test_rules_are_tried_in_the_console_and_their_mistakes_have_lines(world: World, anna: Caller) -> None:
    assert "No rules." in await anna.get("/holds/routes")
    good = "teams:\n  desk: {lead: lee@k.example}\nrules:\n  - {problem: value.*, team: desk}\n  - {team: desk}\n"
    tried = await anna.send("/holds/routes", {"rules": good}, page="/holds/routes", status=200)
    assert "They would route <strong>100 %</strong>" in tried
    assert "<strong>9</strong> differently" in tried
    wrong = await anna.send("/holds/routes", {"rules": "rules:\n  - {team: dsk}\n"}, page="/holds/routes", status=422)
    assert "the rules:2: rules[0].team: there is no team “dsk”." in wrong
    broken = await anna.send("/holds/routes", {"rules": "holds:\n  teems: {}\n"}, page="/holds/routes", status=422)
    assert "the rules:2: teems: is not a name that Tieout knows here." in broken
    assert "is not YAML" in await anna.send("/holds/routes", {"rules": "a: ["}, page="/holds/routes", status=422)


async def test_a_hold_that_was_given_by_hand_says_so_beside_its_rule(world: World, anna: Caller) -> None:
    async with world.database.transaction() as tx:
        rules = {"teams": {"desk": {}}, "rules": [{"name": "everything", "team": "desk"}]}
        await firm.apply(tx, content={"holds": rules}, entities=[], connections=[], actor="x", now=seed.NOW)
    await open_many(world, 1)
    number = (await the(world, "select max(id) as id from hold"))["id"]
    await anna.send(f"/holds/H-{number}/assign", {"assignee": "carlos.mendes@kestrel.example"})
    page = await anna.get(f"/holds/H-{number}")
    assert "team desk" in page
    assert "by the rule “everything”" in page
    assert "given by hand by Anna Fischer: no rule takes it away" in page
    assert "desk" in await anna.get("/holds?team=desk")
