"""E-mail by SMTP: encrypted, as plain text and as HTML, all messages about one cause in one thread (RFC 5322)."""

from __future__ import annotations

import asyncio
import html
import re
import socket
import ssl
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Literal, Self

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from tieout.channels.contract import ChannelSpec, Partly
from tieout.channels.network import Resolve, reachable, resolve
from tieout.channels.posting import trust
from tieout.domain.notices.message import Letter, Message
from tieout.domain.problems import Misconfigured, Transient

_LONGEST = 60.0
# An enhanced status code (RFC 3463) says more than the reply code and holds nobody's address.
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


class EmailConfig(BaseModel):
    """Settings of a channel of kind `email`; the password reaches it from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(pattern=r"^[^\s/@]+$", description="The mail server, such as smtp.example.com")
    port: int = Field(default=587, ge=1, le=65_535, description="Its port: 587 with starttls, 465 with tls")
    encryption: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="starttls, tls from the first byte on, or none, which is for on_premise only"
    )
    sender: str = Field(
        pattern=r"^[^@\s<>]+@[^@\s<>]+$",
        description="The address that the messages come from, such as tieout@example.com",
    )
    user: str = Field(default="", description="Who logs in; left out, nobody does")
    password: SecretStr | None = Field(default=None, description="The password of user")
    on_premise: bool = Field(default=False, description="Whether the server stands in the firm's own network")
    ca_file: Path | None = Field(default=None, description="Certificates to trust in place of the machine's")

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.encryption == "none" and not self.on_premise:
            raise ValueError("encryption: none is for on_premise: true only")
        if bool(self.user) != (self.password is not None):
            raise ValueError("needs both user and password, or none of them")
        if self.user and self.encryption == "none":
            raise ValueError("a password needs encryption")
        return self


class EmailChannel:
    """Hands messages to one mail server, in one connection each."""

    def __init__(self, name: str, config: EmailConfig, *, look_up: Resolve = resolve) -> None:
        self.name = name
        self.edits = False
        self._config = config
        self._look_up = look_up

    async def send(self, letter: Letter) -> str:
        if not letter.to:
            raise Misconfigured("the rule names nobody to write to")
        written = mail(letter, self._config.sender)
        try:
            async with asyncio.timeout(_LONGEST):
                refused = await self._handed_over(written, letter.to)
        except SMTPResponseException as answer:
            raise _meaning(answer) from None
        except aiosmtplib.SMTPRecipientsRefused as answer:
            raise _meaning(answer.recipients[0]) from None
        except ssl.SSLCertVerificationError:
            raise Misconfigured("the certificate of the mail server is not trusted") from None
        except (SMTPException, OSError, TimeoutError) as cut:
            raise Transient(f"no answer ({type(cut).__name__})") from None
        if refused:
            raise Partly(f"the mail server refused {refused} of {len(letter.to)} recipients; the others have it")
        return ""

    async def close(self) -> None:
        """Nothing stays open."""

    async def _handed_over(self, written: EmailMessage, to: tuple[str, ...]) -> int:
        """How many recipients the server refused."""
        config = self._config
        address = await reachable(config.host, config.port, on_premise=config.on_premise, look_up=self._look_up)
        client = aiosmtplib.SMTP(
            hostname=config.host,
            sock=await _connected(address, config.port),
            use_tls=config.encryption == "tls",
            start_tls=config.encryption == "starttls",
            tls_context=trust(config.ca_file),
            username=config.user or None,
            password=config.password.get_secret_value() if config.password else None,
            local_hostname="localhost",
            timeout=_LONGEST / 2,
        )
        async with client:
            errors, _ = await client.send_message(written, sender=config.sender, recipients=list(to))
        return len(errors)


def mail(letter: Letter, sender: str) -> EmailMessage:
    """The letter with its place in the thread: the same Message-ID for every attempt, and the first one as its root."""
    message, domain = letter.message, parseaddr(sender)[1].rpartition("@")[2]
    written = EmailMessage()
    written["From"] = f"Tieout <{sender}>"
    written["To"] = ", ".join(letter.to)
    written["Subject"] = message.title
    written["Date"] = format_datetime(letter.at)
    written["Message-ID"] = f"<{letter.id}@{domain}>"
    if letter.sequence > 1:
        root = f"<{letter.thread}-1@{domain}>"
        written["In-Reply-To"] = root
        written["References"] = root
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(plain(message))
    written.add_alternative(rich(message), subtype="html")
    return written


def plain(message: Message) -> str:
    items = [f"- {each.text}\n  {each.link}" for each in message.items]
    return "\n".join([message.title, "", *message.lines, *([""] if items else []), *items, "", message.link, ""])


def rich(message: Message) -> str:
    lines = "".join(f"<p>{html.escape(each)}</p>" for each in message.lines)
    items = "".join(f"<li>{_anchor(each.link, each.text)}</li>" for each in message.items)
    listed = f"<ul>{items}</ul>" if items else ""
    return (
        '<!doctype html><html lang="en"><body style="font-family:sans-serif">'
        f'<h1 style="font-size:1.1em">{html.escape(message.title)}</h1>{lines}{listed}'
        f"<p>{_anchor(message.link, 'Open in Tieout')}</p></body></html>"
    )


def _anchor(link: str, words: str) -> str:
    return f'<a href="{html.escape(link, quote=True)}">{html.escape(words)}</a>'


async def _connected(address: str, port: int) -> socket.socket:
    """A connection to exactly this address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made


def _meaning(answer: SMTPResponseException) -> Transient | Misconfigured:
    """4xx asks to come again (RFC 5321 §4.2.1); 5xx will not become right by itself."""
    status = _STATUS.search(answer.message)
    said = f"the mail server answered {answer.code}" + (f" {status.group()}" if status else "")
    return Transient(said) if 400 <= answer.code < 500 or answer.code <= 0 else Misconfigured(said)


SPEC = ChannelSpec(
    kind="email",
    title="E-mail",
    config=EmailConfig,
    open=EmailChannel,
    promise="at least once, each attempt with the same Message-ID, by which most mail systems show it once",
    addressed=True,
)
