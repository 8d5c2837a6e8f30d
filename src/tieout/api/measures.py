"""What is measured, as Prometheus reads it: names, units, labels that are words of ours and so never too many.

A label is a word of the firm folder or of the product (a connection, a kind of record, a currency of a legal entity, a
flow, a problem's code); whatever else stands in the books counts as `other`, so that neither a person's name nor a
thousand of them get in. docs/metrics.md says what each figure means; a test keeps the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from tieout import __version__
from tieout.connectors.contract import ConnectorSpec
from tieout.domain.firm import Firm
from tieout.domain.problems import CATALOGUE
from tieout.store.metrics import Snapshot

OTHER = "other"
STATES = ("done", "held", "ignored", "in_flight", "missing")
RUN_STATES = ("queued", "running", "retrying", "held", "waiting", "done", "ignored")
_CHANNEL_STATES = ("well", "failing", "broken")

Labels = tuple[str, ...]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that a label may be. `flows` are the flows that the hub knows."""

    connections: frozenset[str]
    kinds: frozenset[str]
    operations: frozenset[str]
    currencies: frozenset[str]
    entities: frozenset[str]
    channels: frozenset[str]
    flows: frozenset[str]
    codes: frozenset[str] = frozenset(CATALOGUE)

    @classmethod
    def of(cls, firm: Firm, specs: Mapping[str, ConnectorSpec], flows: Iterable[str]) -> Vocabulary:
        used = [specs[each.kind] for each in firm.connections.values() if each.kind in specs]
        return cls(
            connections=frozenset(firm.connections),
            kinds=frozenset(kind for each in used for kind in each.reads),
            operations=frozenset(name for each in used for name in each.writes),
            currencies=frozenset(each.currency for each in firm.entities) | {""},
            entities=frozenset(each.code for each in firm.entities) | {""},
            channels=frozenset(firm.channels),
            flows=frozenset(flows),
        )


def written(snapshot: Snapshot, pool: Mapping[str, int], took: float, words: Vocabulary) -> bytes:
    """The text format, version 0.0.4. `pool` is this process's own, `took` the seconds of the collection."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Found(list(measures(snapshot, pool, took, words))))
    return generate_latest(registry)


def measures(snapshot: Snapshot, pool: Mapping[str, int], took: float, words: Vocabulary) -> Iterator[Metric]:
    yield from _conservation(snapshot, words)
    yield from _work(snapshot, words)
    yield from _people(snapshot, words)
    yield from _systems(snapshot, words)
    yield from _processes(snapshot, pool, took)


def _conservation(snapshot: Snapshot, words: Vocabulary) -> Iterator[Metric]:
    stood = _family("tieout_messages", "Messages by what became of them; received = the sum of all states.",
                    ("connection", "kind", "currency", "state"))  # fmt: skip
    worth = _family("tieout_messages_minor_units", "What these messages are worth, in minor units of the currency.",
                    ("connection", "kind", "currency", "state"))  # fmt: skip
    received = _counter("tieout_intake_messages", "Messages taken in, as intake counted them page by page.",
                        ("connection", "kind"))  # fmt: skip
    oldest = _family("tieout_oldest_waiting_message_seconds", "Age of the oldest message that nobody has dealt with yet.",
                     ("connection", "kind"))  # fmt: skip
    counts, minors, came, ages = _Sums(), _Sums(), _Sums(), dict[Labels, float]()
    for each in snapshot.conservation:
        source = words_of(words.connections, each["connection"]), words_of(words.kinds, each["kind"])
        currency = words_of(words.currencies, each["currency"])
        came.add(source, each["received"])
        age = _seconds(each["oldest_at"], snapshot.at)
        ages[source] = max(ages.get(source, 0.0), age)
        for state in STATES:
            counts.add((*source, currency, state), each[state])
            if currency not in ("", OTHER):  # there is no sum of amounts in several currencies
                minors.add((*source, currency, state), each[f"{state}_minor"])
    yield counts.fill(stood)
    yield minors.fill(worth)
    yield came.fill(received)
    yield _filled(oldest, ages)


def _work(snapshot: Snapshot, words: Vocabulary) -> Iterator[Metric]:
    runs = _Sums()
    for each in snapshot.runs:
        runs.add((words_of(words.flows, each["flow"]), words_of(RUN_STATES, each["state"])), each["n"])
    yield runs.fill(_family("tieout_runs", "Runs by flow and state.", ("flow", "state")))
    unknown, ages = _Sums(), dict[Labels, float]()
    for each in snapshot.unknown:
        labels = words_of(words.connections, each["connection"]), words_of(words.operations, each["operation"])
        unknown.add(labels, each["n"])
        ages[labels] = max(ages.get(labels, 0.0), _seconds(each["oldest_at"], snapshot.at))
    names = ("connection", "operation")
    yield unknown.fill(
        _family("tieout_effects_unknown", "Changes in target systems whose outcome is not known.", names)
    )
    yield _filled(_family("tieout_effects_unknown_oldest_seconds", "Age of the oldest of them.", names), ages)


def _people(snapshot: Snapshot, words: Vocabulary) -> Iterator[Metric]:
    held, late, free, worth, asked = _Sums(), _Sums(), _Sums(), _Sums(), _Sums()
    for each in snapshot.holds:
        what = words_of(words.codes, each["code"]), words_of(words.entities, each["entity"])
        currency = words_of(words.currencies, each["currency"])
        held.add(what, each["n"])
        late.add(what, each["overdue"])
        free.add(what, each["unowned"])
        if currency not in ("", OTHER):
            worth.add((*what, currency), each["minor"])
    for each in snapshot.approvals:
        asked.add((words_of(words.entities, each["entity"]),), each["n"])
    names = ("code", "entity")
    yield held.fill(_family("tieout_holds_open", "Open holds by problem and legal entity.", names))
    yield late.fill(_family("tieout_holds_overdue", "Open holds that are overdue.", names))
    yield free.fill(_family("tieout_holds_unowned", "Open holds that nobody has taken.", names))
    yield worth.fill(_family("tieout_holds_open_minor_units", "What open holds are worth, in minor units.",
                             (*names, "currency")))  # fmt: skip
    yield asked.fill(_family("tieout_approvals_open", "Approvals that nobody has answered.", ("entity",)))


def _systems(snapshot: Snapshot, words: Vocabulary) -> Iterator[Metric]:
    up, paused, read = dict[Labels, float](), dict[Labels, float](), dict[Labels, float]()
    for each in snapshot.connections:
        if each["name"] not in words.connections:
            continue  # a connection that left the folder
        up[(each["name"],)] = float(each["ok"])
        paused[(each["name"],)] = float(each["state"] == "paused")
        for kind, moment in each["read"].items():
            labels = each["name"], words_of(words.kinds, kind)
            read[labels] = max(read.get(labels, 0.0), datetime.fromisoformat(moment).timestamp())
    yield _filled(
        _family("tieout_connection_up", "1 when the last check of the system went well.", ("connection",)), up
    )
    yield _filled(_family("tieout_connection_paused", "1 while nothing is read from it or written to it.",
                          ("connection",)), paused)  # fmt: skip
    yield _filled(_family("tieout_source_last_read_timestamp_seconds", "When a source was last read to its end.",
                          ("connection", "kind")), read)  # fmt: skip
    waiting, sent, state = _Sums(), _Sums(), _Sums()
    for each in snapshot.channels:
        channel = words_of(words.channels, each["name"])
        waiting.add((channel,), each["waiting"])
        sent.add((channel,), each["sent"])
        for name in _CHANNEL_STATES:
            state.add((channel, name), int(each["state"] == name))
    yield waiting.fill(_family("tieout_notices_waiting", "Messages to people that are not sent yet.", ("channel",)))
    yield sent.fill(_counter("tieout_notices_sent", "Messages to people that were sent.", ("channel",)))
    yield state.fill(_family("tieout_channel_state", "1 for the state that a channel is in.", ("channel", "state")))


def _processes(snapshot: Snapshot, pool: Mapping[str, int], took: float) -> Iterator[Metric]:
    found = snapshot.workers
    workers = {("alive",): found["alive"], ("gone",): found["gone"]}
    yield _filled(_family("tieout_workers", "Workers by whether they hold their lock; gone ones are being adopted.",
                          ("state",)), workers)  # fmt: skip
    beat = _seconds(found["oldest_beat_at"], snapshot.at)
    yield _filled(_family("tieout_worker_heartbeat_age_seconds", "Age of the oldest heartbeat of a living worker.", ()),
                  {(): beat})  # fmt: skip
    use = {("web", each): pool[each] for each in ("used", "idle", "waiting")}
    use |= {("worker", each): found[each] for each in ("used", "idle", "waiting")}
    yield _filled(_family("tieout_db_pool", "Database connections in use and idle, and callers that wait for one.",
                          ("process", "state")), use)  # fmt: skip
    yield _filled(_family("tieout_db_pool_most", "The most connections that this process's pool may have.", ()),
                  {(): pool["most"]})  # fmt: skip
    yield _filled(_family("tieout_collection_seconds", "How long it took to collect these figures.", ()), {(): took})
    yield _filled(_family("tieout_collected_timestamp_seconds", "When these figures were true.", ()),
                  {(): snapshot.at.timestamp()})  # fmt: skip
    yield _filled(
        _family("tieout_build_info", "1, with the version of this process.", ("version",)), {(__version__,): 1}
    )


def words_of(known: frozenset[str] | Sequence[str], word: str | None) -> str:
    """The word itself when it is one of ours."""
    return word if word in known and word is not None else OTHER


class _Sums(dict[Labels, float]):
    """Samples by their labels; what became one label is one sample."""

    def add(self, labels: Labels, value: Any) -> None:
        self[labels] = self.get(labels, 0) + int(value)

    def fill(self, family: GaugeMetricFamily | CounterMetricFamily) -> Metric:
        return _filled(family, self)


class _Found(Collector):
    """Hands what was measured to the library that writes it."""

    def __init__(self, found: Sequence[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _family(name: str, help_: str, labels: Labels) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, labels=labels)


def _counter(name: str, help_: str, labels: Labels) -> CounterMetricFamily:
    return CounterMetricFamily(name, help_, labels=labels)


def _filled(family: GaugeMetricFamily | CounterMetricFamily, samples: Mapping[Labels, float]) -> Metric:
    for labels, value in sorted(samples.items()):
        family.add_metric(labels, value)
    return family


def _seconds(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since is not None else 0.0
