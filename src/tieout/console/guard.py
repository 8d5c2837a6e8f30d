"""What every answer carries and every change must prove: security headers, and that the form was ours."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


# More than any form has, and room for a file of usage as a form writes it.
MOST = 4_000_000


class SecurityHeaders:
    """Adds the headers to every answer of the console; pages are never kept in a shared or a disk cache."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
                if scope.get("scheme") == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def form_token(secret: str) -> str:
    """The hidden field of every form, bound to the session's own secret, which no other site can read."""
    return hmac.new(secret.encode(), b"tieout form", hashlib.sha256).hexdigest()


def fits(request: Request) -> bool:
    """Whether a change says how long it is, as browsers do, and is no longer than it may be."""
    declared = request.headers.get("content-length", "")
    return declared.isdecimal() and int(declared[:20]) <= MOST


def is_ours(request: Request, *, token: str, secret: str) -> bool:
    """Whether a change was asked for by a page of this console: by origin and by token, both."""
    return _same_origin(request) and hmac.compare_digest(token.encode(), form_token(secret).encode())


def _same_origin(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    if origin is not None:
        parts = urlsplit(origin)
        return (parts.scheme, parts.netloc) == (request.url.scheme, request.headers.get("host", ""))
    return site == "same-origin"
