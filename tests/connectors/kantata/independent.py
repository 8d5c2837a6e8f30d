"""A client of the Kantata OX API written from its public description alone; it shares no line with the product.

It behaves as the public clients do: it asks `/users/me.json` when it connects, ends its addresses in `.json`, sends
nested forms by default (as the vendor's Ruby gem does) or JSON, reads `results` for the order and follows pages to the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests


class InvalidRequest(Exception):
    """The `errors` of an answer, whatever its status."""

    def __init__(self, status: int, errors: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(each["message"] for each in errors))
        self.status = status
        self.errors = errors


class OxClient:
    def __init__(self, token: str, endpoint: str, *, use_json: bool = False) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.use_json = use_json
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = f"Bearer {token}"
        self.http.headers["Accept"] = "application/json"
        self.me = self.records(self.call("GET", "users/me"))[0]

    # -- the gem's five verbs

    def where(self, collection: str, **filters: Any) -> list[dict[str, Any]]:
        return [each for page in self.each_page(collection, **filters) for each in page]

    def each_page(self, collection: str, per_page: int = 200, **filters: Any) -> Iterator[list[dict[str, Any]]]:
        number, passed = 1, 0
        while True:
            answer = self.call("GET", collection, params={**filters, "page": number, "per_page": per_page})
            batch = self.records(answer)
            yield batch
            passed, number = passed + len(batch), number + 1
            if not batch or passed >= answer["count"]:
                assert answer["meta"]["page_count"] == number - 1 or not batch
                return

    def show(self, collection: str, record: str, **params: Any) -> dict[str, Any]:
        return self.records(self.call("GET", f"{collection}/{record}", params=params))[0]

    def create(self, collection: str, attributes: dict[str, Any], **params: Any) -> dict[str, Any]:
        return self.records(self.call("POST", collection, {singular(collection): attributes, **params}))[0]

    def bulk_create(self, collection: str, models: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return self.records(self.call("POST", collection, {collection: models}))

    def update(self, collection: str, record: str, attributes: dict[str, Any]) -> dict[str, Any]:
        return self.records(self.call("PUT", f"{collection}/{record}", {singular(collection): attributes}))[0]

    def delete(self, collection: str, record: str) -> None:
        self.call("DELETE", f"{collection}/{record}")

    # -- underneath

    def call(self, method: str, path: str, body: Any = None, params: dict[str, Any] | None = None) -> Any:
        sent: dict[str, Any] = {"params": params}
        if body is not None:
            sent |= {"json": body} if self.use_json else {"data": list(nested(body))}
        response = self.http.request(method, f"{self.endpoint}/{path}.json", timeout=10, **sent)
        if response.status_code == 204:
            assert response.content == b""
            return None
        answer = response.json()
        if "errors" in answer:
            raise InvalidRequest(response.status_code, answer["errors"])
        assert response.status_code == 200, "a creation is answered with 200 as well"
        return answer

    @staticmethod
    def records(answer: dict[str, Any]) -> list[dict[str, Any]]:
        found = [answer[each["key"]][each["id"]] for each in answer["results"]]
        assert all(isinstance(each["id"], str) for each in found), "ids are strings"
        return found


def singular(collection: str) -> str:
    return {"stories": "story", "time_entries": "time_entry"}.get(collection, collection.removesuffix("s"))


def nested(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """`workspace[participations][][user_id]=5`, the way Rails reads it."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from nested(child, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, list):
        for child in value:
            yield from nested(child, f"{name}[]")
    elif isinstance(value, bool):
        yield name, str(value).lower()
    else:
        yield name, "" if value is None else str(value)
