"""The palette: any id, name, page or verb from one field, and /x/ for ids that were pasted into an address."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from tieout.console import wording
from tieout.console.pages.events import reading_href
from tieout.console.technical import run_href
from tieout.console.visit import Visit
from tieout.store import lookup, worklist
from tieout.store.lookup import Hit

# A page that asks for a right is named to those who have it.
_LENT = "Lent work"
_PAGES = (
    ("Today", "/", "g t"),
    ("Holds", "/holds", "g h"),
    ("Holds that are yours", "/holds?tab=mine", ""),
    ("Holds that nobody has", "/holds?tab=unassigned", ""),
    ("Approvals", "/approvals", "g a"),
    ("Replay plans", "/plans", "g p"),
    ("Documents", "/documents", "g d"),
    ("Projects", "/documents?kind=project", ""),
    ("Customers", "/documents?kind=customer", ""),
    ("Invoices", "/invoices", "g i"),
    ("Billable events beside hours", "/events", ""),
    ("Metered usage: readings from a file", "/usage", ""),
    ("Limits and payers", "/limits", ""),
    (_LENT, "/lent", ""),
    ("Work that is not invoiced", "/invoices?stage=unbilled", ""),
    ("Runs", "/runs", "g r"),
    ("Systems", "/systems", "g s"),
    ("Value tables", "/tables", "g m"),
)
_VERBS = ("replay", "assign", "snooze", "ignore")
_COMMAND = re.compile(r"(replay|assign|snooze|ignore|fix|open)\s+h-?(\d{1,18})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """One line of the palette: where it leads, what it is, and the key that does the same; `hold` asks for its plan."""

    title: str
    kind: str
    href: str
    because: str
    key: str
    hold: int = 0


@dataclass(frozen=True, slots=True)
class Palette:
    """The page's own variables."""

    template: ClassVar[str] = "palette.html"

    text: str
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """The same lines without a page around them."""

    template: ClassVar[str] = "palette_results.html"

    text: str
    found: tuple[Found, ...]


async def show(visit: Visit) -> Response:
    """The palette as a page of its own, for those without scripts and for its address."""
    return await visit.page(Palette(visit.query("q"), await search(visit, visit.query("q"))))


async def results(visit: Visit) -> Response:
    """The same lines alone, for the dialog."""
    return await visit.page(Results(visit.query("q"), await search(visit, visit.query("q"))))


async def anything(visit: Visit) -> Response:
    """/x/ and any id of any system: to the one thing it means, or to the choice between several."""
    text = visit.request.path_params["id"]
    async with visit.setting.database.transaction() as tx:
        hits = _distinct(await lookup.find(tx, text))
    if not hits:
        raise HTTPException(404, f"Nothing here or in the connected systems goes by {text!r}.")
    if len(hits) == 1:
        return RedirectResponse(href_of(hits[0]), 303)
    return await visit.page(Palette(text, tuple(_hit(each) for each in hits)))


async def live(visit: Visit) -> Response:
    """The figures of the frame, for the pill that says what came in since the page was drawn."""
    async with visit.setting.database.transaction() as tx:
        return JSONResponse(await worklist.counts(tx, visit.now))


async def search(visit: Visit, text: str) -> tuple[Found, ...]:
    text = text.strip()
    pages = [
        Found(title, "page", href, "", key)
        for title, href, key in _PAGES
        if text.casefold() in title.casefold() and (title != _LENT or visit.may("cost.match"))
    ]
    if not text:
        return tuple(pages)
    command = _COMMAND.fullmatch(text)
    if command is not None:
        return _commands(visit, command[1].lower(), int(command[2]))
    async with visit.setting.database.transaction() as tx:
        hits = _distinct(await lookup.find(tx, text))
    return (*(_hit(each) for each in hits), *pages)[:20]


def href_of(hit: Hit) -> str:
    return _WAYS.get(hit.kind, _document)(hit)


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    """A contract goes by its engagement's key and is shown with it: one way in, not two."""
    deals = {hit.key for hit in hits if hit.kind == "engagement"}
    return [hit for hit in hits if hit.kind != "contract" or hit.key not in deals]


def _hit(hit: Hit) -> Found:
    return Found(hit.title, f"{wording.words(hit.kind)} {hit.key}", href_of(hit), hit.because, "")


def _commands(visit: Visit, verb: str, number: int) -> tuple[Found, ...]:
    """A verb leads to the hold with its form ready, a replay to its plan: nothing irreversible happens from a list."""
    where = f"/holds/H-{number}"
    if verb == "replay" and visit.may("run.replay"):
        return (Found(f"Replay H-{number}", "command", where, "Enter shows the plan; nothing begins yet", "r", number),)
    anchor = f"{where}#{verb}" if verb in _VERBS else where
    return (Found(f"{verb.capitalize()} H-{number}", "command", anchor, "Enter opens the form", verb[0]),)


def _document(hit: Hit) -> str:
    return f"/documents/{quote(hit.kind)}/{quote(hit.key, safe='/')}"


def _entry(hit: Hit) -> str:
    connection, _, source_id = hit.key.partition("/")
    return f"/entries/{quote(connection, safe='')}/{quote(source_id, safe='')}"


_WAYS: dict[str, Callable[[Hit], str]] = {
    "hold": lambda hit: f"/holds/{hit.key}",
    "approval": lambda hit: f"/approvals/{hit.key}",
    "plan": lambda hit: f"/plans/{hit.key}",
    "invoice": lambda hit: f"/invoices/{quote(hit.key, safe='')}",
    "run": lambda hit: run_href(hit.key),
    "effect": lambda hit: f"/effects/{hit.key}",
    "time_entry": _entry,
    "reading": lambda hit: reading_href(*hit.key.split("/", 1)),
    "record": lambda hit: f"/runs?{urlencode({'text': hit.key.rsplit('/', 1)[-1]})}",
}
