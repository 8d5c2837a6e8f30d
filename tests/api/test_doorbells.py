"""Webhooks forged, duplicated, reordered, huge, slow, and answered only once they are on the disk."""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tieout.api.belfry import Belfry, NotStored, _tell
from tieout.api.limits import Limits
from tieout.store import bells
from tieout.store.bells import Ring
from tieout.store.database import Database, rows
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
HOOK = "/hooks/salesforce/a-long-secret-at-the-end-of-an-address"
RING = b"sesame|M1|opportunity|006A,006B"


async def stored(books: Books) -> list[tuple[str, str, str]]:
    async with books.database.transaction() as tx:
        found = await rows(tx, "select id, kind, record_id from bell order by 1, 2, 3")
    return [(each["id"], each["kind"], each["record_id"]) for each in found]


async def test_a_ring_is_stored_answered_in_the_system_s_own_words_and_wakes_the_hub(site: Any) -> None:
    answer = await site.ask(None, "POST", HOOK, content=RING)
    assert (answer.status_code, answer.content) == (200, b"<Ack>true</Ack>")
    assert answer.headers["content-type"].startswith("text/xml")
    assert await stored(site.books) == [("M1", "opportunity", "006A"), ("M1", "opportunity", "006B")]
    assert site.woken.is_set()


async def test_a_ring_that_comes_twice_or_late_changes_nothing(site: Any) -> None:
    for body in (b"sesame|M2|opportunity|006A", RING, RING, b"sesame|M1|opportunity|006A", RING):
        assert (await site.ask(None, "POST", HOOK, content=body)).status_code == 200
    assert len(await stored(site.books)) == 3


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (HOOK, b"open|M1|opportunity|006A", 401),
        (HOOK, b"", 401),
        (HOOK, b"\xff\x00\xfe", 401),
        (HOOK, b"sesame|M\x00|opportunity|006A", 401),
        (HOOK, b"sesame|" + b"M" * 600 + b"|opportunity|006A", 401),
        (HOOK + "x", RING, 404),
        ("/hooks/salesforce/wrong", RING, 404),
        ("/hooks/nobody/a-long-secret-at-the-end-of-an-address", RING, 404),
    ],
)
async def test_a_forged_ring_is_refused_without_a_word_why(site: Any, path: str, body: bytes, status: int) -> None:
    answer = await site.ask(None, "POST", path, content=body)
    assert answer.status_code == status
    problem = answer.json()
    assert (problem["detail"], problem["fix"], problem["errors"]) == ("", "", [])
    assert "secret is wrong" not in answer.text
    assert await stored(site.books) == []
    assert not site.woken.is_set()


async def test_an_unknown_connection_and_a_wrong_secret_cannot_be_told_apart(site: Any) -> None:
    unknown = (await site.ask(None, "POST", "/hooks/nobody/x", content=RING)).json()
    wrong = (await site.ask(None, "POST", "/hooks/salesforce/x", content=RING)).json()
    unknown.pop("instance")
    wrong.pop("instance")
    assert unknown == wrong


@pytest.mark.parametrize(
    "path",
    [
        "/hooks/", "/hooks/salesforce", "/hooks/salesforce/", "/hooks//x", HOOK + "/more", "/hooks/kantata/%00",
        "/hooks/kantata/" + "x" * 501,
    ],
)  # fmt: skip
async def test_an_address_that_no_doorbell_can_have_is_not_found(site: Any, path: str) -> None:
    answer = await site.ask(None, "POST", path, content=b"sesame|E1|time_entry|9")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:tieout:problem:not-found")


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "DELETE"])
async def test_a_doorbell_is_rung_by_a_post_and_by_nothing_else(site: Any, method: str) -> None:
    answer = await site.ask(None, method, HOOK)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_every_answer_at_the_door_carries_the_security_headers(site: Any) -> None:
    for path, body in ((HOOK, RING), (HOOK, b"forged"), ("/hooks/nobody/x", RING)):
        answer = await site.ask(None, "POST", f"https://tieout{path}", content=body)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["cache-control"] == "no-store"
        assert "max-age=31536000" in answer.headers["strict-transport-security"]


async def test_a_fault_at_the_door_tells_nothing_of_its_inside(site: Any, monkeypatch: Any) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("the inside")

    monkeypatch.setattr(site.doorbell, "verify", broken)
    transport = httpx2.ASGITransport(site.app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tieout") as client:
        answer = await client.post(HOOK, content=RING)
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:tieout:problem:fault")
    assert "inside" not in answer.text
    assert await stored(site.books) == []


async def test_who_hangs_up_before_the_end_rings_nothing(site: Any) -> None:
    told = iter([{"type": "http.request", "body": RING, "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(told)

    async def send(message: Any) -> None:
        sent.append(message)

    await site.app({"type": "http", "method": "POST", "path": HOOK, "headers": []}, receive, send)
    assert (sent, await stored(site.books)) == ([], [])


async def test_a_doorbell_finds_the_token_of_its_address_and_nobody_can_slip_in_another(site: Any) -> None:
    await site.ask(None, "POST", HOOK, content=RING, headers={"Tieout-Token": "forged"})
    assert site.doorbell.headers[0]["tieout-token"] == HOOK.rsplit("/", 1)[1]


async def test_a_doorbell_without_a_secret_here_decides_by_itself(site: Any) -> None:
    assert (await site.ask(None, "POST", "/hooks/kantata/anything", content=b"open|E1|time_entry|9")).status_code == 401
    assert (
        await site.ask(None, "POST", "/hooks/kantata/anything", content=b"sesame|E1|time_entry|9")
    ).status_code == 200


async def test_a_huge_ring_is_refused_while_it_arrives(site: Any) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 64 * 1024
            yield b"x" * 64 * 1024
            assert sent < 2**21

    declared = await site.ask(None, "POST", HOOK, content=b"x" * (2**20 + 1))
    assert declared.status_code == 413
    streamed = await site.ask(None, "POST", HOOK, content=endless())
    assert streamed.status_code == 413
    assert streamed.json()["type"] == "urn:tieout:problem:too-large"
    largest = b"sesame|M1|opportunity|006A" + b"," * (2**20 - 26)
    assert (await site.ask(None, "POST", HOOK, content=largest)).status_code == 200


async def test_a_compressed_ring_is_not_unpacked(site: Any) -> None:
    bomb = gzip.compress(bytes(10**6))
    answer = await site.ask(None, "POST", HOOK, content=bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


async def test_a_body_that_drips_is_not_waited_for(make_site: Any) -> None:
    site = await make_site(Limits(ring_seconds=0.05))
    hung_up = asyncio.Event()

    async def dripping() -> Any:
        yield b"sesame|"
        await hung_up.wait()

    answer = await site.ask(None, "POST", HOOK, content=dripping())
    assert answer.status_code == 408


async def test_a_system_that_rings_without_end_is_slowed_down_and_others_are_not(make_site: Any) -> None:
    moment = [0.0]
    site = await make_site(Limits(rings=1.0, rings_at_once=3), seconds=lambda: moment[0])
    found = [(await site.ask(None, "POST", HOOK, content=RING)).status_code for _ in range(4)]
    assert found == [200, 200, 200, 429]
    other = await site.ask(None, "POST", "/hooks/kantata/x", content=b"sesame|E1|time_entry|9")
    assert other.status_code == 200
    moment[0] = 1.0
    assert (await site.ask(None, "POST", HOOK, content=RING)).status_code == 200


async def test_nothing_is_acknowledged_when_the_disk_is_nearly_full(site: Any) -> None:
    site.free[0] = 1000
    answer = await site.ask(None, "POST", HOOK, content=RING)
    assert (answer.status_code, answer.headers["retry-after"]) == (507, "60")
    assert await stored(site.books) == []


async def test_a_database_that_is_away_acknowledges_nothing(site: Any) -> None:
    async with site.books.database.transaction() as tx:
        await tx.execute("alter table bell rename to away")
    answers = await asyncio.gather(*(site.ask(None, "POST", HOOK, content=RING) for _ in range(5)))
    assert {each.status_code for each in answers} == {503}
    assert not site.woken.is_set()
    async with site.books.database.transaction() as tx:
        await tx.execute("alter table away rename to bell")
    assert (await site.ask(None, "POST", HOOK, content=RING)).status_code == 200


def _dripping() -> Any:
    async def drips() -> Any:
        yield b"sesame|M1|opportunity|"
        await asyncio.sleep(0.3)
        yield b"006A"

    return drips()


@pytest.mark.parametrize(
    ("guard", "gone", "refusal"),
    [
        ({"rings": 1.0, "rings_at_once": 1}, {"rings": 1e9, "rings_at_once": 10**9}, 429),
        ({"ring_seconds": 0.1}, {"ring_seconds": 10.0}, 408),
        ({"ring": 10}, {"ring": 2**20}, 413),
        ({"least_free": 2**50}, {"least_free": 0}, 507),
    ],
    ids=["rate", "time", "size", "disk"],
)
async def test_without_its_limit_the_door_takes_what_it_refused(
    make_site: Any, guard: dict[str, Any], gone: dict[str, Any], refusal: int
) -> None:
    last = []
    for limits in (guard, gone):
        site = await make_site(Limits(**limits))
        answers = [await site.ask(None, "POST", HOOK, content=_dripping()) for _ in range(2)]
        last.append(answers[-1].status_code)
    assert last == [refusal, 200]


# -- acknowledged means committed

Commit = Callable[[Sequence[Ring]], Awaitable[None]]


class AnswersFirst(Belfry):
    """The saboteur: it tells everybody before the group is committed."""

    async def _store(self, group: Any) -> None:
        _tell(group, None)
        await super()._store(group)


def failing_sometimes(database: Database, seed: int) -> tuple[Commit, list[int]]:
    """Commits groups for real, and lets every third or so fail: before it begins, within, or by a statement."""
    chance, sizes = random.Random(seed), list[int]()

    async def commit(rings: Sequence[Ring]) -> None:
        sizes.append(len(rings))
        how = chance.randrange(9)
        async with database.transaction() as tx:
            if how == 0:
                raise ConnectionError("the server went away")
            await bells.store(tx, rings)
            if how == 1:
                raise ConnectionError("the server went away before the commit")
            if how == 2:
                await tx.execute("select 1 / 0")

    return commit, sizes


async def acknowledged_and_lost(books: Books, belfry: Belfry, count: int) -> tuple[int, int]:
    """Rings many times at once; looks for each acknowledged ring in the database the moment it is acknowledged."""
    acknowledged, lost = 0, 0
    looking = asyncio.Semaphore(5)

    async def one(number: int) -> None:
        nonlocal acknowledged, lost
        try:
            await belfry.ring(Ring("salesforce", f"M{number}", [("opportunity", f"006{number}")], books.now()))
        except NotStored:
            return
        acknowledged += 1
        async with looking, books.database.transaction() as tx:
            lost += not await rows(tx, "select 1 from bell where id = %s", (f"M{number}",))

    await asyncio.gather(*(one(number) for number in range(count)))
    return acknowledged, lost


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_is_acknowledged_is_committed_and_many_share_one_transaction(books: Books, seed: int) -> None:
    commit, sizes = failing_sometimes(books.database, seed)
    woken: list[int] = []
    acknowledged, lost = await acknowledged_and_lost(books, Belfry(commit, lambda: woken.append(1), most=20), 400)
    assert lost == 0
    assert 0 < acknowledged < 400
    assert acknowledged == len(await stored(books))
    assert max(sizes) == 20
    assert 0 < len(woken) < len(sizes)


async def test_a_saboteur_that_answers_before_the_commit_is_caught(books: Books) -> None:
    commit, _ = failing_sometimes(books.database, 1)
    _, lost = await acknowledged_and_lost(books, AnswersFirst(commit, lambda: None, most=20), 400)
    assert lost > 0


async def killed(books: Books, kind: str) -> tuple[set[str], set[str]]:
    """What a belfry acknowledged before it was killed within its third commit, and what is in the database."""
    command = [sys.executable, str(Path(__file__).parent / "belfry_process.py"), books.database.url, kind]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = await asyncio.to_thread(subprocess.run, command, stdout=subprocess.PIPE, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    return set(done.stdout.decode().split()), {each for each, _, _ in await stored(books)}


async def test_what_was_acknowledged_before_a_kill_within_a_commit_is_there(books: Books) -> None:
    acknowledged, there = await killed(books, "sound")
    assert acknowledged
    assert acknowledged == there


async def test_a_saboteur_that_answers_before_the_commit_is_caught_by_the_kill(books: Books) -> None:
    acknowledged, there = await killed(books, "hasty")
    assert acknowledged - there


async def test_an_id_that_is_used_again_for_another_content_is_followed_and_told(books: Books) -> None:
    """To refuse it could only lose a change; to take it for the same ring, too."""

    async def told(bell: str, record: str, content: str) -> list[str]:
        async with books.database.transaction() as tx:
            await bells.store(tx, [Ring("salesforce", bell, [("opportunity", record)], books.now(), content)] * 2)
            return await bells.used_again(tx, "salesforce")

    assert await told("M1", "006A", "a") == []
    assert await told("M1", "006A", "a") == []
    assert await told("M2", "006A", "a") == []
    assert await told("M1", "006B", "b") == ["M1"]
    assert len(await stored(books)) == 3
    async with books.database.transaction() as tx:
        await tx.execute("update bell set answered_at = rung_at")
    assert await told("M3", "006A", "a") == []


async def test_a_failing_group_fails_for_each_of_its_rings_and_for_no_other(books: Books) -> None:
    begun, go_on, poison = asyncio.Event(), asyncio.Event(), {"M3"}

    async def commit(rings: Sequence[Ring]) -> None:
        begun.set()
        await go_on.wait()
        if poison & {each.id for each in rings}:
            raise ValueError

    belfry = Belfry(commit, lambda: None, most=4)

    async def ring(number: int) -> bool:
        try:
            await belfry.ring(Ring("salesforce", f"M{number}", [("opportunity", "006")], books.now()))
        except NotStored:
            return False
        return True

    tasks = [asyncio.create_task(ring(number)) for number in range(8)]
    await begun.wait()
    tasks[5].cancel()  # whoever rang has hung up; the others do not notice
    go_on.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    # The first four make the first group: nothing was being written when the first of them rang, and it waited a turn.
    assert done[:4] == [False] * 4
    assert [each for n, each in enumerate(done[4:], 4) if n != 5] == [True] * 3
    assert isinstance(done[5], asyncio.CancelledError)


async def test_too_many_rings_at_once_are_told_to_come_back(books: Books) -> None:
    go_on = asyncio.Event()

    async def commit(rings: Sequence[Ring]) -> None:
        await go_on.wait()

    belfry = Belfry(commit, lambda: None, most=1, waiting=2)
    ring = Ring("salesforce", "M", [("opportunity", "006")], books.now())
    tasks = [asyncio.create_task(belfry.ring(ring)) for _ in range(4)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(NotStored):
        await asyncio.gather(*tasks[2:])
    go_on.set()
    assert await asyncio.gather(*tasks[:2]) == [None, None]
