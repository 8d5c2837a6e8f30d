"""Which records were deleted or updated in a stretch of time: the resources that mirror an org elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta

from tieout.connectors.salesforce.emulator.calls import Call, Reply, Resource
from tieout.connectors.salesforce.emulator.describing import object_named
from tieout.connectors.salesforce.emulator.failures import refusal
from tieout.connectors.salesforce.emulator.records import Records
from tieout.connectors.salesforce.emulator.removal import RECYCLE_BIN, in_recycle_bin
from tieout.connectors.salesforce.emulator.wire import instant_text, read_instant

_LONGEST = timedelta(days=30)
_SHORTEST = timedelta(minutes=1)


class Replication:
    """/sobjects/{type}/deleted and /updated."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def resources(self) -> list[Resource]:
        return [
            Resource("/sobjects/{entity}/deleted", {"GET": self.deleted}),
            Resource("/sobjects/{entity}/updated", {"GET": self.updated}),
        ]

    def deleted(self, call: Call, entity: str) -> Reply:
        found = object_named(self._records.schema, entity)
        start, end = self._stretch(call)
        gone = [
            {"id": each["Id"], "deletedDate": instant_text(each["SystemModstamp"])}
            for each in self._records.all(found)
            if in_recycle_bin(self._records, each) and start <= each["SystemModstamp"] <= end
        ]
        covered = min(end, self._records.now())
        # Beyond the recycle bin nothing is known: a mirror older than this must be made anew.
        earliest = self._records.now() - RECYCLE_BIN
        return Reply(
            200,
            {
                "deletedRecords": gone,
                "earliestDateAvailable": instant_text(earliest),
                "latestDateCovered": instant_text(covered),
            },
        )

    def updated(self, call: Call, entity: str) -> Reply:
        found = object_named(self._records.schema, entity)
        start, end = self._stretch(call)
        ids = [
            each["Id"]
            for each in self._records.all(found)
            if not each["IsDeleted"] and start <= each["SystemModstamp"] <= end
        ]
        return Reply(200, {"ids": ids, "latestDateCovered": instant_text(min(end, self._records.now()))})

    def _stretch(self, call: Call) -> tuple[datetime, datetime]:
        # A plus sign that was not escaped has become a blank on its way.
        start, end = (read_instant(call.query.get(name, "").replace(" ", "+")) for name in ("start", "end"))
        if start is None or end is None:
            raise refusal("INVALID_REPLICATION_DATE", "start and end must be ISO 8601 dates with a time zone")
        if end - start < _SHORTEST:
            message = "endDate must be at least one minute greater than startDate"
            raise refusal("INVALID_REPLICATION_DATE", message)
        if start < self._records.now() - _LONGEST:
            message = "startDate cannot be more than 30 days ago"
            raise refusal("INVALID_REPLICATION_DATE", message)
        return start, end
