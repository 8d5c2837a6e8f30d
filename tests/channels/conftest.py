"""Servers on this machine that speak as Slack, Teams, a webhook's receiver and a mail server do, with certificates of their own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tieout.domain.notices.message import Item, Letter, Message

HERE = "127.0.0.1"
NAMES = ("hooks.slack.com", "slack.com", "prod-1.westeurope.logic.azure.com", "hooks.acme.example", "smtp.acme.example")
AT = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


async def here(host: str, port: int) -> Sequence[str]:
    """Every name leads to this machine."""
    return [HERE]


@dataclass(frozen=True)
class Authority:
    """A certificate for every name above, and the file of those who may be trusted for it."""

    ca_file: Path
    server: ssl.SSLContext


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder = tmp_path_factory.mktemp("authority")
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Acme CA")])
    now = datetime.now(UTC)
    names = [x509.DNSName(each) for each in NAMES] + [x509.IPAddress(ip_address(HERE))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "ca.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, secret)
    return Authority(certificate, server)


@dataclass
class Site:
    """An HTTPS server that keeps what it is sent and answers as it is told; the last answer is given again and again."""

    port: int = 0
    answers: list[tuple[int, Mapping[str, str], str]] = field(default_factory=lambda: [(200, {}, "ok")])
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    hang: float = 0

    def answer(self, status: int, text: str = "", **headers: str) -> None:
        self.answers = [(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (each.partition(":") for each in head[1:] if each)
            }
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.requests.append((head[0].split()[1], headers, body))
            await asyncio.sleep(self.hang)
            status, more, text = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(text.encode())}", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in more.items()]
            writer.write("\r\n".join([*lines, "", text]).encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def site(authority: Authority) -> AsyncGenerator[Site, None]:
    found = Site()
    server = await asyncio.start_server(found.serve, HERE, 0, ssl=authority.server)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


@dataclass
class MailServer:
    """A mail server (aiosmtpd) with STARTTLS and a log-in; what it takes lies in `mails`, what it refuses is told it."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    refused: Mapping[str, str] = field(default_factory=dict)
    data_answer: str = "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None)
        assert envelope.content is not None
        content = envelope.content if isinstance(envelope.content, bytes) else envelope.content.encode()
        self.mails.append(message_from_bytes(content, policy=policy.default))  # pyright: ignore
        return self.data_answer

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        right = data.password == b"sesame"
        return AuthResult(success=right, handled=right)


@asynccontextmanager
async def mail_server(authority: Authority, **options: Any) -> AsyncGenerator[MailServer, None]:
    found = MailServer()
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        settings = {"tls_context": authority.server, "require_starttls": True, "auth_required": True, **options}
        return SMTP(found, hostname="smtp.acme.example", authenticator=found.authenticate, loop=loop, **settings)

    server = await loop.create_server(session, HERE, 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


@pytest.fixture
async def postbox(authority: Authority) -> AsyncGenerator[MailServer, None]:
    async with mail_server(authority) as found:
        yield found


def letter(sequence: int = 1, *, title: str = "Due soon and nobody has it: a & b <c>", **more: Any) -> Letter:
    message = Message(
        "opened" if sequence == 1 else "changed",
        title,
        ("17 holds, 1,204,500.00 USD.", "The first is due Thu 26 Nov 15:00 UTC."),
        "https://tieout.acme.example/holds/H-20417",
        (Item("A field is missing on a deal: 2 holds", "https://tieout.acme.example/holds/H-20418"),),
        {"count": 17, "code": "value.missing"},
    )
    values: dict[str, Any] = {"to": ("anna@acme.example",), "at": AT, **more}
    return Letter(message, "0123456789abcdef01234567", "value.missing:17", sequence, **values)
