"""Who is calling: users with passwords, connected apps with secrets or keys, and the tokens given to them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tieout.connectors.salesforce.emulator.failures import session_expired
from tieout.connectors.salesforce.emulator.records import Records, Row

# A session ends when it has not been used for this long.
IDLE = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class OrgUser:
    """A person or an integration who may log in. Older clients append the security token to the password."""

    username: str
    last_name: str
    first_name: str = ""
    email: str = ""
    password: str = field(default="", repr=False)
    security_token: str = field(default="", repr=False)
    profile: str = "Standard User"
    time_zone: str = "America/New_York"
    currency: str | None = None
    employee_number: str | None = None


@dataclass(frozen=True, slots=True)
class ConnectedApp:
    """An OAuth client. `run_as` is the user of client credentials; `public_key` (PEM) verifies JWT assertions, which
    may be for `approved` users only (None: everybody).
    """

    client_id: str
    client_secret: str = field(default="", repr=False)
    name: str = "Connected App"
    run_as: str | None = None
    public_key: str | None = None
    approved: frozenset[str] | None = None


@dataclass(slots=True)
class Session:
    token: str
    user_id: str
    app: str
    used: datetime


class Sessions:
    """The org's users and apps by their names, and the sessions that are open."""

    def __init__(
        self, records: Records, users: Sequence[OrgUser], apps: Sequence[ConnectedApp], idle: timedelta = IDLE
    ) -> None:
        self._records = records
        self._idle = idle
        self._people = {each.username.lower(): each for each in users}
        self._apps = {each.client_id: each for each in apps}
        self._open: dict[str, Session] = {}

    @property
    def organization(self) -> Row:
        return next(iter(self._records.all(self._records.schema["Organization"])))

    def app(self, client_id: str) -> ConnectedApp | None:
        return self._apps.get(client_id)

    def user(self, username: str) -> Row | None:
        """The user's record, active or not."""
        found = self._records.live(self._records.schema["User"], "Username", username)
        return found[0] if found else None

    def user_by_id(self, user_id: str) -> Row:
        row = self._records.get(self._records.schema["User"], user_id)
        assert row is not None, "a session belongs to a user, and users are never deleted"
        return row

    def password_fits(self, username: str, password: str) -> bool:
        """Plain password, or password and security token in one, as both are accepted from a trusted network."""
        person = self._people.get(username.lower())
        if person is None or not person.password:
            return False
        return password in (person.password, person.password + person.security_token)

    def open(self, user: Row, app: str) -> Session:
        token = f"{self.organization['Id'][:15]}!AQ{secrets.token_urlsafe(60)}"
        session = Session(token, user["Id"], app, self._records.now())
        self._open[token] = session
        return session

    def find(self, token: str) -> Session:
        """The open session of a token, used just now. Raises Refusal (401 INVALID_SESSION_ID)."""
        session = self._open.get(token)
        now = self._records.now()
        if session is None or now - session.used > self._idle or not self.user_by_id(session.user_id)["IsActive"]:
            self._open.pop(token, None)
            raise session_expired()
        session.used = max(session.used, now)
        return session

    def close(self, token: str) -> bool:
        return self._open.pop(token, None) is not None

    def close_all(self) -> int:
        """Every token is refused from now on; how many there were."""
        count = len(self._open)
        self._open.clear()
        return count
