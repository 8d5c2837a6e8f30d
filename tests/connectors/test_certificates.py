"""A certificate that has expired is a person's business: the connection says so, and nobody waits for it to get younger."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from tieout.connectors.contract import ConnectorSpec, Opening
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import SPEC as KANTATA
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.salesforce.connector import SPEC as SALESFORCE
from tieout.connectors.tryton.config import TrytonConfig
from tieout.connectors.tryton.connector import SPEC as TRYTON
from tieout.domain.problems import Misconfigured

pytestmark = [pytest.mark.anyio, pytest.mark.loopback]


@dataclass(frozen=True)
class Expired:
    url: str
    trusting: ssl.SSLContext
    asked: list[bytes]


@pytest.fixture
async def expired(tmp_path: Path) -> AsyncGenerator[Expired]:
    """A server that anybody would trust, had its certificate not expired yesterday."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "systems.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=9)).not_valid_after(now - timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    plain, pkcs8 = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
    (tmp_path / "both.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain) + pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "both.pem")
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=serving) as server:
        port = server.sockets[0].getsockname()[1]
        yield Expired(f"https://127.0.0.1:{port}", ssl.create_default_context(cadata=pem.decode()), asked)


def settings(url: str) -> dict[str, tuple[ConnectorSpec, Any, str]]:
    secret = SecretStr("secret")
    tryton = TrytonConfig(url=url, database="db", user="u", password=secret, company="Kestrel")
    return {
        "salesforce": (SALESFORCE, SalesforceConfig(url=url, client_id="app", client_secret=secret), "opportunity"),
        "kantata": (KANTATA, KantataConfig(url=url, token=secret), "time_entry"),
        "tryton": (TRYTON, tryton, "invoice"),
    }


@pytest.mark.parametrize("kind", ["salesforce", "kantata", "tryton"])
async def test_an_expired_certificate_pauses_the_connection(expired: Expired, kind: str) -> None:
    spec, config, record = settings(expired.url)[kind]
    network = httpx2.AsyncHTTPTransport(verify=expired.trusting)
    connection: Any = spec.open(Opening("theirs", config, transport=network))
    try:
        with pytest.raises(Misconfigured, match="certificate has expired") as told:
            await connection.changes(record, None)
    finally:
        await connection.close()
    assert told.value.args[1] == "theirs"
    assert expired.asked == []
