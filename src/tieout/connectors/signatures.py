"""How a call proves who made it: an HMAC over its raw bytes, compared in constant time; a connector only says which one.

What was signed are bytes, so nothing is decoded or parsed before the signature is right. Standard Webhooks is here ready to
use. How other systems differ is data alone. The tests hold each line against an example that the vendor published; Frappe
publishes none, so its example is computed by ourselves from what its source does:

| system | header | message | besides |
|---|---|---|---|
| GitHub | x-hub-signature-256 | `{body}` | prefix `sha256=` |
| Slack | x-slack-signature | `v0:{moment}:{body}` | prefix `v0=`, moment in x-slack-request-timestamp |
| Stripe | stripe-signature | `{moment}.{body}` | parts with `,` in between: prefix `v1=`, moment `t=` |
| Frappe | x-frappe-webhook-signature | `{body}` | base64 |

Sources: standard-webhooks `spec/standard-webhooks.md`; docs.github.com "Validating webhook deliveries"; api.slack.com
"Verifying requests from Slack"; stripe-python `_webhook.py`; frappe `integrations/doctype/webhook/webhook.py`.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from tieout.connectors.contract import WebhookRefused

# Enough for a slow network and two clocks that disagree, too little to collect calls and play them back later.
TOLERANCE = timedelta(minutes=5)
# A sender that replaces its secret signs with the old one and the new one; many signatures are an attempt to guess.
_MOST = 8
_MOMENT = re.compile(r"[0-9]{1,11}")
_PLACE = re.compile(r"\{(id|moment|body)\}")


@dataclass(frozen=True, slots=True)
class Hmac:
    """One way to sign with HMAC-SHA256.

    `keys` are the secrets that count: two while one is being replaced. `message` is what is signed, with `{id}`, `{moment}`
    and `{body}` in their places. `header` holds the signature behind `prefix`, or several parts with `between` in between.
    `moment` names the header with the seconds of Unix time or, when it ends with `=`, the part of `header` that has them;
    `id` names the header with the sender's own id of the call. Names of headers are lower case, here and in `verify`.
    """

    keys: tuple[bytes, ...] = field(repr=False)
    header: str
    message: str = "{body}"
    prefix: str = ""
    between: str = ""
    written: Literal["hex", "base64"] = "hex"
    moment: str = ""
    id: str = ""
    tolerance: timedelta = TOLERANCE

    def __post_init__(self) -> None:
        signed = set(_PLACE.findall(self.message))
        if "body" not in signed or not self.keys or not all(self.keys):
            raise ValueError("a signature covers the body, with a key that is not empty")
        if bool(self.moment) != ("moment" in signed) or bool(self.id) != ("id" in signed):
            raise ValueError("a moment or an id that is not signed proves nothing")

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """The sender's own id of the call, empty where the scheme has none. Raises WebhookRefused."""
        given = headers.get(self.header, "")
        parts = [each.strip() for each in given.split(self.between)] if self.between else [given]
        moment, call = self._moment(headers, parts), headers.get(self.id, "") if self.id else ""
        if self.moment and not (
            _MOMENT.fullmatch(moment) and abs(now.timestamp() - int(moment)) <= self.tolerance.total_seconds()
        ):
            raise WebhookRefused(f"the moment in {self.moment} is missing, too long ago, or in the future")
        if self.id and not call:
            raise WebhookRefused(f"{self.id} is missing")
        expected = self._expected(call, moment, body)
        signatures = [each[len(self.prefix) :].encode() for each in parts if each.startswith(self.prefix)][:_MOST]
        right = [hmac.compare_digest(each, one) for each in signatures for one in expected]  # all of them, always
        if not any(right):
            raise WebhookRefused("the signature is missing or wrong")
        return call

    def _moment(self, headers: Mapping[str, str], parts: Sequence[str]) -> str:
        if not self.moment.endswith("="):
            return headers.get(self.moment, "")
        found = [each[len(self.moment) :] for each in parts if each.startswith(self.moment)]
        return found[0] if len(found) == 1 else ""

    def _expected(self, call: str, moment: str, body: bytes) -> list[bytes]:
        """The right signature for each key, as the header would have it."""
        values = {"id": call.encode(), "moment": moment.encode(), "body": body}
        told = _PLACE.split(self.message)  # a text, the name of a place, a text, …
        message = b"".join(values[each] if place % 2 else each.encode() for place, each in enumerate(told))
        digests = [hmac.digest(key, message, "sha256") for key in self.keys]
        return [each.hex().encode() if self.written == "hex" else base64.b64encode(each) for each in digests]


def standard_webhooks(*secrets: str) -> Hmac:
    """The scheme of standardwebhooks.com with symmetric secrets (`whsec_` and base64). Raises ValueError for others."""
    return Hmac(
        keys=tuple(base64.b64decode(each.removeprefix("whsec_"), validate=True) for each in secrets),
        header="webhook-signature",
        message="{id}.{moment}.{body}",
        prefix="v1,",
        between=" ",
        written="base64",
        moment="webhook-timestamp",
        id="webhook-id",
    )
