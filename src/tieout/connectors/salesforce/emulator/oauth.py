"""OAuth at /services/oauth2: client credentials, JWT bearer and passwords become tokens; tokens tell whose they are."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import extract_compact

from tieout.connectors.salesforce.emulator.calls import Reply
from tieout.connectors.salesforce.emulator.failures import Refusal
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.sessions import ConnectedApp, Session, Sessions

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_ASSERTION = timedelta(minutes=5)


class OAuthError(Exception):
    """A refused token request: OAuth answers with an object, not with the array of the data API."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.reply = Reply(400, {"error": error, "error_description": description})


class OAuth:
    """The token endpoint and what stands beside it.

    `wall_clock` judges assertions: their `exp` comes from the client's own clock, not from the story's.
    """

    def __init__(
        self,
        records: Records,
        sessions: Sessions,
        public_url: Callable[[], str],
        login_hosts: tuple[str, ...],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._records = records
        self._sessions = sessions
        self._public_url = public_url
        self._audiences = login_hosts
        self._wall_clock = wall_clock

    def token(self, form: Mapping[str, str], authorization: str) -> Reply:
        """200 with a token. Raises OAuthError."""
        match form.get("grant_type"):
            case "client_credentials":
                app, user = self._client_credentials(form, authorization)
            case "password":
                app, user = self._password(form)
            case str() as grant if grant == JWT_BEARER:
                app, user = self._assertion(form.get("assertion", ""))
            case _:
                raise OAuthError("unsupported_grant_type", "grant type not supported")
        if not user["IsActive"]:
            raise OAuthError("inactive_user", "user is inactive")
        return Reply(200, self._granted(app, user))

    def _client_credentials(self, form: Mapping[str, str], authorization: str) -> tuple[ConnectedApp, Row]:
        client_id, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        app = self._app(client_id, secret)
        user = self._sessions.user(app.run_as or "")
        if user is None:
            raise OAuthError("invalid_grant", "no client credentials user enabled")
        return app, user

    def _password(self, form: Mapping[str, str]) -> tuple[ConnectedApp, Row]:
        app = self._app(form.get("client_id", ""), form.get("client_secret", ""))
        username = form.get("username", "")
        user = self._sessions.user(username)
        if user is None or not self._sessions.password_fits(username, form.get("password", "")):
            raise OAuthError("invalid_grant", "authentication failure")
        return app, user

    def _app(self, client_id: str, secret: str) -> ConnectedApp:
        app = self._sessions.app(client_id)
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if not app.client_secret or not hmac.compare_digest(app.client_secret, secret):
            raise OAuthError("invalid_client", "invalid client credentials")
        return app

    def _assertion(self, assertion: str) -> tuple[ConnectedApp, Row]:
        app, claims = self._verified(assertion)
        audience: Any = claims.get("aud")
        if audience not in (*self._audiences, self._public_url()):
            raise OAuthError("invalid_grant", "audience is invalid")
        self._in_time(claims.get("exp"))
        username = str(claims.get("sub", ""))
        user = self._sessions.user(username)
        if user is None or (app.approved is not None and username not in app.approved):
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        return app, user

    def _verified(self, assertion: str) -> tuple[ConnectedApp, dict[str, Any]]:
        """The claims, and the app whose key they are signed with."""
        app = self._sessions.app(_issuer(assertion))
        if app is None or app.public_key is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        try:
            token = jwt.decode(assertion, RSAKey.import_key(app.public_key), algorithms=["RS256"])
        except (JoseError, ValueError) as wrong:
            raise OAuthError("invalid_grant", "invalid assertion") from wrong
        return app, token.claims

    def _in_time(self, expires: Any) -> None:
        """Some clients write `exp` as a string; both are understood."""
        try:
            left = float(expires) - self._wall_clock().timestamp()
        except (TypeError, ValueError) as wrong:
            raise OAuthError("invalid_grant", "expired authorization code") from wrong
        if not 0 < left <= _LONGEST_ASSERTION.total_seconds():
            raise OAuthError("invalid_grant", "expired authorization code")

    def _granted(self, app: ConnectedApp, user: Row) -> dict[str, str]:
        session = self._sessions.open(user, app.name)
        identity = self.identity_url(user["Id"])
        issued_at = str(int(self._records.now().timestamp() * 1000))
        digest = hmac.new(
            (app.client_secret or app.client_id).encode(), (identity + issued_at).encode(), hashlib.sha256
        )
        return {
            "access_token": session.token,
            "instance_url": self._public_url(),
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
            "signature": base64.b64encode(digest.digest()).decode(),
            "scope": "api",
        }

    # -- beside the token

    def identity_url(self, user_id: str) -> str:
        return f"{self._public_url()}/id/{self._sessions.organization['Id']}/{user_id}"

    def revoke(self, token: str) -> Reply:
        if not self._sessions.close(token):
            return Reply(
                400, {"error": "unsupported_token_type", "error_description": "this token type is not supported"}
            )
        return Reply(200)

    def introspect(self, form: Mapping[str, str], authorization: str) -> Reply:
        client_id, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        self._app(client_id, secret)
        try:
            session = self._sessions.find(form.get("token", ""))
        except Refusal:
            return Reply(200, {"active": False})
        user = self._sessions.user_by_id(session.user_id)
        return Reply(200, {"active": True, "scope": "api", "username": user["Username"], "token_type": "access_token"})

    def userinfo(self, session: Session) -> Reply:
        user = self._sessions.user_by_id(session.user_id)
        return Reply(
            200,
            {
                "sub": self.identity_url(user["Id"]),
                "user_id": user["Id"],
                "organization_id": self._sessions.organization["Id"],
                "preferred_username": user["Username"],
                "nickname": user.get("Alias"),
                "name": user["Name"],
                "email": user["Email"],
                "email_verified": True,
                "given_name": user.get("FirstName"),
                "family_name": user["LastName"],
                "zoneinfo": user.get("TimeZoneSidKey"),
                "active": user["IsActive"],
                "user_type": "STANDARD",
                "language": user.get("LanguageLocaleKey"),
                "locale": user.get("LocaleSidKey"),
                "urls": self._urls(),
            },
        )

    def identity(self, session: Session) -> Reply:
        user = self._sessions.user_by_id(session.user_id)
        return Reply(
            200,
            {
                "id": self.identity_url(user["Id"]),
                "asserted_user": True,
                "user_id": user["Id"],
                "organization_id": self._sessions.organization["Id"],
                "username": user["Username"],
                "display_name": user["Name"],
                "email": user["Email"],
                "active": user["IsActive"],
                "timezone": user.get("TimeZoneSidKey"),
                "urls": self._urls(),
            },
        )

    def _urls(self) -> dict[str, str]:
        base = self._public_url()
        return {
            "rest": f"{base}/services/data/v{{version}}/",
            "sobjects": f"{base}/services/data/v{{version}}/sobjects/",
            "query": f"{base}/services/data/v{{version}}/query/",
            "partner": f"{base}/services/Soap/u/{{version}}/{self._sessions.organization['Id']}",
        }


def _basic(authorization: str) -> tuple[str, str] | None:
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as wrong:
        raise OAuthError("invalid_client", "invalid client credentials") from wrong
    return client_id, secret


def _issuer(assertion: str) -> str:
    """The `iss` of an assertion whose signature nobody has checked yet."""
    try:
        return str(json.loads(extract_compact(assertion.encode()).payload)["iss"])
    except (JoseError, ValueError, KeyError, TypeError) as wrong:
        raise OAuthError("invalid_grant", "invalid assertion") from wrong
