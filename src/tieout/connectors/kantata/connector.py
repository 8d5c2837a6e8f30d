"""Kantata as the hub sees it: time, expenses and milestones that people approve, and projects that are set up for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

from tieout.connectors.contract import (
    Change,
    Claim,
    Connector,
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
from tieout.connectors.kantata import lengths, mapping
from tieout.connectors.kantata.client import KantataClient, KantataError, Row
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.milestones import Milestones
from tieout.connectors.kantata.reading import EXPENSES, TIME, Lines
from tieout.connectors.kantata.writing import REPORT, Missing, Preparation, Prepared
from tieout.connectors.transports import paced
from tieout.connectors.transports.answers import readable
from tieout.connectors.transports.http import Request
from tieout.domain.identity import Ref
from tieout.domain.problems import Misconfigured, Problem, Rejected, Transient

OPERATIONS = {
    each.name: each
    for each in (
        Operation(
            "client.create",
            Guarantee.LOOK_UP,
            "create the client",
            lengths=lengths.CLIENT,
            creates="client",
            money=Claim.UNTOUCHED,
            undo="correct the client's name and details; put its projects under another client",
        ),
        Operation(
            "project.create",
            Guarantee.LOOK_UP,
            "set up the project",
            lengths=lengths.PROJECT,
            creates="project",
            money=Claim.UNTOUCHED,
            undo="archive the project: Kantata deletes none",
        ),
        Operation(
            "resource.create",
            Guarantee.LOOK_UP,
            "add the role to the project",
            lengths=lengths.TASK,
            creates="resource",
            money=Claim.UNTOUCHED,
            undo="remove the unnamed resource from the project's team",
        ),
        Operation(
            "task.create",
            Guarantee.LOOK_UP,
            "add the task",
            lengths=lengths.TASK,
            creates="task",
            money=Claim.UNTOUCHED,
            undo="delete or archive the task: nobody has booked on it",
        ),
        Operation(
            "task.plan",
            Guarantee.UPSERT,
            "plan the task",
            lengths=lengths.TASK,
            creates="",
            money=Claim.UNTOUCHED,
            undo="enter the earlier title, hours, budget and assignment of the task",
        ),
        Operation(
            "project.update",
            Guarantee.UPSERT,
            "change the state of the project",
            lengths=lengths.STATE,
            creates="",
            money=Claim.UNTOUCHED,
            undo="set the earlier status, dates and budget, or take the project out of the archive",
        ),
        Operation(
            "project.report",
            Guarantee.UPSERT,
            "write the figures of the project",
            lengths=lengths.REPORT,
            creates="",
            money=Claim.UNTOUCHED,
            undo="clear the fields of the project; the next report writes them again",
        ),
    )
}
_WAITS = {
    "client.create": "its project cannot be set up",
    "project.create": "nobody can book time on it",
    "resource.create": "its tasks cannot be planned",
    "task.create": "nobody can book time on it",
    "task.plan": "its hours and budget are not planned",
    "project.update": "its state in the PSA is not the agreed one",
    "project.report": "delivery does not see what was billed and paid",
}
_TIME_ENTRY = (
    "id", "workspace_id", "story_id", "user_id", "role_id", "date_performed", "time_in_minutes", "billable",
    "rate_in_cents", "cost_rate_in_cents", "currency", "approved", "is_invoiced", "notes", "location", "taxable",
)  # fmt: skip
_EXPENSE = (
    "id", "workspace_id", "story_id", "user_id", "date", "category", "amount_in_cents", "currency", "billable", "taxable",
    "foreign_exchange_amount", "receipt_id", "approved", "is_invoiced", "notes",
)  # fmt: skip


class TasksLacking(Exception):
    """A project has not all the tasks it was made with; `any_there` tells that from one without any yet."""

    def __init__(self, message: str, any_there: bool) -> None:
        super().__init__(message)
        self.any_there = any_there


class Kantata:
    """One account. Kinds: `time_entry`, `expense`, `milestone`."""

    def __init__(self, name: str, config: KantataConfig, client: KantataClient, fields: Mapping[str, str]) -> None:
        self.name = name
        self._config = config
        self._client = client
        self._sources: Mapping[str, Lines | Milestones] = {
            "time_entry": Lines(TIME, client, config),
            "expense": Lines(EXPENSES, client, config),
            "milestone": Milestones(client, config),
        }
        self._preparation = Preparation(client, config, fields)

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> Health:
        """Who we are, and whether the account tells us of deletions."""
        with readable(self.name):
            me = (await self._client.list("users/me", include="account_membership")).rows[0]
        if self._config.events:
            await self._client.list("subscribed_events", per_page=1)
        detail = "connected" if self._config.events else "connected; deleted time is not seen without subscribed events"
        return Health(ok=True, detail=detail, user=str(me.get("email_address") or me["full_name"]), version="v1")

    async def describe(self) -> Mapping[str, Sequence[str]]:
        """A project's custom fields by name, which is what facts are written to."""
        return {
            "workspace": sorted(each["name"] for each in await self._preparation.custom_fields()),
            "time_entry": _TIME_ENTRY,
            "expense": _EXPENSE,
        }

    def link(self, ref: Ref) -> str:
        if ref.kind != "project":
            return ""  # only projects have an address that does not need another id
        return f"{self._config.web_url.rstrip('/')}/workspaces/{quote(ref.id, safe='')}"

    # -- source

    async def changes(self, kind: str, since: str | None) -> Page:
        source = self._source(kind)
        with readable(self.name):
            return await source.changes(since)

    async def look(self, ref: Ref) -> Change | None:
        source = self._source(ref.kind)
        with readable(self.name):
            return await source.look(ref)

    async def read(self, ref: Ref) -> Reading | None:
        return await self._source(ref.kind).read(ref)

    def _source(self, kind: str) -> Lines | Milestones:
        if kind not in self._sources:
            raise LookupError(f"kantata has no kind {kind!r}")
        return self._sources[kind]

    # -- sink

    def operation(self, name: str) -> Operation:
        """A lost request settles, and texts are as long, as this connection says."""
        found, config = OPERATIONS[name], self._config
        known = lengths.of_account(found.lengths, names=config.longest_name, texts=config.longest_text)
        return replace(found, settle=timedelta(seconds=config.settle), lengths=known)

    async def prepare(self, write: Write) -> bytes:
        build = {
            "client.create": self._preparation.client_create,
            "project.create": self._preparation.project_create,
            "resource.create": self._preparation.resource_create,
            "task.create": self._preparation.task_create,
            "task.plan": self._preparation.task_plan,
            "project.update": self._preparation.project_update,
            "project.report": self._preparation.project_report,
        }
        try:
            return (await build[write.operation](write)).encode()
        except Missing as missing:
            raise Rejected(
                *(self._problem(write.operation, f"{write.subject}: {each}", each) for each in missing.what)
            ) from missing

    async def send(self, operation: str, request: bytes) -> Receipt:
        prepared = Prepared.decode(request)
        try:
            answer = await self._client.call(prepared.request)
        except KantataError as refused:
            if refused.status == 404 and prepared.request.method == "POST":
                raise Misconfigured(f"{self._config.url} has no {prepared.request.path}", self.name) from refused
            raise Rejected(self._problem(operation, _subject(prepared.request), str(refused))) from refused
        if not answer.rows:
            raise OutcomeUnknown(f"{prepared.request.path}: an answer without a record")
        made = str(answer.rows[0]["id"])
        if operation != "project.create":
            return Receipt(made)
        try:
            return Receipt(made, parts=await self._tasks(made, prepared.tasks))
        except (Transient, Misconfigured, TasksLacking) as unread:
            # The project is there. Whoever says anything else than "unknown" now would have it made a second time.
            raise OutcomeUnknown(f"project {made} was made, its tasks could not be read: {unread}") from unread

    async def find(self, write: Write) -> Receipt | None:
        """What refers to our key; an update is there when its record is."""
        match write.operation:
            case "client.create":
                with readable(self.name):
                    found = await self._referring("workspace_groups", "Customer", write.subject)
                return Receipt(found[0], others=tuple(found[1:])) if found else None
            case "project.create":
                with readable(self.name):
                    found = await self._referring("workspaces", "Project", write.subject, include_archived="true")
                    return await self._project_there(write, *found) if found else None
            case "resource.create":
                with readable(self.name):
                    found = await self._referring("workspace_resources", "Resource", write.subject)
                return Receipt(found[0], others=tuple(found[1:])) if found else None
            case "task.create":
                everything = {"show_archived": "true", "show_from_archived_workspaces": "true"}
                with readable(self.name):
                    found = await self._referring("stories", "Task", write.subject, **everything)
                return Receipt(found[0], others=tuple(found[1:])) if found else None
            case "task.plan":
                there = await self._client.record(
                    f"stories/{write.ids['record']}", show_archived="true", show_from_archived_workspaces="true"
                )
            case "project.update" | "project.report":
                there = await self._client.record(f"workspaces/{write.ids['record']}", include_archived="true")
            case _:
                raise LookupError(f"kantata has no operation {write.operation!r}")
        return Receipt(write.ids["record"]) if there else None

    async def _project_there(self, write: Write, record: str, *others: str) -> Receipt:
        """Raises Rejected when somebody took a task away: only a person can say which one is meant. Without a body, as for
        the engine's second look, only the project is looked for."""
        tasks = {task["name"]: task["key"] for task in write.body.get("tasks", ())}
        try:
            return Receipt(record, parts=await self._tasks(record, tasks), others=others)
        except TasksLacking as lacking:
            if not lacking.any_there:
                raise Transient(str(lacking)) from lacking
            raise Rejected(self._problem(write.operation, write.subject, str(lacking))) from lacking

    async def _referring(self, collection: str, model: str, key: str, **params: str) -> list[str]:
        """The records whose reference of ours has the key, the oldest first; the plural filter, as the singular takes
        numbers only."""
        rows = await self._client.all(
            collection,
            external_reference_service_name=mapping.SERVICE,
            external_reference_service_model=model,
            external_reference_service_model_refs=key,
            **params,
        )
        return sorted((str(each["id"]) for each in rows), key=int)

    async def _tasks(self, project: str, wanted: Mapping[str, str]) -> dict[str, str]:
        """Task key → story: by our reference, else by title. Raises TasksLacking, for example while the template is
        still being applied."""
        stories: list[Row] = []
        keys: dict[str, str] = {}
        everything = {"show_archived": "true", "show_from_archived_workspaces": "true"}
        async for page in self._client.pages(
            "stories", workspace_id=project, include="external_references", order="created_at:asc", **everything
        ):
            stories += page.rows
            for story in page.rows:
                for each in story.get("external_reference_ids") or ():
                    held = page.one("external_references", each) or {}
                    if held.get("service_name") == mapping.SERVICE:
                        keys[str(held["service_model_ref"])] = story["id"]
        named = {str(each["title"]).casefold(): each["id"] for each in reversed(stories)}
        found = {key: keys.get(key) or named.get(title.casefold()) for title, key in wanted.items()}
        lacking = [title for title, key in wanted.items() if not found[key]]
        if lacking:
            raise TasksLacking(f"project {project} has no task “{'”, “'.join(lacking)}”", bool(stories))
        return {key: story for key, story in found.items() if story}

    def _problem(self, operation: str, subject: str, quote: str) -> Problem:
        facts = {
            "system": self.name,
            "action": OPERATIONS[operation].does,
            "subject": subject,
            "amount": _WAITS[operation],
            "link": self._config.web_url,
        }
        return Problem("target.refused", facts, quote=quote)


def _subject(request: Request) -> str:
    """Whom a refused request is about: the name it carries, else the address."""
    body: dict[str, Row] = request.body or {}
    inner: Row = next(iter(body.values()), Row())
    return str(inner.get("title") or inner.get("name") or request.path.rsplit("/", 1)[-1])


def _open(opening: Opening) -> Connector:
    """Raises Misconfigured when the firm maps a fact that nothing is written for."""
    config = opening.config
    assert isinstance(config, KantataConfig)
    unknown = sorted(opening.fields.keys() - REPORT.keys())
    if unknown:
        raise Misconfigured(f"fields: {unknown} are none of {sorted(REPORT)}", opening.name)
    http = paced.client(opening, config.url, config.timeout)
    return Kantata(opening.name, config, KantataClient(opening.name, config, http), opening.fields)


SPEC = ConnectorSpec(
    kind="kantata",
    title="Kantata OX",
    roles=("psa",),
    config=KantataConfig,
    open=_open,
    reads=("time_entry", "expense", "milestone"),
    writes=OPERATIONS,
    mappings=(mapping.TIME_ENTRY, mapping.EXPENSE, mapping.MILESTONE),
    waivers={
        "it_makes_what_it_says:project.create": "A project comes with the tasks and unnamed resources of its template.",
    },
)
