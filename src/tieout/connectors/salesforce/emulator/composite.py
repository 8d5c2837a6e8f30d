"""Several calls in one: Composite with references, Graph, Batch and Tree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tieout.connectors.salesforce.emulator.calls import Call, Reply, Resource, Router
from tieout.connectors.salesforce.emulator.describing import MAX_BATCH, object_named
from tieout.connectors.salesforce.emulator.failures import Flaw, Refusal, refusal
from tieout.connectors.salesforce.emulator.records import Records
from tieout.connectors.salesforce.emulator.references import resolved
from tieout.connectors.salesforce.emulator.saving import insert
from tieout.connectors.salesforce.emulator.schema import SObject
from tieout.connectors.salesforce.emulator.wire import JsonObject, json_list, json_object

_MOST_CALLS = 25
_MOST_HEAVY_CALLS = 5
_MOST_NODES = 500
_HEAVY = re.compile(r"/services/data/v\d+\.0/(composite/sobjects|query|queryAll)\b")
_HALTED = Flaw(
    "PROCESSING_HALTED", "The transaction was rolled back since another operation in the same transaction failed."
)


class _Undo(Exception):
    """Takes back everything that a composite request did."""


class Composite:
    """/composite and its siblings. Their parts go through the same router as calls of their own."""

    def __init__(self, records: Records, router: Router) -> None:
        self._records = records
        self._router = router

    def resources(self) -> list[Resource]:
        return [
            Resource("/composite", {"POST": self.composite}),
            Resource("/composite/graph", {"POST": self.graph}),
            Resource("/composite/batch", {"POST": self.batch}),
            Resource("/composite/tree/{entity}", {"POST": self.tree}),
        ]

    def composite(self, call: Call) -> Reply:
        body = call.object_body()
        parts = _parts(body, "compositeRequest", _MOST_CALLS)
        if sum(bool(_HEAVY.match(str(each.get("url", "")))) for each in parts) > _MOST_HEAVY_CALLS:
            message = f"No more than {_MOST_HEAVY_CALLS} subrequests can be queries or sObject Collections operations"
            raise refusal("INVALID_INPUT", message)
        answers, _ = self._run(call, parts, all_or_none=body.get("allOrNone") is True)
        return Reply(200, {"compositeResponse": answers})

    def graph(self, call: Call) -> Reply:
        graphs = _parts(call.object_body(), "graphs", _MOST_NODES)
        results: list[JsonObject] = []
        for graph in graphs:
            parts = _parts(graph, "compositeRequest", _MOST_NODES)
            answers, successful = self._run(call, parts, all_or_none=True)
            results.append(
                {
                    "graphId": graph.get("graphId"),
                    "graphResponse": {"compositeResponse": answers},
                    "isSuccessful": successful,
                }
            )
        return Reply(200, {"graphs": results})

    def _run(self, call: Call, parts: Sequence[JsonObject], *, all_or_none: bool) -> tuple[list[JsonObject], bool]:
        """The answers in order, and whether all of them succeeded; if not and all had to, nothing has changed."""
        answers: list[JsonObject] = []
        bodies: dict[str, Any] = {}
        try:
            with self._records.transaction():
                for part in parts:
                    reply = self._part(call, part, bodies)
                    answers.append(_sub_answer(part, reply))
                    if reply.status < 300:
                        bodies[str(part["referenceId"])] = reply.body
                    elif all_or_none:
                        raise _Undo
        except _Undo:
            halted = Reply(400, [_HALTED.as_error()])
            failed_at = len(answers) - 1
            return [
                answers[at] if at == failed_at else _sub_answer(part, halted) for at, part in enumerate(parts)
            ], False
        return answers, len(bodies) == len(parts)

    def _part(self, call: Call, part: JsonObject, bodies: JsonObject) -> Reply:
        try:
            url = str(resolved(part.get("url", ""), bodies))
            headers = {str(name): str(value) for name, value in (json_object(part.get("httpHeaders")) or {}).items()}
            inner = call.within(str(part.get("method", "")), url, resolved(part.get("body"), bodies), headers)
        except Refusal as refused:
            return Reply(refused.status, [each.as_error() for each in refused.flaws])
        return self._router.answer(inner)

    def batch(self, call: Call) -> Reply:
        """Independent calls; each commits on its own, and `haltOnError` skips those after the first failure."""
        body = call.object_body()
        results: list[JsonObject] = []
        halt = False
        for part in _list_of_objects(body, "batchRequests", _MOST_CALLS):
            if halt:
                skipped = Flaw("BATCH_PROCESSING_HALTED", "Processing halted due to an error in a previous request")
                results.append({"statusCode": 412, "result": [skipped.as_error()]})
                continue
            reply = self._batched(call, part)
            results.append({"statusCode": reply.status, "result": reply.body})
            halt = body.get("haltOnError") is True and reply.status >= 400
        return Reply(200, {"hasErrors": any(each["statusCode"] >= 400 for each in results), "results": results})

    def _batched(self, call: Call, part: JsonObject) -> Reply:
        url = str(part.get("url", "")).removeprefix("/services/data").lstrip("/")
        try:
            inner = call.within(str(part.get("method", "")), f"/services/data/{url}", part.get("richInput"))
        except Refusal as refused:
            return Reply(refused.status, [each.as_error() for each in refused.flaws])
        return self._router.answer(inner)

    def tree(self, call: Call, entity: str) -> Reply:
        """Records with their children, all or none."""
        found = object_named(self._records.schema, entity)
        roots = _list_of_objects(call.object_body(), "records", MAX_BATCH)
        planted: list[JsonObject] = []
        try:
            with self._records.transaction():
                for each in roots:
                    self._plant(call, found, each, {}, planted)
        except _TreeFailed as failed:
            return Reply(400, {"hasErrors": True, "results": [failed.result]})
        return Reply(201, {"hasErrors": False, "results": planted})

    def _plant(
        self, call: Call, entity: SObject, node: JsonObject, above: JsonObject, planted: list[JsonObject]
    ) -> None:
        reference = (json_object(node.get("attributes")) or {}).get("referenceId")
        branches = {name: json_object(value) for name, value in node.items() if name != "attributes"}
        lists = {name: value for name, value in branches.items() if value is not None and "records" in value}
        body = {name: value for name, value in node.items() if name not in lists} | above
        try:
            record_id = insert(self._records, entity, body, call.actor)
        except Refusal as refused:
            raise _TreeFailed(reference, refused) from refused
        planted.append({"referenceId": reference, "id": record_id})
        for name, value in lists.items():
            child = self._records.schema.child(entity, name)
            if child is None:
                raise refusal("INVALID_FIELD", f"No such column '{name}' on sobject of type {entity.name}")
            for each in _list_of_objects(value, "records", MAX_BATCH):
                self._plant(call, child.entity, each, {child.field.name: record_id}, planted)


class _TreeFailed(Exception):
    def __init__(self, reference: Any, refused: Refusal) -> None:
        super().__init__(str(refused))
        self.result = {"referenceId": reference, "errors": [each.as_result() for each in refused.flaws]}


def _list_of_objects(body: JsonObject, name: str, most: int) -> list[JsonObject]:
    parts = [json_object(each) for each in json_list(body.get(name)) or ()]
    whole = [each for each in parts if each is not None]
    if not whole or len(whole) != len(parts):
        raise refusal("JSON_PARSER_ERROR", f"{name} must be a list of objects")
    if len(whole) > most:
        raise refusal("LIMIT_EXCEEDED", f"{name}: no more than {most} are allowed in one request")
    return whole


def _parts(body: JsonObject, name: str, most: int) -> list[JsonObject]:
    """The sub-requests, each with a reference id of its own."""
    parts = _list_of_objects(body, name, most)
    if name == "graphs":
        return parts
    references = [str(each.get("referenceId") or "") for each in parts]
    for reference in references:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_]*", reference) or references.count(reference) > 1:
            message = f"Provided referenceId ('{reference}') must start with a letter or a number, hold only letters, "
            raise refusal("INVALID_INPUT", message + "numbers and underscores, and be unique")
    return parts


def _sub_answer(part: JsonObject, reply: Reply) -> JsonObject:
    return {
        "body": reply.body,
        "httpHeaders": dict(reply.headers),
        "httpStatusCode": reply.status,
        "referenceId": part.get("referenceId"),
    }
