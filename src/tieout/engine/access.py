"""Lets people and programs in: access tokens for the API, sessions for browsers, both 256 random bits kept as a hash."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from tieout.domain.access import Actor, roles_of
from tieout.engine.operator import Refused, Unknown
from tieout.engine.run import Clock
from tieout.store import access, audit, firm
from tieout.store.database import Database, Tx
from tieout.store.scope import scope, widen

# Secret scanners find a token that was committed by mistake by its beginning.
_TOKEN = "tieout_"  # noqa: S105 - a prefix, not a secret
_SESSION = "tieout_session_"
_LIFETIME = timedelta(days=90)
_LONGEST = timedelta(days=366)
_SESSION_LIFETIME = timedelta(hours=12)
_IDLE = timedelta(hours=2)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


class Access:
    """Issues, knows and ends what opens the door. A secret is shown once, when it is made, and never again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def issue(
        self, *, name: str, email: str, roles: Iterable[str], actor: str, lifetime: timedelta = _LIFETIME,
        entities: Iterable[str] | None = None,
    ) -> str:  # fmt: skip
        """A new access token. Raises Refused when name, address, roles, entities or lifetime cannot be right.

        `entities` are the legal entities whose books it shows, None is every one. Whoever has a scope gives no wider one.
        """
        name, email = name.strip(), email.strip().lower()
        if not name or len(name) > 200 or not _EMAIL.fullmatch(email):
            raise Refused("An access token belongs to a person: give a name and an e-mail address.")
        if not timedelta(0) < lifetime <= _LONGEST:
            raise Refused(f"An access token lives for up to {_LONGEST.days} days.")
        try:
            allowed = sorted(roles_of(roles))
        except ValueError as wrong:
            raise Refused(f"{wrong}.") from wrong
        secret, now = _TOKEN + secrets.token_urlsafe(32), self._clock()
        async with self._database.transaction() as tx:
            scope = await _scope(tx, entities)
            await widen(tx)
            number = await access.add_token(
                tx, hashed(secret), name=name, email=email, roles=allowed, entities=scope, issued_by=actor, now=now,
                expires_at=now + lifetime,
            )  # fmt: skip
            given = {"email": email, "roles": allowed, **({} if scope is None else {"entities": scope})}
            await audit.append(tx, actor, "access.issue", f"access token {number}", given, now)
        return secret

    async def tokens(self) -> list[dict[str, Any]]:
        """Every token with its owner, roles, last use and end; never the secret or its hash."""
        async with self._database.transaction() as tx:
            return await access.tokens(tx)

    async def revoke(self, token_id: int, *, actor: str) -> None:
        """Ends a token and the sessions opened with it, at once."""
        now = self._clock()
        async with self._database.transaction() as tx:
            if not await access.revoke(tx, token_id, actor, now):
                raise Unknown(f"There is no valid access token {token_id}.")
            await widen(tx)
            await audit.append(tx, actor, "access.revoke", f"access token {token_id}", {}, now)

    async def identify(self, token: str) -> Actor | None:
        """Who carries an access token; None when it is unknown, expired or revoked."""
        if not token.startswith(_TOKEN) or token.startswith(_SESSION):
            return None
        async with self._database.transaction() as tx:
            return _actor(await access.token(tx, hashed(token), self._clock()))

    async def sign_in(self, token: str) -> tuple[str, Actor] | None:
        """Opens a browser's session with an access token: a new secret at every sign-in, never the token itself."""
        if not token.startswith(_TOKEN) or token.startswith(_SESSION):
            return None
        now, secret = self._clock(), _SESSION + secrets.token_urlsafe(32)
        async with self._database.transaction() as tx:
            found = await access.token(tx, hashed(token), now)
            actor = _actor(found)
            if found is None or actor is None:
                return None
            await access.open_session(tx, hashed(secret), found["id"], now=now, expires_at=now + _SESSION_LIFETIME)
            await audit.append(tx, actor.email, "access.sign_in", f"access token {found['id']}", {}, now)
        return secret, actor

    async def identify_session(self, secret: str) -> Actor | None:
        """Who is behind a session; None when it was closed, is too old, lay idle, or its token has ended."""
        if not secret.startswith(_SESSION):
            return None
        now = self._clock()
        async with self._database.transaction() as tx:
            return _actor(await access.session(tx, hashed(secret), now, now - _IDLE))

    async def sign_out(self, secret: str) -> None:
        async with self._database.transaction() as tx:
            await access.close_session(tx, hashed(secret), self._clock())


def hashed(secret: str) -> str:
    """SHA-256 is enough for 256 random bits: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _actor(found: dict[str, Any] | None) -> Actor | None:
    if found is None:
        return None
    entities = None if found["entities"] is None else frozenset(found["entities"])
    return Actor(found["name"], found["email"], roles_of(found["roles"]), entities)


async def _scope(tx: Tx, entities: Iterable[str] | None) -> list[str] | None:
    """The legal entities of a new token; of whoever has a scope themselves, some of their own."""
    known = [each["code"] for each in await firm.entities(tx)]
    if entities is None:
        if scope() is not None:
            raise Refused(f"Say of which legal entities: you may give {', '.join(known)}.")
        return None
    wanted = sorted(set(entities))
    if not wanted:
        raise Refused(f"Legal entities are some of {', '.join(known)}.")
    if unknown := [each for each in wanted if each not in known]:
        raise Unknown(f"There is no legal entity {', '.join(unknown)}; there are {', '.join(known)}.")
    return wanted
