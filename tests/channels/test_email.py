"""E-mail against a real mail server: encrypted, in two forms, in one thread, and what its refusals mean."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from tests.channels.conftest import Authority, MailServer, here, letter, mail_server

from tieout.channels.contract import Partly
from tieout.channels.email import EmailChannel, EmailConfig
from tieout.domain.problems import Misconfigured, Transient

pytestmark = [pytest.mark.anyio, pytest.mark.loopback]
THREAD = "<0123456789abcdef01234567-1@acme.example>"


def channel(server: MailServer, authority: Authority, **more: Any) -> EmailChannel:
    settings: dict[str, Any] = {
        "host": "smtp.acme.example", "port": server.port, "sender": "tieout@acme.example", "user": "tieout",
        "password": SecretStr("sesame"), "on_premise": True, "ca_file": authority.ca_file, **more,
    }  # fmt: skip
    return EmailChannel("mail", EmailConfig(**settings), look_up=here)


async def test_a_mail_is_encrypted_logged_in_and_has_a_plain_and_an_html_part(
    postbox: MailServer, authority: Authority
) -> None:
    await channel(postbox, authority).send(letter(to=("anna@acme.example", "bob@acme.example")))
    (mail,), (envelope,) = postbox.mails, postbox.envelopes
    assert (postbox.encrypted, postbox.users) == ([True], ["tieout"])
    assert (envelope.mail_from, envelope.rcpt_tos) == ("tieout@acme.example", ["anna@acme.example", "bob@acme.example"])
    assert mail["Subject"] == "Due soon and nobody has it: a & b <c>"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, rich = [part.get_content() for part in mail.iter_parts()]  # pyright: ignore
    assert "17 holds, 1,204,500.00 USD." in plain
    assert "https://tieout.acme.example/holds/H-20417" in plain
    assert "a &amp; b &lt;c&gt;" in rich
    assert 'href="https://tieout.acme.example/holds/H-20417"' in rich


async def test_every_mail_about_a_cause_is_in_the_thread_of_the_first_and_an_attempt_keeps_its_id(
    postbox: MailServer, authority: Authority
) -> None:
    sender = channel(postbox, authority)
    for sequence in (1, 2, 2, 3):
        await sender.send(letter(sequence))
    first, second, again, third = postbox.mails
    assert (first["Message-ID"], first["In-Reply-To"]) == (THREAD, None)
    assert second["Message-ID"] == again["Message-ID"] != third["Message-ID"]
    assert {each[name] for each in (second, third) for name in ("In-Reply-To", "References")} == {THREAD}
    assert second["Date"] == again["Date"]


async def test_a_server_that_cannot_encrypt_is_given_neither_password_nor_mail(authority: Authority) -> None:
    async with mail_server(authority, tls_context=None, require_starttls=False, auth_required=False) as bare:
        with pytest.raises((Transient, Misconfigured)):
            await channel(bare, authority).send(letter())
        assert (bare.mails, bare.users) == ([], [])


async def test_a_server_whose_certificate_nobody_vouches_for_is_not_trusted(
    postbox: MailServer, authority: Authority
) -> None:
    with pytest.raises(Misconfigured, match="certificate"):
        await channel(postbox, authority, ca_file=None).send(letter())
    with pytest.raises(Misconfigured, match="certificate"):
        await channel(postbox, authority, host="other.acme.example").send(letter())
    assert (postbox.mails, postbox.users) == ([], [])


async def test_a_relay_of_the_firm_s_own_may_go_without(authority: Authority) -> None:
    async with mail_server(authority, tls_context=None, require_starttls=False, auth_required=False) as relay:
        await channel(relay, authority, user="", password=None, encryption="none").send(letter())
        assert len(relay.mails) == 1


async def test_a_wrong_password_is_for_a_person(postbox: MailServer, authority: Authority) -> None:
    with pytest.raises(Misconfigured, match=r"answered 535 5\.7\.8") as refused:
        await channel(postbox, authority, password=SecretStr("guess")).send(letter())
    assert "guess" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("451 4.3.0 priya.raman@acme.example is busy", Transient), ("554 5.7.1 Globex may not", Misconfigured)],
)
async def test_what_the_server_says_of_a_mail(
    postbox: MailServer, authority: Authority, answer: str, kind: type[Exception]
) -> None:
    postbox.data_answer = answer
    with pytest.raises(kind) as refused:
        await channel(postbox, authority).send(letter())
    assert answer[:9] in str(refused.value)
    assert "priya" not in str(refused.value)
    assert "Globex" not in str(refused.value)


async def test_recipients_who_are_refused_are_counted_and_the_others_have_the_mail(
    postbox: MailServer, authority: Authority
) -> None:
    postbox.refused = {"bob@acme.example": "550 5.1.1 no bob@acme.example here"}
    with pytest.raises(Partly, match="refused 1 of 2 recipients") as partly:
        await channel(postbox, authority).send(letter(to=("anna@acme.example", "bob@acme.example")))
    assert "bob" not in str(partly.value)
    assert [each.rcpt_tos for each in postbox.envelopes] == [["anna@acme.example"]]
    with pytest.raises(Misconfigured, match="550"):
        await channel(postbox, authority).send(letter(to=("bob@acme.example",)))


async def test_a_rule_that_names_nobody_is_for_a_person(postbox: MailServer, authority: Authority) -> None:
    with pytest.raises(Misconfigured, match="nobody"):
        await channel(postbox, authority).send(letter(to=()))


async def test_a_title_cannot_add_a_header(postbox: MailServer, authority: Authority) -> None:
    with pytest.raises(ValueError, match=r"newline|linefeed"):
        await channel(postbox, authority).send(letter(title="a\r\nBcc: eve@evil.example"))
    assert postbox.mails == []


async def test_a_server_that_is_away_may_be_back_later(authority: Authority) -> None:
    with pytest.raises(Transient, match="no answer"):
        await channel(MailServer(port=9), authority).send(letter())


@pytest.mark.parametrize(
    "wrong",
    [
        {"encryption": "none"},
        {"user": "tieout"},
        {"encryption": "none", "on_premise": True, "user": "tieout", "password": "x"},
    ],
)
def test_a_password_is_never_sent_in_clear(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"encryption|both"):
        EmailConfig(host="smtp.acme.example", sender="tieout@acme.example", **wrong)
