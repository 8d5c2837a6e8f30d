"""Whose token is for some legal entities sees and touches nothing of the others: every route, from the application's own list."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from tests.api.test_rights import BODIES, ROUTES, address

from tieout.domain.access import ROLES
from tieout.store import database as doors
from tieout.store.database import rows
from tieout.store.scope import seen_by
from tieout.store.visible import VISIBLE

pytestmark = pytest.mark.anyio

OTHER = "Zephyr Verlag"
AMOUNT = "91234.57"
TOLD = (200, 201, 304)
# What may be asked of the other entity and is answered: the firm's own matters, of which nothing is theirs.
FIRM = ("/x/{anything}", "/tables/{table}")


@asynccontextmanager
async def signed_in(site: Any, *entities: str) -> AsyncGenerator[httpx2.AsyncClient, None]:
    """Somebody with every role, whose books end at these entities."""
    token = await site.access.issue(
        name="Somebody", email="somebody@kestrel.example", roles=ROLES, entities=entities or None, actor="setup"
    )
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(site.app), base_url="http://tieout", headers=headers
    ) as client:
        yield client


async def two_books(site: Any) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    """The names of what is in our books and in the others', and what must never be read of the others."""
    ours, theirs = await site.filled(), await site.filled(2, "DE", OTHER, AMOUNT)
    async with site.books.database.transaction() as tx:
        invoices = await rows(tx, "select key, record_id, net, total from invoice where entity = 'DE'")
    marks = [OTHER, AMOUNT, "Kestrel Advisory GmbH", "erp-de", '"DE"', "T2", "006Hs00000aBc02", "90002"]
    marks += [theirs[name] for name in ("hold", "approval", "plan", "invoice", "engagement", "key", "run_id")]
    marks += [str(each[name]) for each in invoices for name in ("key", "record_id", "net", "total")]
    return ours, theirs, tuple(marks)


def text_of(answer: httpx2.Response) -> str:
    """What a reader can find in an answer, also in the files of an archive."""
    told = str(dict(answer.headers)) + answer.text
    if answer.headers.get("content-type") == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as pack:
            told += "".join(pack.read(name).decode(errors="replace") for name in pack.namelist())
    return told


async def leaks(site: Any) -> list[str]:
    """Everything that a reader of US alone is told of DE, over every route with our names and with theirs."""
    ours, theirs, marks = await two_books(site)
    found: list[str] = []
    async with signed_in(site, "US") as client:
        for names, foreign in ((ours, False), (theirs, True)):
            for method, path in ROUTES:
                if not path.startswith("/api/"):
                    continue
                body: Any = BODIES.get(path.rsplit("/", 1)[1]) if method == "POST" else None
                if foreign and isinstance(body, Mapping):
                    body = {**body, **{k: v for k, v in aimed(names).items() if k in body}}
                at = address(method, path, names)
                at = at.replace("erp-us", "erp-de") if foreign else at
                answer = await client.request(method, at, json=body)
                asked = at + str(body)
                told = text_of(answer)
                found += [f"{method} {at}: {each}" for each in marks if each not in asked and each in told]
                if foreign and "{" in path and not path.endswith(FIRM) and answer.status_code in TOLD:
                    found.append(f"{method} {at}: {answer.status_code}")
                elif not foreign and method == "GET" and answer.status_code not in TOLD and "/events/" not in path:
                    assert path == "/api/v1/metrics", f"{at}: {answer.status_code} {answer.text}"
    return found


def aimed(names: Mapping[str, str]) -> dict[str, Any]:
    """Bodies that name what is the others'."""
    return {
        "key": names["engagement"],
        "hold": names["hold"],
        "invoice": names["invoice"],
        "engagement": names["engagement"],
    }


async def test_no_route_tells_or_touches_anything_of_another_entity(site: Any) -> None:
    assert "\n".join(await leaks(site)) == ""


async def no_scope(*_: Any) -> None:
    """The saboteur: a transaction that shows everything to everybody."""


async def test_the_walk_finds_an_api_that_forgets_the_scope(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "narrow", no_scope)
    found = "\n".join(await leaks(site))
    for route in (
        "/figures",
        "/holds",
        "/approvals",
        "/plans",
        "/runs",
        "/lineage",
        "/evidence",
        "/entries",
        "/audit",
        "/documents",
        "/x/",
    ):
        assert route in found, route


@pytest.mark.parametrize("table", ["hold", "crosswalk"])
async def test_the_walk_finds_one_table_that_has_no_rule(site: Any, table: str) -> None:
    async with site.books.database.transaction() as tx:
        await tx.execute(f"create or replace view tieout_scoped.{table} as select * from tieout.{table}".encode())
    assert await leaks(site) != []


async def test_every_table_and_view_has_a_rule(site: Any) -> None:
    sql = "select relname from pg_class where relnamespace = 'tieout'::regnamespace and relkind in ('r', 'p', 'v')"
    async with site.books.database.transaction() as tx:
        assert {each["relname"] for each in await rows(tx, sql)} == set(VISIBLE)


async def test_a_table_without_a_rule_shows_nothing(site: Any) -> None:
    database = site.books.database
    with seen_by([]):
        async with database.transaction() as tx:
            for table in ("hold", "invoice", "project", "work_value", "legal_entity", "plan", "audit", "value_row"):
                assert await (await tx.execute(f"select * from {table}".encode())).fetchall() == []


async def crossed(site: Any) -> int:
    """How often one of many readers at once, some of whom hang up, is shown another's book."""
    await two_books(site)
    wrong = 0

    async def look(entity: str, other: str, patience: float) -> None:
        nonlocal wrong
        with seen_by([entity] if entity else None):
            try:
                async with asyncio.timeout(patience), site.books.database.transaction() as tx:
                    found = {each["entity"] for each in await rows(tx, "select entity, pg_sleep(0.001) from project")}
                    wrong += found != ({entity} if entity else {"US", "DE"})
            except TimeoutError:
                pass

    readers = [("US", "DE"), ("DE", "US"), ("", "")]
    await asyncio.gather(*(look(*readers[n % 3], 5 if n % 4 else 0.002) for n in range(300)))
    return wrong


async def test_readers_who_share_connections_never_see_each_others_books(site: Any) -> None:
    assert await crossed(site) == 0


async def test_a_scope_that_outlives_its_transaction_is_found(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever(tx: Any, entities: Any) -> None:
        await tx.execute("set search_path = tieout_scoped")
        await tx.execute(f"set tieout.scope = '{','.join(entities)}'".encode())

    monkeypatch.setattr(doors, "narrow", for_ever)
    assert await crossed(site) > 0


async def test_whoever_has_a_scope_gives_nobody_a_wider_one_and_acts_for_no_other_entity(site: Any) -> None:
    new = {"name": "New", "email": "new@kestrel.example", "roles": ["finance"]}
    await site.filled()
    async with signed_in(site, "US") as client:
        for entities, status in ((None, 422), ([], 422), (["DE"], 404), (["US", "DE"], 404)):
            answer = await client.post("/api/v1/access-tokens", json={**new, "entities": entities})
            assert answer.status_code == status, answer.text
            assert "there are US." in answer.text or status == 422
        made = await client.post("/api/v1/access-tokens", json={**new, "entities": ["US"]})
        assert made.status_code == 201
        listed = (await client.get("/api/v1/access-tokens")).json()["items"]
        assert {tuple(each["entities"]) for each in listed} == {("US",)}
        # Not its own alone: a system of all, a value for all.
        assert (await client.post("/api/v1/connections/salesforce/pause", json={"reason": "x"})).status_code == 409
        row = {"key": "Data", "value": "410"}
        assert (await client.post("/api/v1/tables/practice_department/rows", json=row)).status_code == 409
        row = {**row, "entity": "US"}
        assert (await client.post("/api/v1/tables/practice_department/rows", json=row)).status_code == 200
        assert (await client.post("/api/v1/connections/erp-us/pause", json={"reason": "x"})).status_code == 200
