"""A file of readings is shown before it is taken, each wrong line says how to correct it, and nothing is taken by accident."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from tests.console.test_scope import somebody
from tests.console.world import ORIGIN, Caller, World, token_of

from tieout.console import guard
from tieout.console.pages.upload import MOST
from tieout.store.database import rows

pytestmark = pytest.mark.anyio
HEAD = "id,engagement,meter,quantity,unit,day\n"


async def chosen(caller: Caller, content: bytes, *, status: int = 200, name: str = "october.csv", **more: Any) -> str:
    """Chooses a file on the page, as a browser sends it."""
    token = token_of(await caller.get("/limits?q=x" if status == 403 else "/usage"))
    answer = await caller.http.post(
        "/usage/preview",
        data={"source": "metering", "token_of_form": token, **more},
        files={"file": (name, content, "text/csv")},
        headers={"Origin": ORIGIN},
    )
    assert answer.status_code == status, answer.text[:2000]
    return answer.text


async def readings(world: World) -> list[str]:
    async with world.database.transaction() as tx:
        found = await rows(tx, "select source_id from usage_reading where source_id like 'R%%' order by 1")
    return [each["source_id"] for each in found]


async def test_a_file_is_shown_then_taken_and_the_same_file_again_is_nothing_new(world: World, anna: Caller) -> None:
    key = world.seeded.engagements["Globex Data Platform"]
    content = f"\ufeff{HEAD}R1,{key},storage,12.5,GB,2026-10-05\nR2,nobody,storage,3,GB,2026-10-06\n"
    page = await chosen(anna, content.encode())
    assert "2 readings are new" in page
    assert "1 reading will wait: usage.engagement_unknown" in page
    assert await readings(world) == [], "it was only looked at"
    form = {"source": "metering", "name": "october.csv", "text": content.lstrip("\ufeff").replace("\n", "\r\n")}
    after = await anna.send("/usage", form, page="/usage")
    assert "2 readings of metering: 2 new." in after
    assert "R2" in after, "what waits stands on the page"
    assert await readings(world) == ["R1", "R2"]
    async with world.database.transaction() as tx:
        (version, _) = await rows(
            tx, "select via, sent_by from usage_version where source_id like 'R%%' order by source_id"
        )
    assert version == {"via": "file", "sent_by": "anna.fischer@kestrel.example"}
    again = await chosen(anna, content.encode())
    assert "there is nothing to take" in again
    corrected = await chosen(anna, content.replace("12.5", "13").encode())
    assert "1 reading is corrected" in corrected


async def test_every_wrong_line_is_told_with_its_column_and_nothing_can_be_taken(world: World, anna: Caller) -> None:
    content = HEAD + "R1,ENG-1,storage,much,GB,2026-10-05\nR2,ENG-1,storage,1,GB,5 October\nR3,ENG-1\n"
    page = await chosen(anna, content.encode(), status=422)
    for said in ("it has more or fewer fields than the header", '<td class="num">4</td>', "Nothing can be taken."):
        assert said in page
    page = await chosen(anna, content.replace("R3,ENG-1\n", "").encode(), status=422)
    for said in (
        "Write a number, zero or more",
        "Write the day as 2026-10-31",
        '<td class="num">2</td>',
        '<td class="num">3</td>',
    ):
        assert said in page
    assert 'name="text"' not in page
    taken = await anna.send("/usage", {"source": "metering", "text": content}, page="/usage", status=422)
    assert "Nothing can be taken." in taken
    assert await readings(world) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there is no column id"),
        ("id,été\n".encode("latin-1"), "no text in UTF-8"),
        (b"x" * (MOST + 1), "take it with `tieout usage import`"),
    ],
)
async def test_what_is_no_file_of_readings_says_what_to_do(anna: Caller, content: bytes, said: str) -> None:
    page = await chosen(anna, content, status=422 if not content else 409)
    assert said in page


async def test_a_source_that_the_firm_does_not_name_is_refused(anna: Caller) -> None:
    page = await chosen(anna, (HEAD + "R1,E,m,1,GB,2026-10-05\n").encode(), status=422, source="meter")
    assert "no source of usage is called “meter”" in page


async def test_only_who_may_send_usage_of_every_entity_takes_a_file(world: World) -> None:
    klaus = await Caller(world.app).sign_in(world, "Klaus Brandt")
    assert "Sending readings needs the role operator or finance or engineer" in await klaus.get("/usage")
    await chosen(klaus, HEAD.encode(), status=403)
    narrow = await somebody(world, "US")
    assert "somebody who sees all of them takes its file" in await narrow.get("/usage")
    await chosen(narrow, HEAD.encode(), status=403)


async def test_a_form_of_another_site_and_one_without_an_end_take_nothing(world: World, anna: Caller) -> None:
    token = token_of(await anna.get("/usage"))
    data = {"source": "metering", "text": HEAD, "token_of_form": token}
    for more in ({"Origin": "https://elsewhere.example"}, {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}):
        assert (await anna.http.post("/usage", data=data, headers=more)).status_code == 403
    assert (
        await anna.http.post("/usage", data={**data, "token_of_form": "0"}, headers={"Origin": ORIGIN})
    ).status_code == 403

    async def endless() -> AsyncGenerator[bytes, None]:
        yield b"source=metering"

    kind = {"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
    assert (await anna.http.post("/usage", content=endless(), headers=kind)).status_code == 413
    long = {**kind, "Content-Length": str(guard.MOST + 1)}
    assert (await anna.http.post("/usage", content=b"x", headers=long)).status_code == 413
