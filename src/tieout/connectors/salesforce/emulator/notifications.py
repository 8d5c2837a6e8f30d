"""The SOAP of Outbound Messages: the envelope that the org posts and the acknowledgement that it wants back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tieout.connectors.salesforce.emulator.records import Row
from tieout.connectors.salesforce.emulator.schema import SObject

_OUTBOUND = "http://soap.sforce.com/2005/09/outbound"
_OBJECTS = "urn:sobject.enterprise.soap.sforce.com"
_API = "60.0"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Up to 100 notifications of one outbound message (`action`)."""

    organization: str
    action: str
    public_url: str
    entity: SObject
    fields: Sequence[str]

    def text(self, notifications: Sequence[tuple[str, Row]]) -> str:
        """The envelope for (notification id, record) pairs. Empty fields are left out, as the vendor does."""
        base = f"{escape(self.public_url)}/services/Soap"
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
            ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f'<soapenv:Body><notifications xmlns="{_OUTBOUND}">'
            f"<OrganizationId>{self.organization}</OrganizationId><ActionId>{self.action}</ActionId>"
            '<SessionId xsi:nil="true"/>'
            f"<EnterpriseUrl>{base}/c/{_API}/{self.organization}</EnterpriseUrl>"
            f"<PartnerUrl>{base}/u/{_API}/{self.organization}</PartnerUrl>"
            f"{''.join(self._notification(number, row) for number, row in notifications)}"
            "</notifications></soapenv:Body></soapenv:Envelope>"
        )

    def _notification(self, number: str, row: Row) -> str:
        values = "".join(
            f"<sf:{name}>{escape(_text(row[name]))}</sf:{name}>" for name in self.fields if row.get(name) is not None
        )
        return (
            f"<Notification><Id>{number}</Id>"
            f'<sObject xsi:type="sf:{self.entity.name}" xmlns:sf="{_OBJECTS}">{values}</sObject></Notification>'
        )


def _text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def acknowledged(body: bytes) -> bool:
    """Whether an answer says <Ack>true</Ack>; anything that cannot be read does not."""
    try:
        root = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError):
        return False
    acks = [each for each in root.iter() if str(each.tag).endswith("}Ack") or each.tag == "Ack"]
    return bool(acks) and all((each.text or "").strip().lower() in ("true", "1") for each in acks)
