"""Every way in which a request can be wrong gets the same kind of answer, and no answer lacks its headers."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from tieout.api.limits import Bucket, Limits, Patience
from tieout.api.shapes import cursor, place

pytestmark = pytest.mark.anyio
MEDIA = "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("GET", "/api/v1/nothing", None, 404, "not-found"),
        ("DELETE", "/api/v1/holds", None, 405, "method-not-allowed"),
        ("GET", "/api/v1/holds/H-999999", None, 404, "not-found"),
        ("GET", "/api/v1/holds/20401", None, 422, "invalid-request"),
        ("GET", "/api/v1/holds?limit=0", None, 422, "invalid-request"),
        ("GET", "/api/v1/holds?onwer=me", None, 422, "invalid-request"),
        ("GET", "/api/v1/status?x=1", None, 422, "invalid-request"),
        ("GET", "/api/v1/holds?cursor=AAAA", None, 422, "invalid-request"),
        ("GET", f"/api/v1/holds?cursor={cursor('no date', 1)}", None, 422, "invalid-request"),
        ("GET", f"/api/v1/runs?cursor={cursor(2**70)}", None, 422, "invalid-request"),
        ("POST", "/api/v1/holds/H-1/ignore", b"{", 422, "invalid-request"),
        ("POST", "/api/v1/holds/H-1/ignore", b'{"reason": "\\u0000"}', 422, "invalid-request"),
        ("POST", "/api/v1/holds/H-1/ignore", b'{"reason": "\\ud800"}', 422, "invalid-request"),
        ("POST", "/api/v1/holds/H-1/ignore", b'{"reason": "' + b"x" * 300_000 + b'"}', 413, "too-large"),
        ("POST", "/api/v1/holds/H-1/ignore", b'{"reason": "a reason"}', 404, "not-found"),
    ],
)
async def test_a_wrong_request_is_told_what_where_and_how_to_fix_it(
    site: Any, method: str, path: str, body: bytes | None, status: int, kind: str
) -> None:
    answer = await site.ask("operator", method, path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA)
    problem = answer.json()
    assert problem["type"] == f"urn:tieout:problem:{kind}"
    assert problem["status"] == status
    assert problem["instance"] == path.partition("?")[0]
    assert problem["title"]


async def test_all_mistakes_are_told_at_once_and_no_value_is_repeated(site: Any) -> None:
    answer = await site.ask("operator", "POST", "/api/v1/holds/H-1/snooze", json={"days": "a secret"})
    both = await site.ask("operator", "GET", "/api/v1/holds?limit=0&cursor=%21&state=lost")
    assert [each["where"] for each in answer.json()["errors"]] == ["body.days"]
    assert "a secret" not in answer.text
    assert {each["where"] for each in both.json()["errors"]} == {"query.limit", "query.cursor", "query.state"}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer tieout_wrong"}, {"Authorization": "Basic YTpi"}])
async def test_without_a_token_nothing_is_said_or_read(site: Any, header: dict[str, str]) -> None:
    answer = await site.ask(None, "POST", "/api/v1/holds/H-1/ignore", content=b"{", headers=header)
    assert (answer.status_code, answer.headers["content-type"]) == (401, MEDIA)
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_every_answer_carries_the_security_headers(site: Any) -> None:
    for role, path in ((None, "/api/v1/live"), (None, "/api/v1/holds"), ("viewer", "/api/v1/holds"), ("viewer", "/x")):
        answer = await site.ask(role, "GET", path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers
    answer = await site.ask("viewer", "GET", "https://tieout/api/v1/holds")
    assert "max-age=31536000" in answer.headers["strict-transport-security"]


async def test_one_that_asks_too_fast_is_slowed_down_alone(make_site: Any) -> None:
    moment = [0.0]
    site = await make_site(Limits(requests=2.0, requests_at_once=2), seconds=lambda: moment[0])
    found = [await site.ask("viewer", "GET", "/api/v1/status") for _ in range(3)]
    assert [each.status_code for each in found] == [200, 200, 429]
    assert found[2].headers["retry-after"] == "1"
    moment[0] = 1.0
    assert (await site.ask("viewer", "GET", "/api/v1/status")).status_code == 200


async def test_a_stranger_who_asks_too_fast_slows_down_nobody_with_a_token(make_site: Any) -> None:
    site = await make_site(Limits(requests=1.0, requests_at_once=2), seconds=lambda: 0.0)
    found = [(await site.ask(None, "GET", "/api/v1/status")).status_code for _ in range(4)]
    assert found == [401, 401, 429, 429]
    assert (await site.ask("viewer", "GET", "/api/v1/status")).status_code == 200


async def test_a_fault_of_ours_tells_nothing_of_its_inside(site: Any) -> None:
    async with site.books.database.transaction() as tx:
        await tx.execute("alter table approval rename to secret_ballot")
    transport = httpx2.ASGITransport(site.app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {site.tokens['viewer']}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://tieout", headers=headers) as client:
        answer = await client.get("/api/v1/approvals")
    assert (answer.status_code, answer.headers["content-type"]) == (500, MEDIA)
    assert answer.json()["type"] == "urn:tieout:problem:fault"
    assert "approval" not in answer.text.replace("/api/v1/approvals", "")


def test_a_bucket_fills_up_steadily_and_forgets_whom_it_has_not_seen() -> None:
    moment = 0.0
    bucket = Bucket(2.0, 3, lambda: moment, names=2)
    assert [bucket.wait("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.wait("b") == 0
    moment = 0.5
    assert bucket.wait("a") == 0
    assert bucket.wait("a") == 0.5
    assert bucket.wait("c") == 0
    assert len(bucket._state) == 2


def test_a_cursor_leads_back_to_its_place() -> None:
    from datetime import UTC, datetime

    moment = datetime(2026, 11, 2, 12, 0, 0, 123456, tzinfo=UTC)
    assert place(cursor(moment, 7), datetime, int) == (moment, 7)
    assert place("", datetime, int) is None


async def test_patience_ends_what_takes_too_long_and_nothing_else() -> None:
    patience = Patience(0.1)

    async def after(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    slow = [asyncio.create_task(patience.wait(after(seconds))) for seconds in (0.0, 0.02, 5.0, 0.05, 6.0)]
    found = await asyncio.wait_for(asyncio.gather(*slow, return_exceptions=True), 2)
    assert [each if isinstance(each, float) else type(each) for each in found] == [
        0.0,
        0.02,
        TimeoutError,
        0.05,
        TimeoutError,
    ]
    with pytest.raises(ValueError):
        await patience.wait(failing())
    assert await patience.wait(after(0.0)) == 0.0


async def failing() -> None:
    raise ValueError


async def test_patience_leaves_a_cancellation_by_others_what_it_is() -> None:
    waiting = asyncio.create_task(Patience(0.05).wait(asyncio.sleep(5)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
