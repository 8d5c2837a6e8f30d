"""Whose books end at one legal entity finds nothing of another's on any page, from the console's own list of pages."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

import httpx2
import pytest
from starlette.routing import Route
from tests.console.world import Caller, World

from tieout.domain.access import ROLES
from tieout.engine.access import Access
from tieout.store import database as doors
from tieout.store.scope import seen_by
from tieout.store.visible import VISIBLE

pytestmark = pytest.mark.anyio

# The name, number or amount of something: not a plain word, and no short figure that may stand anywhere.
_TELLING = re.compile(r"^(?=.*[A-Z0-9])(?!\d+ [a-z]+$).{6,}$")
# Page → the addresses that it has, of every entity: (address, entity); a page without a name of anything in it has one.
NAMED: Mapping[str, str] = {
    "/holds/{id}": "select '/holds/H-' || id, entity from hold order by id",
    "/holds/{id}/peek": "select '/holds/H-' || id || '/peek', entity from hold order by id",
    "/questions/{id}": "select '/questions/Q-' || q.id, h.entity from hold_question q join hold h on h.id = q.hold_id",
    "/approvals/{id}": "select '/approvals/A-' || id, entity from approval order by id",
    "/plans/{id}": """
        select '/plans/P-' || i.plan, min(r.entity) from plan_item i join run r on r.id = i.run_id
        group by i.plan having count(distinct r.entity) = 1
    """,
    "/documents/{kind}/{key:path}": "select distinct '/documents/' || kind || '/' || key, entity from document order by 1",
    "/invoices/{key}": "select '/invoices/' || key, entity from invoice",
    "/invoices/{key}/evidence.zip": "select '/invoices/' || key || '/evidence.zip', entity from invoice",
    "/invoices/{key}/lines/{line:path}": """
        select '/invoices/' || i.key || '/lines/' || l.line, i.entity from invoice i join invoice_line l on l.invoice = i.key
    """,
    "/entries/{connection}/{id:path}": "select '/entries/' || connection || '/' || source_id, entity from time_entry",
    "/events/{connection}/{id:path}": "select '/events/' || connection || '/' || source_id, entity from billable_event",
    "/usage/{source}/{id:path}": "select '/usage/' || source || '/' || source_id, entity from usage_reading",
    "/runs/{id:path}": "select '/runs/' || id, entity from run",
    "/effects/{key}": "select '/effects/' || key, entity from effect",
    "/systems/{name}": "select '/systems/' || name, entity from connection",
    "/x/{id:path}": """
        select '/x/' || number, entity from invoice where number <> '' union select '/x/' || key, entity from project
        union select '/x/H-' || id, entity from hold
    """,
}
PLAIN: Mapping[str, tuple[str, ...]] = {
    "/sign-in": ("/sign-in",),
    "/": ("/",),
    "/holds": ("/holds", "/holds?entity=DE", "/holds?tab=resolved", "/holds?tab=mine", "/holds?export=csv"),
    "/holds/routes": ("/holds/routes",),
    "/overrides": ("/overrides", "/overrides?withdrawn=1"),
    "/approvals": ("/approvals",),
    "/plans": ("/plans",),
    "/documents": ("/documents", "/documents?kind=engagement", "/documents?entity=DE", "/documents?q=K"),
    "/invoices": ("/invoices", "/invoices?stage=billed&entity=DE&currency=EUR", "/invoices?entity=DE"),
    "/events": ("/events", "/events?kind=usage"),
    "/limits": ("/limits", "/limits?q=e", "/limits?after=A"),
    "/lent": ("/lent",),
    "/usage": ("/usage",),
    "/runs": ("/runs", "/runs?state=done", "/runs?state=held"),
    "/systems": ("/systems",),
    "/tables": ("/tables",),
    "/tables/{table}": ("/tables/practice_department", "/tables/service_line_tax_class"),
    "/palette": ("/palette",),
    "/palette/results": ("/palette/results?q=a", "/palette/results?q=2026"),
    "/live": ("/live",),
    "/{anywhere:path}": ("/nowhere",),
}


async def somebody(world: World, *entities: str) -> Caller:
    """Signed in with every role, and books that end at these entities."""
    token = await Access(world.database, world.now).issue(
        name="Somebody", email="somebody@kestrel.example", roles=ROLES, entities=entities or None, actor="setup"
    )
    return await Caller(world.app).enter(token)


def pages(world: World, method: str) -> set[str]:
    return {each.path for each in world.app.routes if isinstance(each, Route) and method in (each.methods or ())}


async def found_by(world: World, sql: str) -> list[dict[str, Any]]:
    async with world.database.transaction() as tx:
        return list(await (await tx.execute(sql.encode())).fetchall())


async def addresses(world: World) -> list[tuple[str, str]]:
    """Every page's addresses, four of each entity, and whose they are: an entity's code, or nobody's."""
    assert pages(world, "GET") == {*NAMED, *PLAIN}, "a new page needs its addresses here"
    found = [(each, "") for several in PLAIN.values() for each in several]
    for sql in NAMED.values():
        for code in ("US", "DE"):
            listed = await found_by(world, f"select * from ({sql}) x(address, entity) where entity = '{code}' limit 4")
            found += [(quote(each["address"], safe="/:"), code) for each in listed]
    return found


async def marks(world: World) -> set[str]:
    """Every name and number in the rows of DE that stands in no row that a reader of US sees."""
    theirs, ours = set[str](), ""
    for table in VISIBLE:
        every = f"select to_jsonb(x) as row from {table} x"
        mine = [each["row"] for each in await found_by(world, every) if each["row"].get("entity") == "DE"]
        theirs |= {text for each in mine for text in texts(each)}
        with seen_by(["US"]):
            ours += str(await found_by(world, every))
    return {each for each in theirs if _TELLING.search(each) and each not in ours} | {"€", "EUR", "erp-de", "GmbH"}


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for each in value.values() for text in texts(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in texts(each))
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def text_of(answer: httpx2.Response) -> str:
    told = answer.text
    if answer.headers.get("content-type") == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as pack:
            told += "".join(pack.read(name).decode(errors="replace") for name in pack.namelist())
    return told


async def leaks(world: World, known: set[str]) -> list[str]:
    """What of these marks of DE a reader of US is shown, at every address there is."""
    assert len(known) > 100
    found = list[str]()
    reader = await somebody(world, "US")
    for at, whose in await addresses(world):
        answer = await reader.http.get(at, follow_redirects=True)
        asked, told = unquote(at), text_of(answer)
        found += [f"{at}: {each}" for each in sorted(known) if each not in asked and each in told]
        if whose == "DE" and answer.status_code == 200 and not at.startswith(("/x/",)):
            found.append(f"{at}: {answer.status_code}")
        if whose == "US":
            assert answer.status_code == 200, f"{at}: {answer.status_code}"
    return found


async def test_no_page_shows_anything_of_another_entity(world: World) -> None:
    assert "\n".join(await leaks(world, await marks(world))) == ""


async def no_scope(*_: Any) -> None:
    """The saboteur: a transaction that shows everything to everybody."""


async def test_the_walk_finds_a_console_that_forgets_the_scope(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    known = await marks(world)
    monkeypatch.setattr(doors, "narrow", no_scope)
    found = "\n".join(await leaks(world, known))
    for page in ("/: ", "/holds/H-", "/invoices/INV-", "/documents", "/runs", "/x/"):
        assert page in found, page
