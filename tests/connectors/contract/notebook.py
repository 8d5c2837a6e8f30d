"""A system small enough to read, with an operation of every class: what the contract suite itself is tested on.

It is also the shortest whole connector there is: `docs/adding-a-connector.md` points here.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import httpx2
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import JSONResponse
from starlette.routing import Route

from tieout.connectors.contract import (
    AlreadyThere,
    Change,
    Claim,
    ConnectorSpec,
    Guarantee,
    Health,
    Opening,
    Operation,
    OutcomeUnknown,
    Page,
    Reading,
    Receipt,
    Write,
)
from tieout.connectors.transports.http import Request, exchange, json_of, lost
from tieout.domain.identity import Ref, content_hash
from tieout.domain.problems import Misconfigured, Problem, Rejected
from tieout.testing.contract import ConnectorBench, FaultyNetwork, Feed, Sample

OVERLAP = timedelta(minutes=2)
SETTLE = timedelta(seconds=5)
# Different for every bench: the books in which the engine writes its effects are shared.
_numbers = itertools.count(1)
_entered = partial(Operation, creates="entry", money=Claim.UNTOUCHED, undo="tear the page out")
OPERATIONS = {
    each.name: each
    for each in (
        Operation(
            "note.pay",
            Guarantee.KEY,
            "pay for the note",
            SETTLE,
            horizon=timedelta(hours=20),
            creates="entry",
            money=Claim.MOVED,
            undo="ask for the money back",
        ),
        _entered("note.put", Guarantee.UPSERT, "keep the note"),
        _entered("note.add", Guarantee.UNIQUE, "add the note"),
        _entered("note.post", Guarantee.LOOK_UP, "post the note", SETTLE),
        _entered("note.fax", Guarantee.NONE, "fax the note"),
    )
}
FAULT_BODIES = {
    "429": ("application/json", b'{"error": "slow down"}'),
    "503": ("application/json", b'{"error": "closed for lunch"}'),
    "error_in_200": ("application/json", b'{"error": "no room in the notebook"}'),
}


# -- the connector


class NotebookConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="Where the notebook lies")
    token: SecretStr = Field(description="Opens it")


class Notebook:
    def __init__(self, name: str, config: NotebookConfig, http: httpx2.AsyncClient) -> None:
        self.name = name
        self._config = config
        self._http = http

    async def close(self) -> None:
        await self._http.aclose()

    async def check(self) -> Health:
        return Health(ok=True, detail="open", user=(await self._ask(Request("GET", "/me")))["user"])

    async def describe(self) -> Mapping[str, Sequence[str]]:
        return {"note": (await self._ask(Request("GET", "/me")))["fields"]}

    def link(self, ref: Ref) -> str:
        return str(httpx2.URL(self._config.url).join(f"/notes/{ref.id.replace(' ', '')}")) if ref.kind == "note" else ""

    async def changes(self, kind: str, since: str | None) -> Page:
        if kind != "note":
            raise LookupError(kind)
        rows = (await self._ask(Request("GET", f"/notes?since={since or ''}")))["notes"]
        newest = max((each["at"] for each in rows), default="")
        cursor = (datetime.fromisoformat(newest) - OVERLAP).isoformat() if newest else ""
        return Page([self._change(each) for each in rows], max(cursor, since or ""), more=False)

    async def look(self, ref: Ref) -> Change | None:
        if ref.kind != "note":
            raise LookupError(ref.kind)
        rows = (await self._ask(Request("GET", "/notes?since=")))["notes"]
        return next((self._change(each) for each in rows if each["id"] == ref.id), None)

    async def read(self, ref: Ref) -> Reading | None:
        raise LookupError("a note is no document")

    def _change(self, row: Mapping[str, Any]) -> Change:
        version = f"{row['at']}#{content_hash([row['text'], row['gone']])[:16]}"
        return Change(Ref(self.name, "note", row["id"]), version, record=dict(row), deleted=row["gone"])

    def operation(self, name: str) -> Operation:
        return OPERATIONS[name]

    async def prepare(self, write: Write) -> bytes:
        manner = write.operation.partition(".")[2]
        return Request("POST", f"/{manner}", {"key": write.subject, "text": write.body["text"]}).encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        sent = Request.decode(request)
        told = await self._ask(sent)
        if "taken" in told:
            raise AlreadyThere(told["taken"])
        if "refused" in told:
            facts = {"system": self.name, "action": OPERATIONS[operation].does, "subject": sent.body["key"]}
            raise Rejected(
                Problem("target.refused", {**facts, "amount": "the note", "link": ""}, quote=told["refused"])
            )
        if "id" not in told:
            raise OutcomeUnknown(str(told))
        return Receipt(told["id"])

    async def find(self, write: Write) -> Receipt | None:
        rows = (await self._ask(Request("GET", f"/{write.operation.partition('.')[2]}")))["kept"]
        there = [each["id"] for each in rows if each["key"] == write.subject]
        return Receipt(there[0], others=tuple(there[1:])) if there else None

    async def _ask(self, request: Request) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._config.token.get_secret_value()}"}
        response = await exchange(self._http, request, headers)
        if response.status_code == 401:
            raise Misconfigured("the notebook stays closed", self.name)
        told = json_of(response, writes=request.writes)
        if response.status_code != 200 or not isinstance(told, dict) or "error" in told:
            raise lost(request.writes, f"HTTP {response.status_code}: {told}")
        return cast("dict[str, Any]", told)


def opened(opening: Opening) -> Notebook:
    config = cast("NotebookConfig", opening.config)
    return Notebook(opening.name, config, httpx2.AsyncClient(base_url=config.url, transport=opening.transport))


SPEC = ConnectorSpec(
    kind="notebook",
    title="Notebook",
    roles=("crm",),
    config=NotebookConfig,
    open=opened,
    reads=("note",),
    writes=OPERATIONS,
    waivers={"a_document_has_the_version_of_its_record": "A note is no canonical document."},
)


# -- the system


@dataclass
class Pages:
    """What is in the notebook. `unique` false brings back the bug of a target that ignores its unique field."""

    unique: bool = True
    at: datetime = field(default_factory=lambda: datetime(2026, 11, 2, 9, 0, tzinfo=UTC))
    kept: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    notes: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def forward(self, step: timedelta) -> None:
        self.at += step

    def write(self, id: str = "", *, gone: bool = False) -> str:
        id = id or f"N{next(_numbers)}"
        self.notes[id] = {"id": id, "text": f"text {next(_numbers)}", "at": self.at.isoformat(), "gone": gone}
        return id

    def under(self, manner: str, key: str) -> list[dict[str, str]]:
        return [each for each in self.kept if (each["manner"], each["key"]) == (manner, key)]

    async def census(self) -> Mapping[str, int]:
        return {"note": len(self.notes), "entry": len(self.kept)}

    def asgi(self) -> Starlette:
        async def answer(asked: Asked) -> JSONResponse:
            if asked.headers.get("Authorization") != "Bearer open sesame":
                return JSONResponse({"error": "who are you?"}, 401)
            return JSONResponse(self._answer(asked, json.loads(await asked.body() or b"{}")))

        return Starlette(routes=[Route("/{manner}", answer, methods=["GET", "POST"])])

    def _answer(self, asked: Asked, body: Mapping[str, str]) -> dict[str, Any]:
        manner = asked.path_params["manner"]
        if manner == "me":
            return {"user": "anna", "fields": ["id", "text", "at"]}
        if manner == "notes":
            since = asked.query_params["since"].replace(" ", "+")
            return {"notes": [each for each in self.notes.values() if each["at"] >= since]}
        if asked.method == "GET":
            return {"kept": [each for each in self.kept if each["manner"] == manner]}
        if "ink" in body["text"]:
            return {"refused": "ink is not for notes"}
        there = self.under(manner, body["key"])
        if there and self.unique and manner == "add":
            return {"taken": f"{body['key']} must be unique"}
        if there and self.unique and manner in ("pay", "put"):
            return {"id": there[0]["id"]}
        self.kept.append({"id": f"K{next(_numbers)}", "manner": manner, **body})
        return {"id": self.kept[-1]["id"]}


def bench(pages: Pages | None = None, spec: ConnectorSpec = SPEC) -> ConnectorBench:
    pages = pages or Pages()
    inner = httpx2.ASGITransport(pages.asgi())

    def sampling(operation: str) -> Any:
        manner = operation.partition(".")[2]

        async def sample() -> Sample:
            key = f"NOTE-{next(_numbers):06}"

            async def seen() -> Sequence[Any]:
                return list(pages.under(manner, key))

            write = Write(operation, key, "1", {"text": "buy milk"})
            refused = Write(operation, f"{key}x", "1", {"text": "buy ink"})
            return Sample(write, seen, refused, "ink is not for notes")

        return sample

    async def make() -> str:
        return pages.write()

    async def change(id: str) -> None:
        pages.write(id)

    async def remove(id: str) -> None:
        pages.write(id, gone=True)

    async def late(by: timedelta) -> str:
        pages.at -= by
        made = pages.write()
        pages.at += by
        return made

    return ConnectorBench(
        spec,
        NotebookConfig(url="http://notebook.test", token=SecretStr("open sesame")),
        FaultyNetwork(inner, lambda request: request.method == "POST", FAULT_BODIES),
        wrong=lambda: {"token": SecretStr("open barley")},
        samples={name: sampling(name) for name in spec.writes},
        feeds={"note": Feed(make, change, remove, late)},
        census=pages.census,
        forward=pages.forward,
    )
