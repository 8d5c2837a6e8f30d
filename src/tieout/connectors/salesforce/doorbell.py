"""How an org rings: an Outbound Message, or a signed call from a Flow or from Apex. Who rings is proved, what it says is not believed."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn, cast
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from tieout.connectors.contract import Bell, WebhookRefused
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.signatures import standard_webhooks
from tieout.domain.identity import Ref, digest

# The API puts the last part of the doorbell's address here: an Outbound Message can carry a secret nowhere else.
TOKEN_HEADER = "tieout-token"  # noqa: S105 - the name of a header
_LONGEST = 4 * 1024 * 1024
_MOST_REFS = 200
_OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
_NOTIFICATIONS, _ORGANIZATION = f"{_OUTBOUND}notifications", f"{_OUTBOUND}OrganizationId"
_NOTIFICATION, _NOTIFICATION_ID, _RECORD = (f"{_OUTBOUND}{each}" for each in ("Notification", "Id", "sObject"))
_OBJECT = "{urn:sobject.enterprise.soap.sforce.com}"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
# Which record rings for which document, by the field that names it. What rings otherwise is left to the sweep.
_RINGS = {
    "Opportunity": ("opportunity", f"{_OBJECT}Id"),
    "OpportunityLineItem": ("opportunity", f"{_OBJECT}OpportunityId"),
}
_KINDS = {"opportunity", "account_merge"}
_ACKNOWLEDGED = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)


class SalesforceDoorbell:
    """Believes messages of the configured org only; what is not configured is not believed at all."""

    def __init__(self, name: str, config: SalesforceConfig) -> None:
        self._name = name
        self._organization = config.organization_id[:15].encode()
        self._token = config.doorbell_secret.get_secret_value().encode() if config.doorbell_secret else b""
        secret = config.webhook_secret
        self._signature = standard_webhooks(secret.get_secret_value()) if secret else None

    def answer(self) -> tuple[str, bytes]:
        """The acknowledgement of an Outbound Message; whoever rings otherwise looks at the status alone."""
        return "text/xml; charset=utf-8", _ACKNOWLEDGED

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Bell:
        """Raises WebhookRefused. A repeated message has the same bell id."""
        if len(body) > _LONGEST:
            raise WebhookRefused(f"the message has {len(body)} bytes, more than {_LONGEST}")
        if "webhook-signature" in headers:
            return self._signed(headers, body, now)
        return self._outbound_message(headers, body)

    # -- Outbound Messages

    def _outbound_message(self, headers: Mapping[str, str], body: bytes) -> Bell:
        if not self._organization:
            raise WebhookRefused("organization_id is not configured, so no Outbound Message can be believed")
        if self._token and not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self._token):
            raise WebhookRefused("the token of the doorbell is missing or wrong")
        message = _notifications(body)
        organization = message.findtext(_ORGANIZATION, "").strip()
        if not hmac.compare_digest(organization[:15].encode(), self._organization):
            raise WebhookRefused(f"the message comes from another org: {organization[:18]!r}")
        notifications = message.findall(_NOTIFICATION)
        ids = sorted([each.findtext(_NOTIFICATION_ID, "").strip() for each in notifications])
        if not ids or not all(ids):
            raise WebhookRefused("the message has no notification, or one without an id")
        refs = [ref for each in notifications if (ref := self._ref(each)) is not None]
        return Bell(digest("outbound", *ids), list(dict.fromkeys(refs)))

    def _ref(self, notification: Element) -> Ref | None:
        record = notification.find(_RECORD)
        kind = record.get(_TYPE, "").rpartition(":")[2] if record is not None else ""
        if record is None or kind not in _RINGS:
            return None
        ours, field = _RINGS[kind]
        record_id = record.findtext(field, "").strip()
        if kind != "Opportunity" and not record_id:
            return None  # the message was set up without the field that leads to the deal
        return Ref(self._name, ours, _checked(record_id))

    # -- signed calls

    def _signed(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Bell:
        if self._signature is None:
            raise WebhookRefused("webhook_secret is not configured, so no signed call can be believed")
        call = self._signature.verify(headers, body, now)
        return Bell(call, self._named_refs(body), hashlib.sha256(body).hexdigest())

    def _named_refs(self, body: bytes) -> list[Ref]:
        """{"type": "opportunity.changed", "refs": ["006…", …]}"""
        try:
            told: Any = json.loads(body)
            kind, refs = str(told["type"]).partition(".")[0], told["refs"]
        except (ValueError, KeyError, TypeError, RecursionError) as wrong:
            raise WebhookRefused('the body must be {"type": "opportunity.changed", "refs": [ids]}') from wrong
        ids = cast("list[Any]", refs) if isinstance(refs, list) else []
        if kind not in _KINDS or not 1 <= len(ids) <= _MOST_REFS:
            raise WebhookRefused(f"type must begin with one of {sorted(_KINDS)}, refs must be 1 to {_MOST_REFS} ids")
        return list(dict.fromkeys(Ref(self._name, kind, _checked(str(each))) for each in ids))


class _NoDoctype(TreeBuilder):
    """Builds the tree; a DOCTYPE, in which all that is dangerous in XML is declared, ends it before it is read."""

    def doctype(self, *_: object) -> NoReturn:
        raise WebhookRefused("the message has a DOCTYPE")


def _notifications(body: bytes) -> Element:
    parser = XMLParser(target=_NoDoctype())  # noqa: S314 - see _NoDoctype; half of what defusedxml's pure Python takes
    try:
        parser.feed(body)
        root: Element = parser.close()
    except (ParseError, ValueError, LookupError) as wrong:
        raise WebhookRefused(f"the message cannot be read: {type(wrong).__name__}") from wrong
    for body_of_envelope in root:
        message = body_of_envelope.find(_NOTIFICATIONS)
        if message is not None:
            return message
    raise WebhookRefused("this is no Outbound Message")


def _checked(record_id: str) -> str:
    if not _ID.fullmatch(record_id):
        raise WebhookRefused(f"{record_id[:40]!r} is no record id")
    return record_id
