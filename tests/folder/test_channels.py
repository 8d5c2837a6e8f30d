"""Channels and rules of notifications are checked like everything else in the folder: file, line, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tieout.connectors.contract import ConnectorSpec
from tieout.folder.channels import resolve, variables
from tieout.folder.finding import UnusableFolder
from tieout.folder.loading import check, load

Kinds = Mapping[str, ConnectorSpec]
Rewrite = Callable[[str, str, str], None]

CHANNELS = """\
channels:
  mail: { kind: email, settings: { host: smtp.acme.example, sender: tieout@acme.example, user: tieout } }
  chat: { kind: slack }
  siem: { kind: webhook, settings: { hosts: [siem.acme.example] } }
notifications:
  - { name: finance, channel: mail, to: [anna@acme.example], digest: { at: 08:00, zone: Europe/Berlin } }
  - { name: urgent, channel: chat, cadence: at_once }
"""
SECRETS = {
    "TIEOUT_CONNECTION_SALES_PASSWORD": "one",
    "TIEOUT_CONNECTION_DELIVERY_PASSWORD": "two",
    "TIEOUT_CONNECTION_ERP_US_PASSWORD": "three",
    "TIEOUT_CHANNEL_MAIL_PASSWORD": "sesame",
    "TIEOUT_CHANNEL_CHAT_URL": "https://hooks.slack.com/services/T/B/x",
    "TIEOUT_CHANNEL_SIEM_URL": "https://siem.acme.example/in",
    "TIEOUT_CHANNEL_SIEM_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}


@pytest.fixture
def told(folder: Path) -> Path:
    """A firm folder with channels and rules; line 16 is its first line about them."""
    with (folder / "tieout.yaml").open("a") as file:
        file.write(CHANNELS)
    return folder


def test_channels_get_their_secrets_from_the_environment(told: Path, kinds: Kinds) -> None:
    assert check(told, SECRETS, kinds) == []
    configs = resolve(load(told, kinds), SECRETS)
    assert {name: type(each).__name__ for name, each in configs.items()} == {
        "mail": "EmailConfig", "chat": "SlackConfig", "siem": "WebhookConfig",
    }  # fmt: skip
    assert "sesame" not in repr(configs)


def test_missing_secrets_are_named_with_their_variables(told: Path, kinds: Kinds) -> None:
    with pytest.raises(UnusableFolder) as unusable:
        resolve(load(told, kinds), {})
    said = str(unusable.value)
    assert "channels.siem.settings.secret: the secret is missing. Set TIEOUT_CHANNEL_SIEM_SECRET (or …_FILE)." in said
    assert "channels.chat.settings: needs url (an incoming webhook) or token (a bot), one of them." in said
    assert "TIEOUT_CHANNEL_CHAT_TOKEN" in said
    assert "channels.mail.settings: needs both user and password, or none of them." in said


def test_check_tells_both_families_of_secrets_at_once(told: Path, kinds: Kinds) -> None:
    found = [str(each) for each in check(told, {}, kinds)]
    assert any("TIEOUT_CONNECTION_SALES_PASSWORD" in each for each in found)
    assert any(each.startswith("tieout.yaml:19: channels.siem") for each in found)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: slack", "kind: slak", "tieout.yaml:18: channels.chat.kind: “slak” is not a kind of channel that Tieout knows"),
        ("host: smtp", "hots: smtp", "tieout.yaml:17: channels.mail.settings.hots: is not a name that Tieout knows here"),
        (
            "hosts: [siem.acme.example]",
            "hosts: [siem.acme.example], secret: whsec_x",
            "tieout.yaml:19: channels.siem.settings.secret: is a secret in a file that others read",
        ),
        ("channel: chat", "channel: chta", "tieout.yaml:22: notifications[1].channel: there is no channel “chta”"),
        ("to: [anna@acme.example], ", "", "notifications[0].to: nothing says who gets the messages of mail"),
        (
            "channel: chat,",
            "channel: chat, to: [anna@acme.example],",
            "tieout.yaml:22: notifications[1].to: Slack cannot be addressed: chat has its reader in its own settings",
        ),
        ("at: 08:00", "at: 8:00", "tieout.yaml:21: notifications[0].digest.at: “8:00” does not look right"),
        ("Europe/Berlin", "Europe/Berln", "tieout.yaml:21: notifications[0].digest.zone: “Europe/Berln” is not a time zone"),
        ("cadence: at_once", "cadence: sometimes", "tieout.yaml:22: notifications[1].cadence: “sometimes” is not an option"),
        ("cadence: at_once", "tells: [silense]", "tieout.yaml:22: notifications[1].tells[0]: “silense” is not an option"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(
    told: Path, kinds: Kinds, rewrite: Rewrite, old: str, new: str, said: str
) -> None:
    rewrite("tieout.yaml", old, new)
    (line,) = [str(each) for each in check(told, None, kinds)]
    assert said in line


def test_every_variable_of_a_channel_can_be_listed(told: Path, kinds: Kinds) -> None:
    listed = {each.name: each for each in variables(load(told, kinds))}
    assert (listed["TIEOUT_CHANNEL_SIEM_SECRET"].secret, listed["TIEOUT_CHANNEL_MAIL_HOST"].required) == (True, False)
