"""The ERP's own web client in a real browser: it is there when asked for, and its login page opens."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tieout.sandbox.tryton.server import TrytonServer
from tieout.sandbox.tryton.template import Template
from tieout.sandbox.tryton.web_client import web_client


@pytest.mark.anyio
@pytest.mark.browser
@pytest.mark.loopback
@pytest.mark.slow
@pytest.mark.tryton
async def test_a_clerk_logs_in_and_sees_the_menu_of_the_erp(template: Template, tmp_path: Path) -> None:
    root = web_client(template.folder.parent)
    with TrytonServer(template, tmp_path, web=root) as erp:
        clerk = erp.tenancy.clerk("DE")
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            page = await browser.new_page()
            # As localhost: the session's cookie is a secure one.
            await page.goto(erp.url.replace("127.0.0.1", "localhost") + f"/#{erp.database}", timeout=60_000)
            await page.fill("input[name=login]", clerk.user, timeout=60_000)
            await page.press("input[name=login]", "Enter")
            await page.fill("input[type=password]", clerk.password, timeout=60_000)
            await page.keyboard.press("Enter")
            menu = page.get_by_text("Financial").first
            await expect(menu).to_be_visible(timeout=60_000)
            await browser.close()
