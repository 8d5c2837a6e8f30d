"""How the console looks: accessible in both themes, inside its policy, readable on a phone, and pictured."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, FilePayload, Page
from tests.console.seed import Seeded
from tests.journeys.conftest import Site, open_context, visit

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.browser]
ROOT = Path(__file__).parents[2]
AXE = (ROOT / "tests" / "node" / "node_modules" / "axe-core" / "axe.min.js").read_text()
ARTIFACTS = ROOT / "tests" / "artifacts"
TAGS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# The structure of a page is the same in both themes: the second one is examined for what a theme can break.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
RUN = """async (only) => (await axe.run(document, {resultTypes: ['violations'], runOnly: only})).violations.map(
  (v) => `${v.id}: ` + v.nodes.map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? ''}`).slice(0, 3).join(' | '))"""
WIDTHS = (360, 800, 1024)
PICTURED_ON_A_PHONE = ("today", "holds", "hold-value", "approval", "plan-ready", "plan-waits")
PLAN_STATES = ("ready", "waits", "making", "running", "done", "moved", "stopped", "discarded")
SEEDED_PAGES = [
    "today",
    "holds",
    "holds-none",
    "holds-resolved",
    "hold-value",
    "hold-decision",
    "hold-unknown",
    "hold-refused",
    "hold-resolved",
    "question",
    "routes",
    "overrides",
    "approvals",
    "approval",
    "plans",
    "plans-none",
    "plan-open",
    *(f"plan-{state}" for state in PLAN_STATES),
    "documents",
    "document",
    "invoices-work",
    "invoices",
    "invoice",
    "evidence",
    "limits",
    "lent",
    "usage",
    "entry",
    "runs",
    "run",
    "systems",
    "system",
    "tables",
    "table",
    "search",
    "not-found",
]


def pages_of(seeded: Seeded) -> dict[str, str]:
    """One of every kind, with the states that look different."""
    holds, invoice = seeded.holds, seeded.invoices[1]
    return {
        "today": "/",
        "holds": "/holds",
        "holds-none": "/holds?tab=mine",
        "holds-resolved": "/holds?tab=resolved",
        "hold-value": f"/holds/H-{holds['Nordwind Change Sprint/value.missing']}",
        "hold-decision": f"/holds/H-{holds['Umbra Health Pipelines/customer.possible_duplicate']}",
        "hold-unknown": f"/holds/H-{holds['Initech Landing Zone/target.unknown']}",
        "hold-refused": f"/holds/H-{holds['Globex Reporting/target.refused']}",
        "hold-resolved": f"/holds/H-{holds['Nordwind Data Foundation/deal.field_missing']}",
        "question": f"/questions/Q-{seeded.questions[0]}",
        "routes": "/holds/routes",
        "overrides": "/overrides",
        "approvals": "/approvals",
        "approval": f"/approvals/A-{seeded.approvals[0]}",
        "plans": "/plans",
        "plans-none": "/plans?before=1",
        "plan-open": f"/plans/P-{seeded.plans['ready']}?open=1",
        **{f"plan-{state}": f"/plans/P-{seeded.plans[state]}" for state in PLAN_STATES},
        "documents": "/documents",
        "document": f"/documents/engagement/{seeded.engagements['Initech Cloud Migration']}",
        "invoices-work": "/invoices?stage=approved",
        "invoices": "/invoices?stage=billed",
        "invoice": f"/invoices/{invoice}",
        "evidence": f"/invoices/{invoice}/lines/03",
        "limits": "/limits",
        "lent": "/lent",
        "usage": "/usage",
        "entry": f"/entries/kantata/{seeded.entries[0]}",
        "runs": "/runs",
        "run": f"/runs/{seeded.runs['Initech Cloud Migration'].replace('#', '%23')}",
        "systems": "/systems",
        "system": "/systems/erp-de",
        "tables": "/tables",
        "table": "/tables/practice_department",
        "search": "/palette?q=globex",
        "not-found": "/x/nothing-like-it",
    }


@pytest.fixture(scope="session")
async def gallery(browser: Browser, site: Site) -> AsyncGenerator[tuple[Page, list[str]], None]:
    """One signed-in page for everything that is only looked at."""
    ARTIFACTS.mkdir(exist_ok=True)
    async with visit(browser, site) as found:
        yield found


@pytest.mark.parametrize("name", SEEDED_PAGES)
async def test_a_page_is_accessible_in_both_themes_inside_its_policy_and_as_narrow_as_a_phone(
    site: Site, gallery: tuple[Page, list[str]], name: str
) -> None:
    page, complaints = gallery
    complaints.clear()
    await page.goto(site.address + pages_of(site.world.seeded)[name])
    assert [each for each in complaints if "404" not in each] == []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 780})
        assert await page.evaluate("() => document.scrollingElement.scrollWidth") <= width
        if width == 360 and name in PICTURED_ON_A_PHONE:
            await page.screenshot(path=ARTIFACTS / f"{name}-phone.png")
    await page.set_viewport_size({"width": 1360, "height": 860})
    await page.evaluate(AXE)
    assert await violations(page, name, "light", TAGS) == []
    assert await violations(page, name, "dark", COLOURS) == []


async def test_the_door_and_the_dialogs_are_accessible_too(
    browser: Browser, site: Site, gallery: tuple[Page, list[str]]
) -> None:
    context = await open_context(browser, width=1360, height=860, script=True)
    door = await context.new_page()
    await door.goto(f"{site.address}/sign-in")
    await door.evaluate(AXE)
    assert await violations(door, "sign-in", "light", TAGS) == []
    assert await violations(door, "sign-in", "dark", COLOURS) == []
    await context.close()
    page, _ = gallery
    await page.goto(f"{site.address}/systems")
    await page.evaluate(AXE)
    await page.keyboard.press("Control+k")
    await page.locator("#palette [data-results] a").first.wait_for()
    assert await violations(page, "palette", "light", TAGS) == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    assert await violations(page, "keys", "dark", TAGS) == []


async def violations(page: Page, name: str, theme: Literal["light", "dark"], only: dict[str, Any]) -> list[str]:
    await page.emulate_media(color_scheme=theme)
    await page.screenshot(path=ARTIFACTS / f"{name}-{theme}.png")
    return await page.evaluate(RUN, only)


async def test_a_page_loads_nothing_from_elsewhere(site: Site, gallery: tuple[Page, list[str]]) -> None:
    page, _ = gallery
    await page.goto(site.address)
    loaded = await page.evaluate(
        "() => performance.getEntriesByType('resource').map(each => new URL(each.name).origin)"
    )
    assert set(loaded) == {site.address}


async def test_the_policy_would_stop_a_script_that_slipped_in(site: Site, gallery: tuple[Page, list[str]]) -> None:
    page, complaints = gallery
    await page.goto(site.address)
    slip = "const s = document.createElement('script'); s.textContent = 'window.slipped = 1'; document.body.append(s)"
    await page.evaluate(f"() => {{ {slip} }}")
    assert await page.evaluate("() => window.slipped") is None
    assert any("Content Security Policy" in each for each in complaints)


async def test_a_file_of_readings_is_looked_at_and_taken_and_both_looks_are_accessible(
    browser: Browser, own_site: Site
) -> None:
    key = own_site.world.seeded.engagements["Globex Data Platform"]
    head, row = "id,engagement,meter,quantity,unit,day\n", f"R1,{key},storage,12.5,GB,2026-10-05\n"
    async with visit(browser, own_site) as (page, complaints):
        for name, content in (("usage-wrong", head + row.replace("12.5", "much")), ("usage-preview", head + row)):
            await page.goto(f"{own_site.address}/usage")
            file = FilePayload(name="october.csv", mimeType="text/csv", buffer=content.encode())
            await page.get_by_label("The file").set_input_files(file)
            await page.get_by_role("button", name="Show what it would do").click()
            await page.get_by_role("heading", name="october.csv").wait_for()
            await page.evaluate(AXE)
            assert await violations(page, name, "light", TAGS) == []
            assert await violations(page, name, "dark", COLOURS) == []
        await page.keyboard.press("y")
        await page.get_by_role("status").get_by_text("1 reading of metering: 1 new.").wait_for()
        assert [each for each in complaints if "422" not in each] == []


@pytest.mark.skipif("TIEOUT_IMAGES" not in os.environ, reason="writes docs/images only when TIEOUT_IMAGES is set")
async def test_the_pictures_of_the_documentation_are_drawn(browser: Browser, site: Site) -> None:
    images = ROOT / "docs" / "images"
    images.mkdir(parents=True, exist_ok=True)
    pages = pages_of(site.world.seeded)
    async with visit(browser, site, width=1280, height=800) as (page, _):
        for name, theme in (("today", "light"), ("hold-value", "dark")):
            await page.emulate_media(color_scheme="light" if theme == "light" else "dark")
            await page.goto(site.address + pages[name])
            await page.screenshot(path=images / f"{name}.png")
            assert (images / f"{name}.png").stat().st_size > 10_000
