"""Bearer tokens of users, which do not expire by themselves, and the exchange of a code for one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from tieout.connectors.kantata.emulator.failures import not_oauth
from tieout.connectors.kantata.emulator.records import Records
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import read_instant, stamp

_CODE_LIVES = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Application:
    """A client that an administrator has registered."""

    client_id: str
    client_secret: str
    redirect_uri: str


class OAuth:
    """Tokens and codes are facts of the account: they outlive a restart."""

    def __init__(self, records: Records, applications: tuple[Application, ...], seed: int) -> None:
        self._records = records
        self._applications = {each.client_id: each for each in applications}
        self._seed = seed

    def token_of(self, user: Row) -> str:
        """The user's token; a new one when theirs was taken away."""
        tokens: dict[str, str] = self._records.fact("tokens", {})
        for token, user_id in tokens.items():
            if user_id == user["id"]:
                return token
        return self.grant(user)

    def grant(self, user: Row, token: str = "") -> str:
        count = self._records.fact("granted", 0) + 1
        made = token or hashlib.sha256(f"{self._seed}:{user['email_address']}:{count}".encode()).hexdigest()
        self._records.set_fact("granted", count)
        self._records.set_fact("tokens", {**self._records.fact("tokens", {}), made: user["id"]})
        return made

    def revoke(self, user_id: str | None = None) -> int:
        """Of one user, or of everybody; how many tokens that were."""
        tokens: dict[str, str] = self._records.fact("tokens", {})
        left = {token: owner for token, owner in tokens.items() if user_id is not None and owner != user_id}
        self._records.set_fact("tokens", left)
        return len(tokens) - len(left)

    def user(self, header: str) -> Row:
        """The user of an `Authorization: Bearer` header. Raises Refusal (401)."""
        kind, _, token = header.partition(" ")
        user_id = self._records.fact("tokens", {}).get(token.strip()) if kind.lower() == "bearer" else None
        user = self._records.get("users", user_id)
        if user is None or user["disabled"]:
            raise not_oauth()
        return user

    # -- authorization code

    def authorize(self, user: Row, params: dict[str, str]) -> str:
        """Where the browser of a user who agrees is sent to, with a code that lives five minutes; empty when the
        application is unknown."""
        application = self._applications.get(params.get("client_id", ""))
        if application is None or params.get("redirect_uri") != application.redirect_uri:
            return ""
        if params.get("response_type") != "code":
            return f"{application.redirect_uri}?{urlencode({'error': 'unsupported_response_type'})}"
        number = self._records.fact("granted", 0) + 1
        self._records.set_fact("granted", number)
        code = hashlib.sha256(f"code:{self._seed}:{number}".encode()).hexdigest()[:32]
        kept = {"user_id": user["id"], "client_id": application.client_id, "at": stamp(self._records.now())}
        self._records.set_fact("codes", {**self._records.fact("codes", {}), code: kept})
        query = {"code": code, **({"state": params["state"]} if "state" in params else {})}
        return f"{application.redirect_uri}?{urlencode(query)}"

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        application = self._applications.get(form.get("client_id", ""))
        if application is None or form.get("client_secret") != application.client_secret:
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed."}
        if form.get("grant_type") != "authorization_code":
            return 400, {"error": "unsupported_grant_type", "error_description": "The grant type is not supported."}
        codes: dict[str, dict[str, str]] = self._records.fact("codes", {})
        found = codes.get(form.get("code", ""))
        granted = read_instant(found["at"]) if found else None
        fresh = granted is not None and self._records.now() - granted <= _CODE_LIVES
        same = (
            found
            and found["client_id"] == application.client_id
            and form.get("redirect_uri") == application.redirect_uri
        )
        if not found or not fresh or not same:
            return 400, {
                "error": "invalid_grant",
                "error_description": "The authorization grant is invalid or expired.",
            }
        self._records.set_fact("codes", {code: each for code, each in codes.items() if each is not found})
        user = self._records.get("users", found["user_id"])
        if user is None:
            return 400, {"error": "invalid_grant", "error_description": "The user is gone."}
        return 200, {"access_token": self.token_of(user), "token_type": "bearer"}
