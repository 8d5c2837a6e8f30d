"""What Prometheus scrapes: the law of conservation to the minor unit, and labels that no record can fill with its own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tieout.api.collected import Collected
from tieout.api.measures import STATES, Vocabulary, measures
from tieout.connectors.catalogue import installed
from tieout.domain.problems import Problem
from tieout.engine.worker import lock_key
from tieout.flows.catalogue import FLOWS
from tieout.store import journal, outbox, workers
from tieout.store.journal import Claim
from tieout.store.metrics import snapshot

pytestmark = pytest.mark.anyio
PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text("utf-8")
PATH = "/api/v1/metrics"

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(site: Any) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Fresh figures: what was collected before is forgotten."""
    services = site.app.state.services
    services.collected._newest = None
    answer = await site.ask("viewer", "GET", PATH)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in text_string_to_metric_families(answer.text)
        for each in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float:
    return found[(name, frozenset(labels.items()))]


async def test_the_law_of_conservation_is_scraped_to_the_minor_unit(site: Any) -> None:
    await site.books.held("006A", [Problem("package.unknown", {"package": "X", "deal": "Globex", "link": ""})])
    deal = await site.books.deal(1)
    await site.books.time(deal, [("T1", 1, 450)])
    await site.books.posted(deal, await site.books.proposal(deal), "2026/0001", paid="100.00")
    found = await scraped(site)
    deals = {"connection": "salesforce", "kind": "opportunity"}
    assert of(found, "tieout_messages", **deals, currency="USD", state="held") == 1
    assert of(found, "tieout_messages_minor_units", **deals, currency="USD", state="held") == 10_000
    assert (
        of(found, "tieout_messages_minor_units", connection="erp-us", kind="invoice", currency="USD", state="done")
        == 275_400
    )
    for source in (deals, {"connection": "erp-us", "kind": "invoice"}):
        stood = sum(of(found, "tieout_messages", **source, currency="USD", state=state) for state in STATES)
        assert stood == of(found, "tieout_intake_messages_total", **source) == 1
    assert {value for (name, labels), value in found.items() if "minor" in name and ("state", "missing") in labels} == {
        0
    }


async def test_saboteur_a_message_that_was_lost_is_seen_in_number_and_in_money(site: Any) -> None:
    await site.books.held("006A", [Problem("package.unknown", {"package": "X", "deal": "Globex", "link": ""})])
    async with site.books.database.transaction() as tx:
        await tx.execute("delete from message")
    found = await scraped(site)
    labels = {"connection": "salesforce", "kind": "opportunity", "currency": "USD", "state": "missing"}
    assert of(found, "tieout_messages", **labels) == 1
    assert of(found, "tieout_messages_minor_units", **labels) == 10_000


async def test_what_waits_and_since_when_is_scraped(site: Any) -> None:
    books = site.books
    await books.held("006A", [Problem("package.unknown", {"package": "X", "deal": "Globex", "link": ""})], entity="DE")
    async with books.database.transaction() as tx:
        await tx.execute("update message set state = 'received'")
        claim = Claim(
            "key",
            connection="erp-us",
            operation="invoice.propose",
            guarantee="E",
            subject="INV-1",
            version="1",
            run_id="R1",
            entity="US",
            request=b"{}",
            state="unknown",
            now=books.now(),
        )
        await journal.claim(tx, [claim])
        await outbox.channel(tx, "chat")
        await outbox.fails(tx, "chat", "broken", "HTTP 404", books.now(), books.now())
    books.moment += timedelta(hours=30)
    found = await scraped(site)
    assert of(found, "tieout_oldest_waiting_message_seconds", connection="salesforce", kind="opportunity") == 30 * 3600
    assert of(found, "tieout_holds_open", code="package.unknown", entity="DE") == 1
    assert of(found, "tieout_holds_overdue", code="package.unknown", entity="DE") == 1
    assert of(found, "tieout_holds_open_minor_units", code="package.unknown", entity="DE", currency="EUR") == 10_000
    assert of(found, "tieout_effects_unknown", connection="erp-us", operation="invoice.propose") == 1
    assert (
        of(found, "tieout_effects_unknown_oldest_seconds", connection="erp-us", operation="invoice.propose") == 108_000
    )
    assert of(found, "tieout_runs", flow="opportunity_to_project", state="held") == 1
    assert of(found, "tieout_channel_state", channel="other", state="broken") == 1, (
        "no channel of the folder has this name"
    )
    assert of(found, "tieout_connection_up", connection="kantata") == 1


async def test_a_worker_is_alive_as_long_as_it_holds_its_lock(site: Any) -> None:
    database, now = site.books.database, site.books.now()
    async with database.transaction() as tx:
        for worker in ("here", "gone"):
            await workers.enter(tx, worker, lock_key(worker), now)
            await workers.beat(tx, worker, {"used": 3, "idle": 1, "waiting": 2}, now)
    async with database.session() as session:
        await session.execute("select pg_advisory_lock(%s)", (lock_key("here"),))
        site.books.moment += timedelta(seconds=20)
        found = await scraped(site)
    assert (of(found, "tieout_workers", state="alive"), of(found, "tieout_workers", state="gone")) == (1, 1)
    assert of(found, "tieout_worker_heartbeat_age_seconds") == 20
    assert of(found, "tieout_db_pool", process="worker", state="waiting") == 2
    assert of(found, "tieout_db_pool", process="web", state="idle") >= 1


CANARIES = ("Priya Raman", "priya.raman@kestrel.example", "Globex Canary GmbH", 'quote" and \\ and \nline')


async def test_no_word_of_a_record_becomes_a_label_and_no_number_of_them_makes_more_series(site: Any) -> None:
    await site.filled()
    before = await scraped(site)
    async with site.books.database.transaction() as tx:
        for word in (*CANARIES, *(f"word-{n}" for n in range(500))):
            await tx.execute(
                """
                insert into message (connection, kind, record_id, version, day, currency, amount_minor, via, received_at)
                values ('salesforce', %(w)s, %(w)s, '1', '2026-11-02', %(w)s, 5, 'sweep', %(now)s)
                """,
                {"w": word, "now": site.books.now()},
            )
            await tx.execute(
                """
                insert into run (id, flow, subject, version, lane, state, not_before, created_at)
                values (%(w)s, %(w)s, %(w)s, '1', %(w)s, 'queued', %(now)s, %(now)s)
                """,
                {"w": word, "now": site.books.now()},
            )
            await tx.execute(
                """
                insert into hold (flow, subject, run_id, entity, title, code, cause, facts, amount_minor, currency, owner,
                                  opened_at, first_opened_at, due_at)
                values (%(w)s, %(w)s, %(w)s, %(w)s, %(w)s, %(w)s, %(w)s, '{}', 5, %(w)s, %(w)s, %(now)s, %(now)s, %(now)s)
                """,
                {"w": word, "now": site.books.now()},
            )
            await tx.execute(
                """
                insert into effect (key, connection, operation, guarantee, subject, version, run_id, request, state, planned_at, sent_at)
                values (%(w)s, 'kantata', %(w)s, 'E', %(w)s, '1', %(w)s, '', 'unknown', %(now)s, %(now)s)
                """,
                {"w": word, "now": site.books.now()},
            )
            await tx.execute("insert into channel (name) values (%s)", (word,))
    after = await scraped(site)
    assert len(after) - len(before) < 40, "one `other` for each word, and no more"
    told = str(after)
    assert "word-" not in told
    for canary in CANARIES:
        assert canary not in told
    assert of(after, "tieout_holds_open", code="other", entity="other") == 504


async def test_the_most_series_that_there_can_be_are_known(site: Any) -> None:
    """Every label is one of finitely many words: the largest firm in the box stays far below what a Prometheus likes."""
    words = Vocabulary.of(site.app.state.services.firm(), installed(), [each.name for each in FLOWS])
    sources = (len(words.connections) + 1) * (len(words.kinds) + 1) * (len(words.currencies) + 1)
    holds = (len(words.codes) + 1) * (len(words.entities) + 1) * (len(words.currencies) + 4)
    assert sources * 2 * len(STATES) + holds + (len(words.flows) + 1) * 8 < 10_000


async def test_watchers_share_a_collection_which_takes_a_twentieth_of_the_time_at_most() -> None:
    clock, collected = [0.0], list[float]()

    async def collect() -> Any:
        collected.append(clock[0])
        clock[0] += 2.0  # a collection takes two seconds
        return object()

    figures = Collected(collect, lambda: clock[0])
    first, took = await figures.newest()
    assert took == 2
    for _ in range(39):
        clock[0] += 1.0
        assert (await figures.newest())[0] is first
    clock[0] += 1.0
    assert (await figures.newest())[0] is not first
    assert collected == [0.0, 42.0]


async def test_without_its_database_it_says_so(site: Any) -> None:
    async def away() -> Any:
        raise OSError("the password is sesame")

    site.app.state.services.collected._collect = away
    answer = await site.ask("viewer", "GET", PATH)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:tieout:problem:not-measured")
    assert "sesame" not in answer.text


async def test_the_page_tells_every_figure_with_its_kind_and_labels_and_no_other(site: Any) -> None:
    words = Vocabulary.of(site.app.state.services.firm(), installed(), [])
    found = measures(await snapshot(site.books.database, site.books.now()), site.books.database.use(), 0.1, words)
    served = {
        each.name + ("_total" if each.type == "counter" else ""): (each.type, ", ".join(each._labelnames))  # pyright: ignore
        for each in found
    }
    told = {
        name: (kind, labels.replace("`", "").strip())
        for name, kind, labels in re.findall(r"^\| `(tieout_\w+)` \| (\w+) \| (.*?) \|", PAGE, re.MULTILINE)
    }
    assert told == served


def test_the_alert_rules_of_the_page_are_rules_about_figures_that_exist() -> None:
    (text,) = [each for each in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "groups:" in each]
    (group,) = yaml.safe_load(text)["groups"]
    told = set(re.findall(r"^\| `(tieout_\w+)`", PAGE, re.MULTILINE))
    alerts = {each["alert"]: each for each in group["rules"]}
    assert "MessagesMissing" in alerts
    for each in alerts.values():
        assert set(re.findall(r"tieout_\w+", each["expr"])) <= told, each["alert"]
        assert each["annotations"]["summary"]
