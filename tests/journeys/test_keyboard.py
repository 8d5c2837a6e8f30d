"""People's ways through the console: by keys alone, by clicks, and without scripts."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from playwright.async_api import Browser, Error, Page, Route, expect
from tests.console.hub import Hub
from tests.console.seed import NOW, missing_value
from tests.console.test_deeds import state_of
from tests.journeys.conftest import Site, open_context, visit

from tieout.store import holds, runs

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.browser]


async def test_a_hold_is_triaged_and_fixed_with_keys_alone(browser: Browser, own_site: Site) -> None:
    context = await open_context(browser, width=1360, height=860, script=True)
    page = await context.new_page()
    await page.goto(f"{own_site.address}/sign-in")
    await tab_to(page, "Anna Fischer")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{own_site.address}/")
    await press(page, "g", "h")
    await page.wait_for_url("**/holds")

    await press(page, "j", "x", "j", "x")
    await expect(page.locator("[data-picked]").first).to_contain_text("2 ticked · 112,000.00 EUR")
    await press(page, "a")
    await expect(page.get_by_role("status")).to_contain_text("2 holds assigned.")

    await press(page, "/")
    await page.keyboard.type("nordwind")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/holds?text=nordwind")
    await press(page, "j", "o")
    await expect(page.locator("#peek")).to_contain_text("Practice department knows no value")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/holds/H-*")

    await press(page, "d")
    await expect(page.locator("#technical")).to_have_attribute("open", "")
    await press(page, "e")
    await page.keyboard.type("440")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text(
        "“People & Change” is 440 in practice_department now. 2 documents go on."
    )
    assert await state_of(own_site.world, "Nordwind Change Sprint") == "queued"
    await page.keyboard.press("Escape")
    await page.wait_for_url("**/holds?text=nordwind")
    await context.close()


async def test_terms_are_approved_with_keys_alone(browser: Browser, own_site: Site) -> None:
    async with visit(browser, own_site, "Carlos Mendes") as (page, complaints):
        await press(page, "g", "a")
        await page.wait_for_url("**/approvals")
        await press(page, "j")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/approvals/A-*")
        await press(page, "n")
        await expect(page.locator("#reason")).to_be_focused()
        await page.keyboard.press("Escape")
        await press(page, "y")
        await expect(page.get_by_role("status")).to_contain_text("is approved. 1 document goes on.")
        assert complaints == []


async def test_any_id_is_found_with_keys_alone(browser: Browser, site: Site) -> None:
    async with visit(browser, site) as (page, complaints):
        await page.keyboard.press("Control+k")
        await page.keyboard.type("US-2026-0042")
        await expect(page.locator("#palette [data-results] a").first).to_contain_text("US-2026-0042")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/invoices/INV-*")
        await press(page, "j")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/lines/*")
        await expect(page.locator("tfoot")).to_contain_text("entries + rounding = line")
        await page.keyboard.press("Escape")
        await page.wait_for_url("**/invoices/INV-*1")
        assert complaints == []


async def test_single_keys_can_be_switched_off(browser: Browser, site: Site) -> None:
    async with visit(browser, site) as (page, _):
        await page.locator("details.menu summary").click()
        await page.get_by_role("group", name="Single-key shortcuts").get_by_role("button", name="Off").click()
        await expect(page.locator("body")).to_have_attribute("data-keys", "off")
        await press(page, "g", "h", "?")
        assert page.url == f"{site.address}/"
        await expect(page.locator("#keys")).to_be_hidden()
        await page.keyboard.press("Control+k")
        await expect(page.locator("#palette")).to_be_visible()


async def test_a_value_is_set_from_a_hold_without_any_script(browser: Browser, own_site: Site) -> None:
    async with visit(browser, own_site, script=False) as (page, _):
        await page.get_by_role("link", name="Practice department knows no value").click()
        await page.get_by_role("link", name="Nordwind Change Sprint").click()
        await page.get_by_label("Department", exact=True).fill("440")
        await page.get_by_role("button", name="Add it and continue 2 documents").click()
        await expect(page.get_by_role("status")).to_contain_text("2 documents go on.")
        assert await state_of(own_site.world, "Bergmann Change Sprint") == "queued"


async def test_the_button_of_a_fix_says_how_many_documents_go_on(browser: Browser, site: Site) -> None:
    async with visit(browser, site) as (page, _):
        number = site.world.seeded.holds["Nordwind Change Sprint/value.missing"]
        await page.goto(f"{site.address}/holds/H-{number}")
        await expect(page.get_by_role("button", name="Add it and continue 2 documents")).to_be_visible()
        await page.get_by_label("Legal entity").select_option("*")
        await expect(page.get_by_role("button", name="Add it and continue 3 documents")).to_be_visible()
        await page.get_by_role("button", name="420").click()
        await expect(page.get_by_label("Department", exact=True)).to_have_value("420")


async def test_a_filter_is_in_the_address_and_a_reload_shows_the_same(browser: Browser, site: Site) -> None:
    async with visit(browser, site) as (page, _):
        await page.goto(f"{site.address}/holds")
        await page.get_by_label("Entity").select_option("DE")
        await page.wait_for_url("**/holds?entity=DE")
        before = await page.locator("[data-row]").all_inner_texts()
        await page.reload()
        assert await page.locator("[data-row]").all_inner_texts() == before
        assert len(before) == 5


async def test_the_theme_is_chosen_and_kept(browser: Browser, site: Site) -> None:
    async with visit(browser, site) as (page, _):
        light = await page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
        await page.locator("details.menu summary").click()
        await page.get_by_role("button", name="Dark").click()
        await page.goto(f"{site.address}/holds")
        assert await page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor") != light


async def test_a_hold_is_replayed_with_keys_alone(browser: Browser, own_site: Site) -> None:
    """From the hold to its plan, through it, and to its end, which the page shows by itself."""
    hub, number = Hub(own_site.world), own_site.world.seeded.holds["Nordwind Change Sprint/value.missing"]
    async with visit(browser, own_site) as (page, complaints):
        await page.goto(f"{own_site.address}/holds/H-{number}")
        await press(page, "r")
        await expect(page.get_by_text("Being made.")).to_be_visible()
        await hub.plan()
        await expect(page.get_by_role("heading", name="Let exactly this begin?")).to_be_visible(timeout=10_000)
        await press(page, "j")
        await page.keyboard.press("Enter")
        await expect(page.locator("tr.detail")).to_contain_text("Set up the project")
        await expect(page.locator("#item-1")).to_be_focused()
        await press(page, "d")
        await expect(page.locator("#technical")).to_have_attribute("open", "")
        assert hub.target.sent == []
        await press(page, "y")
        await expect(page.get_by_text("Looking once more.")).to_be_visible()
        await page.evaluate("() => { window.same = document.querySelector('#item-1') }")
        await hub.plan()
        await expect(page.get_by_text("0 of 2 documents came to an end")).to_be_visible(timeout=10_000)
        await expect(page.locator("#state-1")).to_contain_text("at work")
        assert await page.evaluate("() => window.same === document.querySelector('#item-1')"), "a row was drawn anew"
        await hub.work()
        await hub.plan()
        await expect(page.get_by_text("2 documents went through")).to_be_visible(timeout=10_000)
        assert len(hub.target.sent) == 4
        assert complaints == []


async def test_a_plan_is_asked_for_in_the_palette_with_keys_alone(browser: Browser, own_site: Site) -> None:
    number = own_site.world.seeded.holds["Nordwind Change Sprint/value.missing"]
    async with visit(browser, own_site) as (page, complaints):
        await page.keyboard.press("Control+k")
        await page.keyboard.type(f"replay H-{number}")
        await expect(page.locator("#palette [data-results] button")).to_contain_text(f"Replay H-{number}")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/plans/P-*")
        await expect(page.get_by_text("Being made.")).to_be_visible()
        assert complaints == []


async def test_a_slow_answer_to_the_opened_palette_does_not_replace_what_was_typed(
    browser: Browser, site: Site
) -> None:
    number = site.world.seeded.holds["Nordwind Change Sprint/value.missing"]
    async with visit(browser, site) as (page, complaints):
        answered = asyncio.Event()

        async def slow(route: Route) -> None:
            if "replay" in route.request.url:
                await route.continue_()
                return
            await asyncio.sleep(1)
            with suppress(Error):  # the browser has given the request up, as it should
                await route.continue_()
            answered.set()

        await page.route("**/palette/results*", slow)
        await page.keyboard.press("Control+k")
        await page.keyboard.type(f"replay H-{number}")
        found = page.locator("#palette [data-results] button")
        await expect(found).to_contain_text(f"Replay H-{number}")
        await answered.wait()
        await page.wait_for_timeout(300)
        await expect(found).to_contain_text(f"Replay H-{number}")
        assert complaints == []


async def test_the_outcome_of_a_deed_shows_by_itself(browser: Browser, own_site: Site) -> None:
    number = own_site.world.seeded.holds["Umbra Health Pipelines/customer.possible_duplicate"]
    async with visit(browser, own_site) as (page, complaints):
        await page.goto(f"{own_site.address}/holds/H-{number}")
        await page.get_by_text("None of these").click()
        await page.get_by_role("button", name="Decide and continue").click()
        await expect(page.get_by_text("Tieout is on it.")).to_be_visible()
        async with own_site.world.database.transaction() as tx:
            hold = await holds.get(tx, number)
            assert hold is not None
            await holds.close_holds(
                tx, hold["flow"], hold["subject"], by="source", resolution="it is the same", now=NOW
            )
        await expect(page.get_by_text("Resolved just now by Anna Fischer: decided")).to_be_visible(timeout=10_000)
        assert complaints == []


async def test_new_holds_are_told_and_move_nothing(browser: Browser, own_site: Site) -> None:
    async with visit(browser, own_site) as (page, _):
        await page.clock.install()
        await page.goto(f"{own_site.address}/holds")
        before = await page.locator("[data-row]").count()
        async with own_site.world.database.transaction() as tx:
            run = await runs.get(tx, own_site.world.seeded.runs["Globex Data Platform"])
            assert run is not None
            problem = missing_value("Quantum", "US")
            await holds.open_holds(tx, run, [problem], title="Globex Data Platform", amount=None, now=NOW)
        await page.clock.run_for(16_000)
        await expect(page.get_by_role("button", name="1 new")).to_be_visible()
        assert await page.locator("[data-row]").count() == before
        await page.get_by_role("button", name="1 new").click()
        await expect(page.locator("[data-row]")).to_have_count(before + 1)


async def press(page: Page, *keys: str) -> None:
    for each in keys:
        await page.keyboard.press(each)


async def tab_to(page: Page, name: str) -> None:
    for _ in range(20):
        await page.keyboard.press("Tab")
        if name in await page.evaluate("() => document.activeElement.textContent"):
            return
    raise AssertionError(f"{name} is not reached by Tab")
