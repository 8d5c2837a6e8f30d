"""The OpenAPI document is true: whatever is sent, the answer is one that it describes, and never a fault of ours."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tieout.store.database import Database
from tieout.testing.books import Books

SNAPSHOT = Path(__file__).parents[2] / "docs" / "openapi.json"
EXAMPLES = int(os.environ.get("TIEOUT_FUZZ_EXAMPLES", "6"))


@contextmanager
def loop_in_a_thread() -> Generator[asyncio.AbstractEventLoop, None, None]:
    """The application's own event loop: its pool belongs to it, and schemathesis calls from another."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Across:
    """An ASGI application that lives in another thread's event loop."""

    def __init__(self, app: FastAPI, home: asyncio.AbstractEventLoop) -> None:
        self._app = app
        self._home = home

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":  # it begins and ends with its own loop, not with the caller's
            for moment in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{moment}.complete"})
            return
        here = asyncio.get_running_loop()

        async def received() -> Any:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(receive(), here))

        async def sent(message: Any) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(send(message), here))

        answer = asyncio.run_coroutine_threadsafe(self._app(scope, received, sent), self._home)
        await asyncio.wrap_future(answer)


def test_the_document_in_docs_is_the_one_that_the_api_serves(openapi: dict[str, Any]) -> None:
    text = json.dumps(openapi, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("TIEOUT_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(text)
    assert SNAPSHOT.read_text() == text, "run the test once more with TIEOUT_WRITE_SNAPSHOTS=1 and read the difference"


def test_every_route_has_a_summary_and_names_its_problems(openapi: dict[str, Any]) -> None:
    assert openapi["openapi"].startswith("3.1")
    for path, methods in openapi["paths"].items():
        for method, route in methods.items():
            assert route["summary"], path
            for status, answer in route["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
    assert "HTTPValidationError" not in openapi["components"]["schemas"]


def fuzzed(schema: Any, headers: dict[str, str], names: dict[str, str]) -> dict[str, int]:
    """Sends generated requests to every operation; answers with how often each status was met."""
    met: dict[str, int] = {}
    failures: list[str] = []
    for operation in (each.ok() for each in schema.get_all_operations()):

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)),
            real=st.booleans(),
        )
        def send(case: Any, real: bool) -> None:
            if real and case.meta.generation.mode.is_positive:
                case.path_parameters = {name: names.get(name, value) for name, value in case.path_parameters.items()}
            answer = case.call(headers=headers)
            met[str(answer.status_code)] = met.get(str(answer.status_code), 0) + 1
            case.validate_response(answer, headers=headers, excluded_checks=_not_in_the_schema(case))

        try:
            send()
        except FailureGroup as found:
            failures.append(f"{operation.label}\n" + "\n".join(str(each) for each in found.exceptions))
    assert not failures, "\n\n".join(failures)
    return met


def _not_in_the_schema(case: Any) -> list[Any]:
    """What only the hub can know: which cursors it gave out, which keys were used before, which entities and teams there are."""
    known_to_the_hub = "cursor" in (case.query or {}) or "Idempotency-Key" in (case.headers or {})
    return (
        [positive_data_acceptance]
        if known_to_the_hub or case.operation.path.endswith(("/rows", "/try", "/usage"))
        else []
    )


def test_no_request_makes_the_api_fail_or_answer_what_it_does_not_describe(
    database_url: str, make_filled_site: Any
) -> None:
    database = Database(database_url)

    async def begin() -> Any:
        await database.open()
        books = Books(database)
        await books.open()
        return await make_filled_site(books)

    with loop_in_a_thread() as loop:
        site, names = asyncio.run_coroutine_threadsafe(begin(), loop).result(60)
        try:
            schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", Across(site.app, loop))
            met = fuzzed(schema, {"Authorization": f"Bearer {site.tokens['everything']}"}, names)
        finally:
            asyncio.run_coroutine_threadsafe(database.close(), loop).result(60)
    assert not [status for status in met if status.startswith("5")], met
    assert {"200", "404", "422"} <= set(met), met


def test_a_route_that_fails_for_some_input_is_caught() -> None:
    app = FastAPI()

    async def divide(by: int) -> dict[str, float]:
        return {"quotient": 1 / max(by, 0)}

    app.add_api_route("/divide", divide)
    with loop_in_a_thread() as loop:
        schema = schemathesis.openapi.from_asgi("/openapi.json", Across(app, loop))
        with pytest.raises((AssertionError, ZeroDivisionError)):
            fuzzed(schema, {}, {})
