"""Subscribed events: what changed in the last nine days, told minutes late, out of order and sometimes twice."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random
from typing import Any

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.failures import forbidden
from tieout.connectors.kantata.emulator.records import Records, Step
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import stamp

RETENTION = timedelta(days=9)
_LATEST = 8 * 60
_TWICE = 0.1
_VERBS = ("created", "updated", "deleted")


class Events:
    """An event exists from the moment it is generated, which is later than the change: by seconds or by eight minutes.

    `seed` decides how late each one is and which come twice (with an id of their own); the same requests give the same
    events.
    """

    def __init__(self, records: Records, seed: int) -> None:
        self._records = records
        self._seed = seed
        self.acting: Row | None = None
        records.when_done(self._hear)

    def visible(self, row: Row) -> bool:
        now = self._records.now()
        return stamp(now - RETENTION) < row["created_at"] <= stamp(now)

    def deliver(self) -> int:
        """Everything that is still on its way becomes visible now; how many events that were."""
        now = stamp(self._records.now())
        waiting = [each for each in self._records.all("subscribed_events") if each["created_at"] > now]
        for event in waiting:
            self._records.change("subscribed_events", event["id"], quietly=True, created_at=now)
        return len(waiting)

    def types(self) -> dict[str, Any]:
        known = [each for each in self._records.catalogue.values() if each.event]
        names = sorted(f"{each.event}:{verb}" for each in known for verb in _VERBS)
        fields = {
            f"{each.event}:{verb}": {
                "name": f"{each.event}:{verb}",
                "description": f"A {each.singular.replace('_', ' ')} was {verb}.",
                "fields": {name: {"name": name, "type": "string", "description": ""} for name in each.shown},
            }
            for each in known
            for verb in _VERBS
        }
        return {"subscribed_event_types": names, "subscribed_event_type_schemas": fields}

    def _hear(self, steps: list[Step]) -> None:
        for (collection, row_id), before, after in steps:
            kind = self._records.catalogue[collection]
            if kind.event and before != after and (before or after):
                verb = "deleted" if after is None else "updated" if before else "created"
                self._tell(f"{kind.event}:{verb}", kind.subject, row_id, before, after)
        oldest = stamp(self._records.now() - RETENTION)
        # Events stand in the order of their making, and none is more than minutes out of it.
        while (event := self._records.oldest("subscribed_events")) and event["created_at"] < oldest:
            self._records.remove("subscribed_events", event["id"])

    def _tell(self, event_type: str, subject: str, row_id: str, before: Row | None, after: Row | None) -> None:
        number = self._records.fact("events", 0) + 1
        self._records.set_fact("events", number)
        chance = Random(f"{self._seed}:{number}")  # noqa: S311 - repeatable on purpose
        changed = {
            name: [(before or {}).get(name), (after or {}).get(name)]
            for name in {**(before or {}), **(after or {})}
            if (before or {}).get(name) != (after or {}).get(name)
        }
        values = {
            "event_type": event_type,
            "account_id": self._records.fact("account_id"),
            "user_id": self.acting["id"] if self.acting else None,
            "subject_id": row_id,
            "subject_type": subject,
            "subject_changed_at": stamp(self._records.now()),
            "context_workspace_id": (after or before or {}).get("workspace_id"),
            "previous_payload": json.dumps(before) if before else None,
            "current_payload": json.dumps(after) if after else None,
            "payload_changes": json.dumps(changed),
        }
        for _ in range(2 if chance.random() < _TWICE else 1):
            generated = self._records.now() + timedelta(seconds=chance.randint(1, _LATEST))
            self._records.insert("subscribed_events", **{**values, "created_at": stamp(generated)})


def only_for_administrators(call: Call) -> None:
    if not call.administrator:
        raise forbidden("Subscribed events are available to account administrators only")
