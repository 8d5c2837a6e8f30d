"""One REST call inside the org, whether it came by HTTP or within a composite request; and the table of resources."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from tieout.connectors.salesforce.emulator.failures import Ambiguous, Refusal, not_found, refusal
from tieout.connectors.salesforce.emulator.records import Records
from tieout.connectors.salesforce.emulator.sessions import Session
from tieout.connectors.salesforce.emulator.wire import JsonObject, json_object

FIRST_VERSION, LAST_VERSION = 31, 67
_VERSIONED = re.compile(r"/services/data/v(\d+)\.0(/.*)?")


@dataclass(frozen=True, slots=True)
class Call:
    """`path` is what follows the version, still quoted; `records_kept` is how many records of a batch may succeed
    (None: all), which a fault injected from outside decides.
    """

    method: str
    version: int
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str]
    session: Session
    records_kept: int | None = None

    @property
    def base(self) -> str:
        return f"/services/data/v{self.version}.0"

    @property
    def actor(self) -> str:
        return self.session.user_id

    def object_body(self) -> JsonObject:
        """Raises Refusal (JSON_PARSER_ERROR) where the body is no JSON object."""
        body = json_object(self.body)
        if body is None:
            raise refusal("JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body.")
        return body

    def within(self, method: str, url: str, body: Any, headers: Mapping[str, str] | None = None) -> Call:
        """A call that this one makes on behalf of its client. Raises Refusal (404) for an address of another kind."""
        address, _, query = url.partition("?")
        version, path = versioned(address)
        return replace(
            self, method=method.upper(), version=version, path=path, query=dict(parse_qsl(query)), body=body,
            headers={**self.headers, **{name.lower(): value for name, value in (headers or {}).items()}},
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Handler = Callable[..., Reply]


@dataclass(frozen=True, slots=True)
class Resource:
    """An address below the version, `/sobjects/{type}/{id}`, and what answers each of its methods."""

    template: str
    methods: Mapping[str, Handler]

    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template) + "/?", re.IGNORECASE)


class Router:
    """Finds what answers a call. Each call is one transaction; inside a composite request it is a savepoint."""

    def __init__(self, records: Records, resources: Sequence[Resource]) -> None:
        self._records = records
        self._resources = [(each.pattern(), each.methods) for each in resources]

    def answer(self, call: Call) -> Reply:
        """What the call comes to; a refusal is a reply, and then nothing has changed."""
        try:
            return self.attempt(call)
        except Refusal as refused:
            return Reply(refused.status, [each.as_error() for each in refused.flaws])
        except Ambiguous as several:
            return Reply(300, [f"{call.base}/sobjects/{several.entity}/{each}" for each in several.ids])

    def attempt(self, call: Call) -> Reply:
        """As `answer`, but a refusal is raised."""
        handler, arguments = self._find(call)
        with self._records.transaction():
            return handler(call, **arguments)

    def _find(self, call: Call) -> tuple[Handler, dict[str, str]]:
        for pattern, methods in self._resources:
            if found := pattern.fullmatch(call.path):
                handler = methods.get("GET" if call.method == "HEAD" else call.method)
                if handler is None:
                    allowed = ", ".join([*methods, "HEAD"] if "GET" in methods else methods)
                    message = f"HTTP Method '{call.method}' not allowed. Allowed are {allowed}"
                    raise refusal("METHOD_NOT_ALLOWED", message, status=405)
                return handler, {name: unquote(value) for name, value in found.groupdict().items()}
        raise not_found()


def versioned(address: str) -> tuple[int, str]:
    """Version and the rest of an address. Raises Refusal: 404, or 410 for a version that has been retired."""
    found = _VERSIONED.fullmatch(address)
    if not found or int(found[1]) > LAST_VERSION:
        raise not_found()
    if int(found[1]) < FIRST_VERSION:
        message = f"API version {found[1]}.0 has been retired"
        raise refusal("UNSUPPORTED_API_VERSION", message, status=410)
    return int(found[1]), found[2] or "/"
