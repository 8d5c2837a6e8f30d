"""What goes wrong is told the same way everywhere: RFC 9457, with what, where and how to fix it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from tieout.engine.operator import OwnRequest, Refused, Unknown

log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:tieout:problem:"
# What an HTTP status says, in words of our own: Python's change with its version.
_SAYS = {
    400: "bad request",
    401: "unknown token",
    403: "no right",
    404: "not found",
    405: "method not allowed",
    408: "too slow",
    409: "refused",
    413: "too large",
    415: "encoded",
    422: "invalid request",
    429: "too fast",
    500: "fault",
    503: "not now",
    507: "disk nearly full",
}


class Mistake(BaseModel):
    """One place in the request that cannot be right."""

    where: str = Field(description="The part of the request: body.reason, query.limit …")
    what: str = Field(description="What is wrong there")
    fix: str = Field(default="", description="How to correct it, where more can be said than what is wrong")


class ProblemBody(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="A name for the kind of problem that never changes: urn:tieout:problem:…")
    title: str = Field(description="What happened")
    status: int = Field(description="The HTTP status")
    detail: str = Field(default="", description="Why, in this case")
    instance: str = Field(default="", description="The path that was asked")
    fix: str = Field(default="", description="How to go on")
    errors: list[Mistake] = Field(default_factory=list[Mistake], description="Every mistake in the request, at once")


class Wrong(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        *,
        detail: str = "",
        fix: str = "",
        errors: Sequence[Mistake] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.fix = fix
        self.errors = errors
        self.headers = headers

    def body(self, instance: str) -> dict[str, Any]:
        return ProblemBody(
            type=_TYPE + self.code,
            title=self.title,
            status=self.status,
            detail=self.detail,
            instance=instance,
            fix=self.fix,
            errors=list(self.errors),
        ).model_dump(mode="json")

    def response(self, instance: str) -> JSONResponse:
        return JSONResponse(self.body(instance), self.status, self.headers, MEDIA_TYPE)


def not_found(what: str) -> Wrong:
    return Wrong(
        404, "not-found", f"There is no {what}.", fix="Look it up: GET /api/v1/x/{anything} finds any id of any system."
    )


def refused(why: Refused) -> Wrong:
    """A verb that cannot be carried out: not there, one's own request, or no longer possible."""
    match why:
        case Unknown():
            return Wrong(404, "not-found", str(why))
        case OwnRequest():
            return Wrong(403, "own-request", str(why), fix="Ask a colleague with the right to do it.")
        case _:
            return Wrong(409, "refused", str(why), fix="Read it again: it has changed, or something is missing.")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route answers with, for OpenAPI."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {status: {"description": _SAYS[status].capitalize(), "content": {MEDIA_TYPE: schema}} for status in statuses}


def install(app: FastAPI) -> None:
    """Every way in which a request can fail answers with a problem."""
    app.add_exception_handler(Wrong, _wrong)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)


async def _wrong(request: Request, wrong: Exception) -> Response:
    assert isinstance(wrong, Wrong)
    return wrong.response(request.url.path)


async def _refused(request: Request, why: Exception) -> Response:
    assert isinstance(why, Refused)
    return refused(why).response(request.url.path)


async def _invalid(request: Request, wrong: Exception) -> Response:
    """All mistakes at once, each with its place, none with the value that was sent."""
    assert isinstance(wrong, RequestValidationError)
    mistakes = [
        Mistake(where=".".join(str(each) for each in error["loc"]), what=str(error["msg"])) for error in wrong.errors()
    ]
    return mistaken(mistakes).response(request.url.path)


def mistaken(mistakes: Sequence[Mistake]) -> Wrong:
    return Wrong(
        422,
        "invalid-request",
        f"{len(mistakes)} mistakes in the request." if len(mistakes) > 1 else "A mistake in the request.",
        fix="Correct what `errors` names; the schema is at /api/v1/openapi.json.",
        errors=mistakes,
    )


async def _http(request: Request, wrong: Exception) -> Response:
    assert isinstance(wrong, HTTPException)
    if wrong.status_code == 400:  # a body that is no JSON at all, in one of the ways that its reader does not name
        return mistaken([Mistake(where="body", what="It cannot be read as JSON.")]).response(request.url.path)
    says = _SAYS.get(wrong.status_code, "http")
    title = f"{says.capitalize()}." if wrong.status_code in (404, 405) else str(wrong.detail)
    code = says.replace(" ", "-")
    return Wrong(wrong.status_code, code, title, headers=wrong.headers).response(request.url.path)


async def _fault(request: Request, wrong: Exception) -> Response:
    return fault(request.method, request.url.path, wrong)


def fault(method: str, path: str, wrong: Exception) -> Response:
    """A fault of ours says nothing of its inside to the one who asked; the log has it."""
    log.error("request failed", method=method, route=path, error=type(wrong).__name__)
    return Wrong(
        500,
        "fault",
        "Tieout failed to answer; this is not your mistake.",
        fix="Ask again; with an Idempotency-Key nothing happens twice.",
    ).response(path)
