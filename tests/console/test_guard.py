"""Who comes in, what every answer carries, and that no other site can make a signed-in person do something."""

from __future__ import annotations

import re

import pytest
from tests.console.seed import KESTREL, NOW, link
from tests.console.test_deeds import state_of
from tests.console.test_plans import newest
from tests.console.world import ORIGIN, Caller, World, token_of

from tieout.console.application import console
from tieout.console.setting import Environment
from tieout.domain.spelling import case_suffix
from tieout.engine.access import Access
from tieout.engine.operator import Operator
from tieout.engine.replay import Replays
from tieout.store.database import Database

pytestmark = pytest.mark.anyio


async def test_every_answer_carries_a_strict_policy(world: World, anna: Caller) -> None:
    for path in ("/", "/holds", "/sign-in", "/nowhere", "/static/tieout.css", "/live"):
        headers = (await anna.http.get(path)).headers
        policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
        assert policy == {
            "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:",
            "connect-src": "'self'", "form-action": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'",
        }  # fmt: skip
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert ("immutable" if path.startswith("/static") else "no-store") in headers["cache-control"]


async def test_nobody_sees_a_page_without_signing_in_and_comes_back_to_it_afterwards(world: World) -> None:
    stranger = Caller(world.app)
    for path in ("/", "/holds", "/holds/H-20401", "/live", "/x/anything", "/palette/results", "/nowhere"):
        answer = await stranger.http.get(path)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/sign-in")
    answer = await stranger.http.get("/holds?tab=mine")
    door = await stranger.http.get(answer.headers["location"])
    form = {"token": world.tokens["Anna Fischer"], "token_of_form": token_of(door.text), "onward": "/holds?tab=mine"}
    assert 'name="onward" value="/holds?tab=mine"' in door.text
    entered = await stranger.http.post("/sign-in", data=form, headers={"Origin": ORIGIN})
    assert entered.headers["location"] == "/holds?tab=mine"


@pytest.mark.parametrize(
    "onward", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "evil"]
)
async def test_the_door_leads_to_no_other_site(world: World, onward: str) -> None:
    stranger = Caller(world.app)
    door = await stranger.http.get("/sign-in", params={"onward": onward})
    form = {"token": world.tokens["Anna Fischer"], "token_of_form": token_of(door.text), "onward": onward}
    entered = await stranger.http.post("/sign-in", data=form, headers={"Origin": ORIGIN})
    assert entered.headers["location"] == "/"


async def test_a_wrong_token_stays_outside(world: World) -> None:
    stranger = Caller(world.app)
    door = await stranger.get("/sign-in")
    for wrong in ("", "tieout_wrong", world.tokens["Anna Fischer"][:-1]):
        form = {"token": wrong, "token_of_form": token_of(door)}
        answer = await stranger.http.post("/sign-in", data=form, headers={"Origin": ORIGIN})
        assert answer.status_code == 401
        assert "This token is not valid" in answer.text
        assert "tieout-session" not in answer.headers.get("set-cookie", "")


async def test_a_visitor_of_the_sandbox_is_in_with_one_click(world: World) -> None:
    stranger = Caller(world.app)
    door = await stranger.get("/sign-in")
    form = {"visitor": "Carlos Mendes", "token_of_form": token_of(door)}
    answer = await stranger.http.post("/sign-in", data=form, headers={"Origin": ORIGIN})
    assert answer.status_code == 303
    assert ", Carlos." in await stranger.get("/")


async def test_the_session_is_a_cookie_that_scripts_and_other_sites_cannot_read(world: World) -> None:
    for base, name, secure in (
        (ORIGIN, "tieout-session", False),
        ("https://console.test", "__Host-tieout-session", True),
    ):
        stranger = Caller(world.app)
        stranger.http.base_url = base
        door = await stranger.http.get("/sign-in")
        form = {"token": world.tokens["Anna Fischer"], "token_of_form": token_of(door.text)}
        answer = await stranger.http.post("/sign-in", data=form, headers={"Origin": base})
        cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{name}="))
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        assert "Path=/" in cookie
        assert ("Secure" in cookie) == secure
        assert ("strict-transport-security" in answer.headers) == secure


async def test_a_session_ends_when_its_owner_signs_out(world: World, anna: Caller) -> None:
    kept = dict(anna.http.cookies)
    await anna.send("/sign-out", {}, page="/holds")
    anna.http.cookies.update(kept)
    assert (await anna.http.get("/")).status_code == 303


async def test_a_form_of_another_site_does_nothing(world: World, anna: Caller) -> None:
    number = world.seeded.holds["Nordwind Change Sprint/value.missing"]
    token = token_of(await anna.get("/holds"))
    other = token_of(await (await Caller(world.app).sign_in(world, "Carlos Mendes")).get("/holds"))
    before = await newest(world)
    attempts: list[tuple[dict[str, str], dict[str, str]]] = [
        ({"token_of_form": token}, {}),
        ({"token_of_form": token}, {"Origin": "https://evil.example"}),
        ({"token_of_form": token}, {"Origin": "null"}),
        ({"token_of_form": token}, {"Origin": ORIGIN.replace("http:", "https:")}),
        ({"token_of_form": token}, {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}),
        ({"token_of_form": token}, {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"}),
        ({}, {"Origin": ORIGIN}),
        ({"token_of_form": "0" * 64}, {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}),
        ({"token_of_form": other}, {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}),
    ]
    for data, headers in attempts:
        answer = await anna.http.post(f"/holds/H-{number}/replay", data=data, headers=headers)
        assert answer.status_code == 403, headers
        assert "not one of this console" in answer.text
    assert await newest(world) == before
    fine = await anna.http.post(
        f"/holds/H-{number}/replay", data={"token_of_form": token}, headers={"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    )  # fmt: skip
    assert fine.status_code == 303
    assert await newest(world) == before + 1


async def test_a_get_changes_nothing(world: World, anna: Caller) -> None:
    number = world.seeded.holds["Nordwind Change Sprint/value.missing"]
    for path in (f"/holds/H-{number}/replay", "/holds/act", "/values", "/systems/kantata/pause", "/sign-out"):
        assert (await anna.http.get(path)).status_code in (404, 405)
    assert await state_of(world, "Nordwind Change Sprint") == "held"


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/holds/H-1", "/holds/H-99999999999999999999", "/holds/abc", "/approvals/A-1", "/plans/P-1", "/documents/engagement/x",
     "/invoices/x", "/runs/x", "/systems/x", "/tables/x", "/x/nothing-like-it", "/effects/x", "/entries/kantata/x"],
)  # fmt: skip
async def test_what_is_not_there_is_a_page_with_its_frame_and_a_reference(anna: Caller, path: str) -> None:
    page = await anna.get(path, 404)
    assert 'aria-label="Sections"' in page
    assert re.search(r'id="reference">[0-9a-f]{8}<', page)


async def test_without_its_database_the_console_still_says_what_is_wrong(database: Database) -> None:
    away = Database(database.url.replace("tieout-pg-", "nowhere-"))
    clock = lambda: NOW  # noqa: E731
    app = console(
        away,
        Operator(away, clock),
        Replays(away, clock),
        Access(away, clock),
        lambda: KESTREL,
        clock,
        link,
        Environment(),
    )
    caller = Caller(app)
    caller.http.cookies.set("tieout-session", "tieout_session_x")
    page = await caller.get("/", 500)
    assert "This page has a fault" in page
    assert re.search(r'id="reference">[0-9a-f]{8}<', page)


async def test_preferences_are_kept_and_shown(anna: Caller) -> None:
    assert 'data-theme="system"' in await anna.get("/")
    assert 'data-theme="dark"' in await anna.send("/preferences", {"theme": "dark", "back": "/holds"})
    assert 'data-keys="off"' in await anna.send("/preferences", {"keys": "off", "back": "/"})
    assert 'data-theme="dark"' in await anna.send("/preferences", {"theme": "purple", "back": "//evil.example"})


async def test_times_are_in_the_viewers_zone_with_utc_beside_them(world: World, anna: Caller) -> None:
    number = world.seeded.holds["Nordwind Change Sprint/value.missing"]
    anna.http.cookies.set("tieout-zone", "Europe/Berlin")
    page = await anna.get(f"/holds/H-{number}")
    assert 'title="2026-11-17 03:12:00 UTC">Tue 17 Nov, 04:12</time>' in page
    for nonsense in ("Mars/Base", "../../etc/passwd", "\x00", "/etc/localtime"):
        anna.http.cookies.set("tieout-zone", nonsense)
        assert "Tue 17 Nov, 03:12</time>" in await anna.get(f"/holds/H-{number}")


async def test_anything_by_any_id_leads_to_its_page(world: World, anna: Caller) -> None:
    key, run = world.seeded.engagements["Globex Data Platform"], world.seeded.runs["Globex Data Platform"]
    source = run.split(":")[1].split("/")[-1]
    for anything, leads in (
        (key, f"/documents/engagement/{key}"),
        (source, f"/documents/engagement/{key}"),
        (source + case_suffix(source), f"/documents/engagement/{key}"),
        ("US-2026-0041", f"/invoices/{world.seeded.invoices[0]}"),
        ("H-20401", "/holds/H-20401"),
        ("h-20401", "/holds/H-20401"),
        (f"A-{world.seeded.approvals[0]}", f"/approvals/A-{world.seeded.approvals[0]}"),
        (key.replace("ENG", "PRJ"), f"/documents/project/{key.replace('ENG', 'PRJ')}"),
    ):
        answer = await anna.http.get(f"/x/{anything}")
        assert (answer.status_code, answer.headers.get("location")) == (303, leads), anything


async def test_the_palette_knows_pages_names_and_verbs(anna: Caller) -> None:
    assert 'name="hold" value="20401"' in await anna.get("/palette/results?q=replay+H-20401")
    assert 'href="/holds/H-20401#snooze"' in await anna.get("/palette/results?q=snooze+H-20401")
    assert "Globex Data Platform" in await anna.get("/palette/results?q=globex+data")
    assert 'href="/systems"' in await anna.get("/palette/results?q=sys")
    nothing = await anna.get("/palette/results?q=%3Cb%3Enothing")
    assert "&lt;b&gt;nothing" in nothing
    assert "<html" not in nothing
