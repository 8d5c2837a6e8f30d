"""The SOAP door at /services/Soap/u: the login of older clients, logout, and merge, which REST does not have."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tieout.connectors.salesforce.emulator.failures import Refusal
from tieout.connectors.salesforce.emulator.identifiers import full_id
from tieout.connectors.salesforce.emulator.records import Records, Row
from tieout.connectors.salesforce.emulator.removal import merge
from tieout.connectors.salesforce.emulator.sessions import Session, Sessions
from tieout.connectors.salesforce.emulator.wire import instant_text

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_PARTNER = "urn:partner.soap.sforce.com"
# login() is not offered from this version on; it retires altogether in Summer '27.
_NO_LOGIN_SINCE = 65


class SoapFault(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Soap:
    """Answers partner envelopes with unprefixed result elements, as naive clients expect."""

    def __init__(self, records: Records, sessions: Sessions, public_url: Callable[[], str]) -> None:
        self._records = records
        self._sessions = sessions
        self._public_url = public_url

    def answer(self, version: str, envelope: bytes) -> tuple[int, str]:
        """HTTP status and envelope. Every failure is a fault with status 500."""
        try:
            header, body = _opened(envelope)
            return 200, _envelope(self._operation(version, header, body))
        except SoapFault as fault:
            return 500, _fault(fault.code, fault.message)
        except Refusal as refused:
            return 500, _fault(refused.flaws[0].code, refused.flaws[0].message)

    def _operation(self, version: str, header: Element | None, body: Element) -> str:
        name = _local(body)
        if name == "login":
            return self._login(version, body)
        session = self._sessions.find(_text(header, "sessionId") if header is not None else "")
        match name:
            case "logout":
                self._sessions.close(session.token)
                return "<logoutResponse/>"
            case "getServerTimestamp":
                stamp = instant_text(self._records.now())
                return f"<getServerTimestampResponse><result><timestamp>{stamp}</timestamp></result></getServerTimestampResponse>"
            case "getUserInfo":
                info = self._user_info(self._sessions.user_by_id(session.user_id))
                return f"<getUserInfoResponse><result>{info}</result></getUserInfoResponse>"
            case "merge":
                results = [self._merge(session, each) for each in body if _local(each) == "request"]
                return f"<mergeResponse>{''.join(results)}</mergeResponse>"
            case _:
                raise SoapFault("INVALID_OPERATION", f"No operation available for request {name}")

    def _login(self, version: str, body: Element) -> str:
        if float(version) >= _NO_LOGIN_SINCE:
            raise SoapFault("INVALID_OPERATION", f"login() is not available in API version {version}")
        username = _text(body, "username")
        user = self._sessions.user(username)
        if user is None or not user["IsActive"] or not self._sessions.password_fits(username, _text(body, "password")):
            message = "Invalid username, password, security token; or user locked out."
            raise SoapFault("INVALID_LOGIN", f"INVALID_LOGIN: {message}")
        session = self._sessions.open(user, "SOAP")
        organization = self._sessions.organization["Id"]
        return (
            "<loginResponse><result>"
            f"<metadataServerUrl>{escape(self._public_url())}/services/Soap/m/{version}/{organization}</metadataServerUrl>"
            "<passwordExpired>false</passwordExpired><sandbox>true</sandbox>"
            f"<serverUrl>{escape(self._public_url())}/services/Soap/u/{version}/{organization}</serverUrl>"
            f"<sessionId>{escape(session.token)}</sessionId><userId>{user['Id']}</userId>"
            f"<userInfo>{self._user_info(user)}</userInfo>"
            "</result></loginResponse>"
        )

    def _user_info(self, user: Row) -> str:
        organization = self._sessions.organization
        facts = {
            "organizationId": organization["Id"],
            "organizationMultiCurrency": str(self._records.schema.multi_currency).lower(),
            "organizationName": organization["Name"],
            "sessionSecondsValid": "7200",
            "userDefaultCurrencyIsoCode": user.get("DefaultCurrencyIsoCode") or "",
            "userEmail": user["Email"],
            "userFullName": user["Name"],
            "userId": user["Id"],
            "userLanguage": user.get("LanguageLocaleKey") or "",
            "userLocale": user.get("LocaleSidKey") or "",
            "userName": user["Username"],
            "userTimeZone": user.get("TimeZoneSidKey") or "",
        }
        return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in facts.items())

    def _merge(self, session: Session, request: Element) -> str:
        """One MergeRequest: a master record and the ids of the records to merge into it."""
        master = next((each for each in request if _local(each) == "masterRecord"), request)
        master_id = _text(master, "Id")
        losers = [(each.text or "").strip() for each in request if _local(each) == "recordToMergeIds"]
        known = full_id(master_id)
        entity = self._records.schema.by_id(known) if known else None
        try:
            if entity is None:
                raise SoapFault("MALFORMED_ID", f"malformed id {master_id}")
            moved = merge(self._records, entity, master_id, losers, session.user_id)
        except Refusal as refused:
            first = refused.flaws[0]
            error = f"<errors><message>{escape(first.message)}</message><statusCode>{first.code}</statusCode></errors>"
            return f"<result>{error}<success>false</success></result>"
        merged = "".join(f"<mergedRecordIds>{full_id(each)}</mergedRecordIds>" for each in losers)
        updated = "".join(f"<updatedRelatedIds>{each}</updatedRelatedIds>" for each in moved)
        return f"<result><id>{known}</id>{merged}<success>true</success>{updated}</result>"


def _opened(envelope: bytes) -> tuple[Element | None, Element]:
    """Header and operation. Raises SoapFault."""
    try:
        root: Element = fromstring(envelope)
    except (ParseError, DefusedXmlException, ValueError) as wrong:
        raise SoapFault("UNKNOWN_EXCEPTION", f"the envelope cannot be read: {wrong}") from wrong
    header, body = root.find(f"{{{_ENVELOPE}}}Header"), root.find(f"{{{_ENVELOPE}}}Body")
    operations: Sequence[Element] = list(body) if body is not None else []
    if not operations:
        raise SoapFault("UNKNOWN_EXCEPTION", "the envelope has no operation")
    return header, operations[0]


def _local(element: Element) -> str:
    return re.sub(r"^\{.*\}", "", element.tag)


def _text(element: Element, name: str) -> str:
    return next(((each.text or "").strip() for each in element.iter() if _local(each) == name), "")


def _envelope(content: str) -> str:
    named = re.sub(r"^<(\w+)", rf'<\1 xmlns="{_PARTNER}"', content)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{_ENVELOPE}"><soapenv:Body>{named}</soapenv:Body></soapenv:Envelope>'
    )


def _fault(code: str, message: str) -> str:
    text = escape(message if message.startswith(code) else f"{code}: {message}")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{_ENVELOPE}" xmlns:sf="urn:fault.partner.soap.sforce.com">'
        f"<soapenv:Body><soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{text}</faultstring>"
        f"<detail><sf:ApiFault><sf:exceptionCode>{code}</sf:exceptionCode>"
        f"<sf:exceptionMessage>{text}</sf:exceptionMessage></sf:ApiFault></detail>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
