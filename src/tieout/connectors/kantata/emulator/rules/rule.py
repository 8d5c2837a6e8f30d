"""The moments at which a collection may fill in, refuse or follow up, and the answer to each when it has nothing to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import JsonObject


class Rule:
    """`body` is the object as it was sent, for what is no attribute of the row itself."""

    collection = ""

    def visible(self, call: Call, row: Row) -> bool:
        return True

    def derive(self, call: Call, row: Row) -> Mapping[str, Any]:
        """Attributes that are computed when they are asked for."""
        return {}

    def draft(self, call: Call, values: JsonObject, body: JsonObject) -> JsonObject:
        """The row to insert. Raises Refusal."""
        return values

    def created(self, call: Call, row: Row, body: JsonObject) -> None:
        pass

    def revise(self, call: Call, row: Row, values: JsonObject, body: JsonObject) -> JsonObject:
        """The values to change. Raises Refusal."""
        return values

    def changed(self, call: Call, row: Row, body: JsonObject) -> None:
        pass

    def remove(self, call: Call, row: Row) -> None:
        """Raises Refusal when the row must stay."""
        call.records.remove(self.collection, row["id"])
