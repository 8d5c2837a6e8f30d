"""The firm in a box over real connections: every system on its port, the story driven from outside, kept and begun again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.sandbox.box import Box, opened
from tieout.sandbox.folder import FolderTaken, StateFolder
from tieout.sandbox.options import Bell, Options
from tieout.sandbox.serving import Ports, served, url_of

pytestmark = [pytest.mark.anyio, pytest.mark.loopback]


@asynccontextmanager
async def box(folder: Path, **options: Any) -> AsyncIterator[tuple[Box, httpx2.AsyncClient]]:
    async with opened(Options(folder, erp=False, **options)) as opened_box:
        control = opened_box.description["control"]
        async with httpx2.AsyncClient(base_url=control, timeout=30, trust_env=False) as client:
            yield opened_box, client


async def test_the_story_is_driven_and_read_through_the_control_server(tmp_path: Path) -> None:
    async with box(tmp_path) as (_, control):
        assert (await control.get("/health")).json() == {"ok": True, "day": "2026-09-30"}
        told = (await control.post("/story/advance", json={"days": 1})).json()
        assert (told["day"], told["played"], told["finished"], told["failure"]) == (
            "2026-10-01",
            "2026-10-01",
            False,
            "",
        )
        assert told["log"][-1]["sentence"] == "2026-10-01 Margaret Osei won Globex Data Foundation"
        assert told["log"][-1]["where"] == "Salesforce"
        assert (tmp_path / "calendar").read_text() == "2026-10-01\n"
        await control.post("/story/advance", json={"until": "2026-10-02"})
        status = (await control.get("/story?log=1")).json()
        assert status["played"] == "2026-10-02"
        assert [each["what"] for each in status["log"]] == ["Umbra Health Data Retainer"]
        books = (await control.get("/books")).json()
        assert books["entities"]["DE"]["crm"]["won"] == 1
        assert books["entities"]["DE"]["erp"] == {}


async def test_an_advance_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async with box(tmp_path) as (_, control):
        for body in ({}, {"days": 0}, {"days": 1, "until": "2026-10-05"}, {"until": "soon"}, {"until": "2036-01-01"}):
            assert (await control.post("/story/advance", json=body)).status_code == 422
        assert (await control.get("/story")).json()["played"] == "2026-09-30"


async def test_an_advance_need_not_be_waited_for(tmp_path: Path) -> None:
    async with box(tmp_path) as (opened_box, control):
        answer = await control.post("/story/advance", json={"days": 3, "wait": False})
        assert (answer.status_code, answer.json()["log"]) == (202, [])
        await opened_box.story.advance(date(2026, 10, 3))  # waits for its turn
        assert (await control.get("/story")).json()["played"] == "2026-10-03"


async def test_the_description_is_all_that_the_hub_needs(tmp_path: Path) -> None:
    async with box(tmp_path) as (opened_box, control):
        description = (await control.get("/systems")).json()
        assert description == opened_box.description
        prefix = "TIEOUT_CONNECTION_"
        given = description["environment"]
        for name, config in (("SALESFORCE", SalesforceConfig), ("KANTATA", KantataConfig)):
            start = f"{prefix}{name}_"
            settings = {key.removeprefix(start).lower(): each for key, each in given.items() if key.startswith(start)}
            config.model_validate(settings)
        hub = description["systems"]["salesforce"]
        form = {
            "grant_type": "client_credentials",
            **{each: hub["credentials"][each] for each in ("client_id", "client_secret")},
        }
        token = await control.post(f"{hub['url']}/services/oauth2/token", data=form)
        assert token.json()["instance_url"] == hub["url"]
        psa = description["systems"]["kantata"]
        bearer = {"Authorization": f"Bearer {psa['credentials']['token']}"}
        me = (await control.get(f"{psa['url']}/api/v1/users/me.json", headers=bearer)).json()
        assert me["users"][me["results"][0]["id"]]["email_address"] == psa["credentials"]["username"]


async def test_every_system_can_be_made_to_fail_for_the_hub_and_people_do_not_notice(tmp_path: Path) -> None:
    async with box(tmp_path) as (opened_box, control):
        for facts in opened_box.description["systems"].values():
            rule = {"kind": "status", "status": 503, "times": None}
            assert (await control.post(facts["faults"], json=rule)).status_code == 201
            assert (await control.get(f"{facts['url']}/services/data")).status_code == 503
        told = (await control.post("/story/advance", json={"days": 1})).json()
        assert [each["did"] for each in told["log"]][-1] == "won"


async def test_the_same_folder_continues_at_the_same_addresses_and_fresh_begins_again(tmp_path: Path) -> None:
    async with box(tmp_path, day=date(2026, 10, 2)) as (first, control):
        acts = (await control.get("/story")).json()["acts"]
        addresses = {name: each["url"] for name, each in first.description["systems"].items()}
    async with box(tmp_path) as (second, control):
        status = (await control.get("/story")).json()
        assert (status["played"], status["acts"]) == ("2026-10-02", acts)
        assert {name: each["url"] for name, each in second.description["systems"].items()} == addresses
    async with box(tmp_path, fresh=True) as (third, control):
        assert (await control.get("/story")).json()["played"] == "2026-09-30"
        assert {name: each["url"] for name, each in third.description["systems"].items()} == addresses


async def test_ports_stand_in_a_row_when_a_first_one_is_given(tmp_path: Path) -> None:
    door = Ports(None, {}).open("probe")
    base = door.getsockname()[1] + 1
    door.close()
    async with box(tmp_path, port_base=base) as (opened_box, _):
        description = opened_box.description
        urls = [description["control"], *(each["url"] for each in description["systems"].values())]
        assert urls == [f"http://127.0.0.1:{base + place}" for place in range(len(urls))]


async def test_the_org_rings_at_the_doorbell_with_its_token(tmp_path: Path) -> None:
    rung: list[tuple[str, str]] = []
    answered = asyncio.Event()

    async def bell(request: Request) -> Response:
        rung.append((request.path_params["token"], (await request.body()).decode()))
        answered.set()
        ack = '<r xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></r>'
        return Response(ack, media_type="text/xml")

    door = Ports(None, {}).open("bell")
    hub = Starlette(routes=[Route("/hooks/salesforce/{token}", bell, methods=["POST"])])
    async with served({"bell": (door, hub)}):
        ringing = Bell(f"{url_of(door)}/hooks/salesforce/t0ken", "t0ken")
        async with box(tmp_path, bell=ringing) as (opened_box, control):
            settings = opened_box.description["systems"]["salesforce"]["settings"]
            assert settings["doorbell_secret"] == "t0ken"
            await control.post("/story/advance", json={"days": 1})
            await asyncio.wait_for(answered.wait(), 10)
    assert {token for token, _ in rung} == {"t0ken"}
    assert "Opportunity" in rung[0][1]
    assert settings["organization_id"] in rung[0][1]


async def test_one_folder_is_for_one_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tieout.sandbox.folder._PATIENCE_SECONDS", 0.2)
    with StateFolder(tmp_path).held(fresh=False), pytest.raises(FolderTaken, match=str(tmp_path)):  # noqa: SIM117
        with StateFolder(tmp_path).held(fresh=False):
            pass
