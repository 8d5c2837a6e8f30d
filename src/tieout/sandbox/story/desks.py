"""The tools people sit at: a browser for Salesforce and an app for Kantata, each with the login of its user."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

import httpx2

_DATA = "/services/data/v60.0"
# Called before every change, so that no two of them happen in the same second.
Tick = Callable[[], object]


class Refused(Exception):
    """A system did not take what a person asked of it; the words are the system's own."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"HTTP {status}: {words}")
        self.status = status


class SalesDesk:
    """Salesforce as a salesperson uses it: logs in with name and password, and again when the session has ended."""

    def __init__(
        self, http: httpx2.AsyncClient, tick: Tick, *, app: tuple[str, str], username: str, password: str
    ) -> None:
        self.username = username
        self._http = http
        self._tick = tick
        self._login = {
            "grant_type": "password",
            "client_id": app[0],
            "client_secret": app[1],
            "username": username,
            "password": password,
        }
        self._token = ""

    async def rows(self, soql: str) -> list[dict[str, Any]]:
        answer = await self._call("GET", f"{_DATA}/query", params={"q": soql})
        rows: list[dict[str, Any]] = answer["records"]
        while not answer["done"]:
            answer = await self._call("GET", answer["nextRecordsUrl"])
            rows += answer["records"]
        return rows

    async def create(self, entity: str, facts: Mapping[str, Any]) -> str:
        return (await self._call("POST", f"{_DATA}/sobjects/{entity}", json=dict(facts)))["id"]

    async def change(self, entity: str, record: str, facts: Mapping[str, Any]) -> None:
        await self._call("PATCH", f"{_DATA}/sobjects/{entity}/{record}", json=dict(facts))

    async def remove(self, entity: str, record: str) -> None:
        await self._call("DELETE", f"{_DATA}/sobjects/{entity}/{record}")

    async def merge_accounts(self, master: str, loser: str) -> None:
        """REST has no merge; the page behind the button uses SOAP."""
        self._tick()
        await self._log_in()
        envelope = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:p="urn:partner.soap.sforce.com"'
            ' xmlns:s="urn:sobject.partner.soap.sforce.com">'
            f"<e:Header><p:SessionHeader><p:sessionId>{escape(self._token)}</p:sessionId></p:SessionHeader></e:Header>"
            "<e:Body><p:merge><p:request>"
            f"<p:masterRecord><s:type>Account</s:type><s:Id>{master}</s:Id></p:masterRecord>"
            f"<p:recordToMergeIds>{loser}</p:recordToMergeIds>"
            "</p:request></p:merge></e:Body></e:Envelope>"
        )
        headers = {"Content-Type": "text/xml", "SOAPAction": '""'}
        answer = await self._http.post("/services/Soap/u/60.0", content=envelope, headers=headers)
        if answer.status_code != 200 or "<success>true</success>" not in answer.text:
            raise Refused(answer.status_code, answer.text[:300])

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        if method != "GET":
            self._tick()
        if not self._token:
            await self._log_in()
        answer = await self._send(method, path, **options)
        if answer.status_code == 401:
            await self._log_in()
            answer = await self._send(method, path, **options)
        if answer.status_code >= 300:
            raise Refused(answer.status_code, answer.text[:300])
        return answer.json() if answer.content else None

    async def _send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return await self._http.request(method, path, headers={"Authorization": f"Bearer {self._token}"}, **options)

    async def _log_in(self) -> None:
        answer = await self._http.post("/services/oauth2/token", data=self._login)
        if answer.status_code != 200:
            raise Refused(answer.status_code, answer.text[:300])
        self._token = answer.json()["access_token"]


class WorkDesk:
    """Kantata as somebody uses it who delivers: one token for ever, lists in pages."""

    def __init__(self, http: httpx2.AsyncClient, tick: Tick, *, token: str) -> None:
        self._http = http
        self._tick = tick
        self._headers = {"Authorization": f"Bearer {token}"}
        self._me = ""

    async def me(self) -> str:
        """The user's id."""
        if not self._me:
            answer = await self._call("GET", "users/me")
            self._me = answer["results"][0]["id"]
        return self._me

    async def all(self, collection: str, **asked: str) -> list[dict[str, Any]]:
        """Every record of a list, in the order of the answer."""
        return (await self.all_with(collection, "", **asked))[0]

    async def all_with(
        self, collection: str, beside: str, **asked: str
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Every record of a list, and those of another one that came with them."""
        found: list[dict[str, Any]] = []
        others: dict[str, dict[str, Any]] = {}
        page, pages = 1, 1
        while page <= pages:
            params = {**asked, "per_page": "200", "page": str(page)}
            answer = await self._call("GET", collection, params=params)
            found += [answer[collection][each["id"]] for each in answer["results"]]
            others |= answer.get(beside, {})
            page, pages = page + 1, answer["meta"]["page_count"]
        return found, list(others.values())

    async def create(self, collection: str, singular: str, facts: Mapping[str, Any]) -> str:
        answer = await self._call("POST", collection, json={singular: dict(facts)})
        return answer["results"][0]["id"]

    async def create_all(self, collection: str, several: Sequence[Mapping[str, Any]]) -> list[str]:
        answer = await self._call("POST", collection, json={collection: [dict(each) for each in several]})
        return [each["id"] for each in answer["results"]]

    async def change(self, collection: str, singular: str, record: str, facts: Mapping[str, Any]) -> None:
        await self._call("PUT", f"{collection}/{record}", json={singular: dict(facts)})

    async def delete(self, collection: str, record: str) -> None:
        await self._call("DELETE", f"{collection}/{record}")

    async def resolve(self, submission: str, verb: str, words: str, collection: str = "timesheet_submissions") -> None:
        """`approve`, `reject` or `cancel` a timesheet, or a report of expenses."""
        body = {"resolution": {"description": words}}
        await self._call("PUT", f"{collection}/{submission}/{verb}", json=body)

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        if method != "GET":
            self._tick()
        answer = await self._http.request(method, f"/api/v1/{path}.json", headers=self._headers, **options)
        if answer.status_code >= 300:
            raise Refused(answer.status_code, answer.text[:300])
        return answer.json() if answer.content else None
