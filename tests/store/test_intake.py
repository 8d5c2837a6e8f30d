"""What arrives is stored once, counted on both sides, and never lost without its showing."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tieout.store import bells, messages
from tieout.store.bells import Ring
from tieout.store.database import Tx, rows
from tieout.store.messages import Arrival
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio


def deal(record: str, version: str, minor: int = 100) -> Arrival:
    return Arrival("salesforce", "opportunity", record, version, "USD", minor)


async def record(tx: Tx, books: Books, arrivals: Sequence[Arrival], via: str = "sweep") -> list[dict[str, Any]]:
    return await messages.record(tx, arrivals, via=via, now=books.now())


async def law(tx: Tx) -> dict[str, Any]:
    (line,) = await messages.conservation(tx)
    for unit in ("", "_minor"):
        assert line[f"received{unit}"] == sum(
            line[f"{name}{unit}"] or 0 for name in ("done", "held", "ignored", "in_flight", "missing")
        )
    return line


async def test_a_state_is_stored_once_whichever_way_and_however_often_it_comes(books: Books) -> None:
    async with books.database.transaction() as tx:
        first = await record(
            tx, books, [deal("006A", "2026-11-02T10:00:00Z#a"), deal("006B", "2026-11-02T10:00:00Z#a")]
        )
        again = await record(tx, books, [deal("006A", "2026-11-02T10:00:00Z#a")], via="doorbell")
        assert (len(first), again) == (2, [])
        found = await law(tx)
    assert (found["received"], found["received_minor"], found["in_flight"]) == (2, Decimal(200), 2)


async def test_a_state_that_comes_after_a_newer_one_is_ignored_with_a_reason(books: Books) -> None:
    async with books.database.transaction() as tx:
        await record(tx, books, [deal("006A", "2026-11-02T10:00:00.100Z#b")])
        await record(tx, books, [deal("006A", "2026-11-02T09:59:59.900Z#a")])
        waiting = await messages.waiting(tx, "salesforce", "opportunity", 10)
        assert [each["version"] for each in waiting] == ["2026-11-02T10:00:00.100Z#b"]
        assert (await law(tx))["ignored"] == 1


async def test_two_states_of_one_instant_are_two_states(books: Books) -> None:
    async with books.database.transaction() as tx:
        await record(tx, books, [deal("006A", "2026-11-02T10:00:00Z#a"), deal("006A", "2026-11-02T10:00:00Z#b")])
        assert len(await messages.waiting(tx, "salesforce", "opportunity", 10)) == 2


async def test_the_law_follows_a_message_through_everything_that_becomes_of_it(books: Books) -> None:
    async with books.database.transaction() as tx:
        stored = await record(tx, books, [deal(f"006{n}", "1") for n in range(4)])
        ids = [each["id"] for each in stored]
        await messages.assign(tx, ids[:3], "run")
        await messages.settle_run(tx, "run", "held", "waits for a person", books.now())
        assert (await law(tx))["held"] == 3
        await messages.release(tx, ["run"])
        assert (await law(tx))["in_flight"] == 4
        await messages.settle(tx, ids[:1], "ignored", "not won", books.now())
        await messages.settle_run(tx, "run", "done", "", books.now())
        found = await law(tx)
    assert (found["done"], found["ignored"], found["in_flight"], found["missing"]) == (2, 1, 1, 0)
    assert (found["done_minor"], found["ignored_minor"], found["in_flight_minor"]) == (200, 100, 100)


@pytest.mark.parametrize(
    ("sabotage", "count", "minor"),
    [
        ("delete from message where record_id = '0061'", 1, 100),
        ("update message set amount_minor = amount_minor - 1 where record_id = '0061'", 0, 1),
        ("update intake set messages = messages - 1", -1, 0),
    ],
    ids=["a message that vanished", "a cent that vanished", "a page that counted one too few"],
)
async def test_what_is_lost_shows_in_the_law(books: Books, sabotage: str, count: int, minor: int) -> None:
    async with books.database.transaction() as tx:
        await record(tx, books, [deal(f"006{n}", "1") for n in range(3)])
        await tx.execute(sabotage)
        found = await law(tx)
    assert (found["missing"], found["missing_minor"]) == (count, minor)


async def test_an_ignored_message_without_a_reason_is_refused_by_the_database(books: Books) -> None:
    async with books.database.transaction() as tx:
        stored = await record(tx, books, [deal("006A", "1")])
        with pytest.raises(Exception, match="check"):
            await messages.settle(tx, [each["id"] for each in stored], "ignored", "", books.now())


async def test_a_bell_is_answered_when_it_rang_before_the_question_and_not_when_it_rang_after(books: Books) -> None:
    async with books.database.transaction() as tx:
        early = books.now()
        await bells.store(tx, [Ring("salesforce", "M1", [("opportunity", "006A")], early)])
        late = books._tick()
        await bells.store(tx, [Ring("salesforce", "M2", [("opportunity", "006A")], late)])
        await messages.answered(tx, "salesforce", "opportunity", ["006A"], early, late)
        assert [each["id"] for each in await messages.unanswered(tx, "salesforce", 10)] == ["M2"]
        await messages.answered(tx, "salesforce", "opportunity", ["006A"], late, late)
        assert await messages.unanswered(tx, "salesforce", 10) == []


def at(version: int) -> str:
    return f"2026-11-02T10:00:0{version}Z#{version}"


async def what_stays(tx: Tx, books: Books, deliveries: Sequence[tuple[str, int]]) -> dict[str, str]:
    """The state of each record that is worked off last: runs of one record are serial, in the order of arrival."""
    for name, version in deliveries:
        await record(tx, books, [deal(name, at(version))])
    return {each["record_id"]: each["version"] for each in await messages.waiting(tx, "salesforce", "opportunity", 100)}


def newest(deliveries: Sequence[tuple[str, int]]) -> dict[str, str]:
    return {name: at(max(v for n, v in deliveries if n == name)) for name, _ in deliveries}


@settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(deliveries=st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 5)), min_size=1, max_size=12))
async def test_whatever_the_order_and_the_repeats_the_newest_state_is_what_stays(
    books: Books, deliveries: list[tuple[str, int]]
) -> None:
    async with books.database.transaction() as tx:
        await tx.execute("truncate message, intake")
        assert await what_stays(tx, books, deliveries) == newest(deliveries)
        assert (await law(tx))["received"] == len(set(deliveries))


async def test_the_newest_state_under_a_later_stamp_is_an_echo_and_an_older_one_again_is_news(books: Books) -> None:
    async with books.database.transaction() as tx:
        for version in ("2026-11-02T10:00:01Z#a", "2026-11-02T10:00:02Z#a", "2026-11-02T10:00:03Z#b"):
            await record(tx, books, [deal("A", version)])
        await record(tx, books, [deal("A", "2026-11-02T10:00:04Z#a")])
        waiting = await messages.waiting(tx, "salesforce", "opportunity", 10)
        assert [each["version"][-3:] for each in waiting] == ["Z#a", "Z#b", "Z#a"]
        assert (await law(tx))["received"] == 3


async def test_without_the_guard_the_last_arrival_would_win(books: Books) -> None:
    deliveries = [("A", 2), ("A", 1)]
    async with books.database.transaction() as tx:
        await what_stays(tx, books, deliveries)
        await tx.execute("update message set state = 'received', reason = '' where state = 'ignored'")
        assert await what_stays(tx, books, []) != newest(deliveries)


async def told(tx: Tx) -> list[tuple[str, str]]:
    """Every message of A, in the order in which it came: its version's end and what became of it."""
    found = await rows(tx, "select version, state, reason from message order by id")
    return [(each["version"][-4:], each["reason"] or each["state"]) for each in found]


async def test_what_comes_with_a_stamp_before_an_echo_is_older_than_the_echo(books: Books) -> None:
    """The source went from a to b and back to a; b arrives last."""
    async with books.database.transaction() as tx:
        for version in ("2026-11-02T10:00:01Z#a", "2026-11-02T10:00:03Z#a", "2026-11-02T10:00:02Z#b"):
            await record(tx, books, [deal("A", version)])
        assert await told(tx) == [("1Z#a", "received"), ("2Z#b", "superseded by a newer state")]
        assert (await law(tx))["ignored"] == 1


async def test_a_source_that_goes_back_within_an_instant_is_followed(books: Books) -> None:
    a, b = "2026-11-02T10:00:01Z#a", "2026-11-02T10:00:01Z#b"
    async with books.database.transaction() as tx:
        await record(tx, books, [deal("A", each) for each in (a, b, a, a, b, a)])
        assert [each["version"] for each in await messages.waiting(tx, "salesforce", "opportunity", 10)] == [
            a, b, f"{a}~2", f"{b}~2", f"{a}~3",
        ]  # fmt: skip
        assert await record(tx, books, [deal("A", a)]) == []
        assert (await law(tx))["received"] == 5


async def both_at_once(books: Books) -> list[tuple[str, str]]:
    """A sweep stores the newer state and has not committed yet; a doorbell's reading brings an older one meanwhile."""
    stored = asyncio.Event()

    async def sweep() -> None:
        async with books.database.transaction() as tx:
            await record(tx, books, [deal("A", at(2))])
            stored.set()
            await asyncio.sleep(0.3)

    async def doorbell() -> None:
        await stored.wait()
        async with books.database.transaction() as tx:
            await record(tx, books, [deal("A", at(1))], via="doorbell")

    await asyncio.gather(sweep(), doorbell())
    async with books.database.transaction() as tx:
        return sorted((version, became) for version, became in await told(tx))


async def test_two_who_record_at_once_see_each_other_s_states(books: Books) -> None:
    assert await both_at_once(books) == [("1Z#1", "superseded by a newer state"), ("2Z#2", "received")]


async def test_without_the_lock_the_older_one_would_be_news(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    one_after_the_other = itertools.count(1)
    real = messages._lock

    async def another(tx: Tx, connection: str, kind: str) -> None:
        await real(tx, f"{connection}{next(one_after_the_other)}", kind)

    monkeypatch.setattr(messages, "_lock", another)
    assert ("1Z#1", "received") in await both_at_once(books)


async def test_an_echo_of_our_own_writing_is_no_news(books: Books) -> None:
    async with books.database.transaction() as tx:
        await record(tx, books, [deal("006A", "2026-11-02T10:00:00Z#same")])
        assert await record(tx, books, [deal("006A", "2026-11-02T10:00:05Z#same")]) == []
        assert len(await record(tx, books, [deal("006A", "2026-11-02T10:00:09Z#other")])) == 1
        assert (await law(tx))["received"] == 2


async def test_the_messages_of_a_run_are_found_without_looking_at_all_there_are(books: Books) -> None:
    """Also those that are over, and those of a run that has none: most runs of a month-end have none."""
    async with books.database.transaction() as tx:
        await tx.execute("set local enable_seqscan = off")
        plan = await rows(tx, f"explain {messages.OF_RUN}", {"run": "time_to_invoice:ENG/2026-10:1"})
    told = "\n".join(each["QUERY PLAN"] for each in plan)
    assert "message_by_run" in told
    assert "Seq Scan" not in told, told
