"""What a person would do in the account's settings, as routes below /_sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tieout.connectors.kantata.emulator.events import Events
from tieout.connectors.kantata.emulator.failures import Refusal, not_found
from tieout.connectors.kantata.emulator.founding import (
    KantataExchangeRate,
    KantataField,
    KantataRateCard,
    KantataTemplate,
    KantataUser,
    RateVersion,
    TemplateTask,
    add_exchange_rate,
    add_field,
    add_rate_card,
    add_template,
    add_user,
)
from tieout.connectors.kantata.emulator.limits import Limits
from tieout.connectors.kantata.emulator.oauth import OAuth
from tieout.connectors.kantata.emulator.records import Records
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import JsonObject, read_body

Act = Callable[[JsonObject], Any]


class Administration:
    """Routes without a token: they stand for the person who owns the sandbox, on this machine only."""

    def __init__(self, records: Records, oauth: OAuth, events: Events, limits: Limits) -> None:
        self._records = records
        self._oauth = oauth
        self._events = events
        self._limits = limits

    def routes(self) -> list[Route]:
        return [
            self._route("/_sandbox/login-as", "POST", self._login_as),
            self._route("/_sandbox/tokens", "DELETE", self._revoke),
            self._route("/_sandbox/users", "POST", self._user),
            self._route("/_sandbox/users", "PUT", self._disable),
            self._route("/_sandbox/templates", "POST", self._template),
            self._route("/_sandbox/rate-cards", "POST", self._rate_card),
            self._route("/_sandbox/custom-fields", "POST", self._field),
            self._route("/_sandbox/exchange-rates", "POST", self._exchange_rate),
            self._route("/_sandbox/limits", "PUT", self._limit),
            self._route("/_sandbox/lock", "PUT", self._lock),
            self._route("/_sandbox/events/deliver", "POST", self._deliver),
        ]

    def _login_as(self, body: JsonObject) -> Any:
        """A token of any user: {email} → {access_token, user_id}."""
        user = self._named(body)
        return {"access_token": self._oauth.token_of(user), "user_id": user["id"]}

    def _revoke(self, body: JsonObject) -> Any:
        """Takes away the tokens of {email}, or of everybody."""
        return {"revoked": self._oauth.revoke(self._named(body)["id"] if "email" in body else None)}

    def _user(self, body: JsonObject) -> Any:
        for name in ("bill_rate", "cost_rate"):
            body[name] = Decimal(str(body.get(name, 0)))
        user = add_user(self._records, KantataUser(**body))
        return {"id": user["id"], "access_token": self._oauth.token_of(user)}

    def _disable(self, body: JsonObject) -> Any:
        """{email, disabled}: who has left can no longer log in."""
        user = self._named(body)
        self._records.change("users", user["id"], disabled=bool(body.get("disabled", True)))
        return {"id": user["id"]}

    def _template(self, body: JsonObject) -> Any:
        tasks = [
            TemplateTask(each["title"], each["role"], Decimal(str(each["hours"])), each.get("billable", True))
            for each in body.pop("tasks")
        ]
        return {"id": add_template(self._records, KantataTemplate(tasks=tasks, **body), self._owner())["id"]}

    def _rate_card(self, body: JsonObject) -> Any:
        versions = [
            RateVersion(
                date.fromisoformat(each["effective"]),
                {role: Decimal(str(rate)) for role, rate in each["rates"].items()},
            )
            for each in body["versions"]
        ]
        return {"id": add_rate_card(self._records, KantataRateCard(body["title"], body["currency"], versions))["id"]}

    def _field(self, body: JsonObject) -> Any:
        return {"id": add_field(self._records, KantataField(**body), self._owner())["id"]}

    def _exchange_rate(self, body: JsonObject) -> Any:
        """{source, target, rate, effective}: units of the target currency for one of the source, from a day on."""
        effective = date.fromisoformat(str(body["effective"]))
        rate = Decimal(str(body["rate"]))
        add_exchange_rate(self._records, KantataExchangeRate(str(body["source"]), str(body["target"]), rate, effective))
        return body

    def _limit(self, body: JsonObject) -> Any:
        """{requests_per_minute, own_per_minute}, null for none."""
        self._limits.requests = body.get("requests_per_minute")
        self._limits.own = body.get("own_per_minute")
        return {"requests_per_minute": self._limits.requests, "own_per_minute": self._limits.own}

    def _lock(self, body: JsonObject) -> Any:
        """{workspace_id, lock_date}: time and expenses of that day and before can no longer be changed."""
        if self._records.get("workspaces", str(body.get("workspace_id"))) is None:
            raise not_found("Workspace")
        day = body.get("lock_date")
        locked = None if day is None else date.fromisoformat(day).isoformat()
        self._records.change("workspaces", str(body["workspace_id"]), lock_date=locked)
        return {"lock_date": locked}

    def _deliver(self, body: JsonObject) -> Any:
        return {"delivered": self._events.deliver()}

    def _named(self, body: JsonObject) -> Row:
        user = self._records.first("users", email_address=str(body.get("email", "")))
        if user is None:
            raise not_found("User")
        return user

    def _owner(self) -> Row:
        return next(self._records.all("users"))

    def _route(self, path: str, method: str, act: Act) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                body = read_body(await request.body(), "application/json")
                with self._records.request():
                    return JSONResponse(act(body))
            except Refusal as refused:
                return JSONResponse(refused.body(), refused.status)
            except (KeyError, ValueError, TypeError, ArithmeticError) as wrong:
                message = f"{type(wrong).__name__}: {wrong}"
                return JSONResponse({"errors": [{"type": "system", "message": message}]}, 400)

        answer: Callable[[Request], Awaitable[Response]] = endpoint
        return Route(path, answer, methods=[method])
