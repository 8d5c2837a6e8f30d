"""What every collection can do, from its table and its rule: list, show, create one or many, update, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from tieout.connectors.kantata.emulator.answers import Answers
from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.failures import Flaw, Refusal, invalid, malformed, not_found
from tieout.connectors.kantata.emulator.rules.linking import fill_in, refer
from tieout.connectors.kantata.emulator.rules.rule import Rule
from tieout.connectors.kantata.emulator.schema import CUSTOM_VALUES, REFERENCES, Collection, Row
from tieout.connectors.kantata.emulator.wire import JsonObject

_MOST_DELETED = 100


class Resources:
    """Answers are (status, body); a body that is None is an empty answer."""

    def __init__(self, catalogue: Mapping[str, Collection], rules: Mapping[str, Rule], answers: Answers) -> None:
        self._catalogue = catalogue
        self._rules = rules
        self.answers = answers

    def kind(self, name: str, verb: str) -> Collection:
        kind = self._catalogue.get(name)
        if kind is None or verb not in kind.verbs:
            raise not_found()
        return kind

    def list(self, call: Call, name: str) -> tuple[int, Any]:
        kind = self.kind(name, "list")
        matching = self.answers.matching(call, kind, list(call.records.all(name)))
        return 200, self.answers.page(call, kind, matching)

    def show(self, call: Call, name: str, row_id: str) -> tuple[int, Any]:
        """404 for what is not there, not visible, or hidden by a default filter."""
        kind = self.kind(name, "show")
        row = call.records.get(name, row_id)
        found = self.answers.matching(call, kind, [row]) if row else []
        if not found:
            raise not_found(kind.subject)
        return 200, self.answers.envelope(call, kind, found)

    def create(self, call: Call, name: str, body: JsonObject) -> tuple[int, Any]:
        kind = self.kind(name, "create")
        many, one = body.get(kind.name), body.get(kind.singular)
        if isinstance(many, list) and kind.bulk:
            return 200, self.answers.envelope(call, kind, self._create_many(call, kind, cast("list[Any]", many)))
        if not isinstance(one, dict):
            raise malformed(f"param is missing or the value is empty: {kind.singular}")
        with call.records.request():
            row = self._insert(call, kind, cast("JsonObject", one))
        return 200, self.answers.envelope(call, kind, [row])

    def update(self, call: Call, name: str, row_id: str, body: JsonObject) -> tuple[int, Any]:
        kind = self.kind(name, "update")
        row = self._own(call, kind, row_id)
        given = body.get(kind.singular)
        if not isinstance(given, dict):
            raise malformed(f"param is missing or the value is empty: {kind.singular}")
        sent = cast("JsonObject", given)
        with call.records.request():
            rule = self._rules[name]
            values = {key: value for key, value in self._values(kind, sent).items() if key not in kind.fixed}
            flaws = [
                Flaw("validation", message, field)
                for field, message in kind.required.items()
                if field in values and values[field] in (None, "", [])
            ]
            if flaws:
                raise Refusal(422, *flaws)
            call.records.change(name, row_id, **rule.revise(call, row, values, sent))
            rule.changed(call, cast("Row", call.records.get(name, row_id)), sent)
            self._linked(call, kind, row_id, sent)
        return 200, self.answers.envelope(call, kind, [cast("Row", call.records.get(name, row_id))])

    def delete(self, call: Call, name: str, row_id: str) -> tuple[int, Any]:
        kind = self.kind(name, "delete")
        row = self._own(call, kind, row_id)
        with call.records.request():
            self._remove(call, kind, row)
        return 204, None

    def delete_many(self, call: Call, name: str) -> tuple[int, Any]:
        """All of them, or none and the reason for each that must stay."""
        kind = self.kind(name, "delete")
        ids = call.listed("ids")
        if not kind.bulk or not ids:
            raise malformed("param is missing or the value is empty: ids")
        if len(ids) > _MOST_DELETED:
            raise invalid("ids", f"A maximum of {_MOST_DELETED} can be deleted at once")
        flaws: list[Flaw] = []
        with call.records.request():
            for each in ids:
                try:
                    self._remove(call, kind, self._own(call, kind, each))
                except Refusal as refused:
                    flaws += [Flaw("validation", f"{each}: {flaw.message}", "ids") for flaw in refused.flaws]
            if flaws:
                raise Refusal(422, *flaws)
        return 204, None

    # -- steps

    def _create_many(self, call: Call, kind: Collection, given: Sequence[Any]) -> list[Row]:
        """All or none. With the fault of a partial batch the first ones stay, and the answer refuses the rest."""
        if not given or len(given) > kind.bulk:
            raise invalid(kind.name, f"Between 1 and {kind.bulk} {kind.name} can be created at once")
        wanted = given if call.kept is None else given[: call.kept]
        with call.records.request():
            rows = [self._insert(call, kind, cast("JsonObject", each)) for each in wanted]
        if len(wanted) < len(given):
            flaw = Flaw("system", f"Only {len(wanted)} of {len(given)} {kind.name} could be created")
            raise Refusal(422, flaw, kept=len(wanted))
        return rows

    def _insert(self, call: Call, kind: Collection, given: JsonObject) -> Row:
        rule = self._rules[kind.name]
        values = self._values(kind, given)
        flaws = [
            Flaw("validation", message, field)
            for field, message in kind.required.items()
            if values.get(field) in (None, "", [])
        ]
        if flaws:
            raise Refusal(422, *flaws)
        row = call.records.insert(kind.name, **rule.draft(call, values, given))
        rule.created(call, row, given)
        self._linked(call, kind, row["id"], given)
        return cast("Row", call.records.get(kind.name, row["id"]))

    def _values(self, kind: Collection, given: JsonObject) -> JsonObject:
        """What the collection knows of a body, coerced; whatever else stands there is ignored."""
        return {name: kind.writes[name](name, value) for name, value in given.items() if name in kind.writes}

    def _linked(self, call: Call, kind: Collection, row_id: str, given: JsonObject) -> None:
        if kind.association(REFERENCES.name) and isinstance(given.get("external_reference"), dict):
            refer(call, kind.subject, row_id, cast("JsonObject", given["external_reference"]))
        if kind.association(CUSTOM_VALUES.name) and "custom_fields" in given:
            fill_in(call, kind.subject, row_id, given["custom_fields"])

    def _remove(self, call: Call, kind: Collection, row: Row) -> None:
        self._rules[kind.name].remove(call, row)
        if call.records.get(kind.name, row["id"]) is None:
            for collection in ("external_references", "custom_field_values"):
                for each in call.records.where(collection, "subject_id", row["id"]):
                    if each["subject_type"] == kind.subject:
                        call.records.remove(collection, each["id"])

    def _own(self, call: Call, kind: Collection, row_id: str) -> Row:
        row = call.records.get(kind.name, row_id)
        if row is None or not self.answers.sees(call, kind.name, row):
            raise not_found(kind.subject)
        return row
