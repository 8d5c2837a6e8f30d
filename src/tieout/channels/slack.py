"""Slack: by an incoming webhook, which can only post, or by a bot's token, which can also change what it posted.

An incoming webhook answers with the word ok and no time stamp, and a message is changed by its time stamp and the token
that posted it (chat.update), so a webhook cannot edit: https://docs.slack.dev/messaging/modifying-messages
Its refusals: https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
One message a second per channel: https://docs.slack.dev/apis/web-api/rate-limits
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from tieout.channels.contract import ChannelSpec
from tieout.channels.network import Resolve, resolve
from tieout.channels.posting import Answer, Post, accepted
from tieout.domain.notices.message import Letter, Message
from tieout.domain.problems import Misconfigured, Transient

HOSTS = ("hooks.slack.com", "slack.com", "hooks.slack-gov.com", "slack-gov.com")
# What Slack says when it is Slack's own trouble, or when it asks to slow down.
_PASSING = ("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")
# The first message can no longer be changed; what there is to say is posted anew.
_GONE = ("message_not_found", "edit_window_closed", "cant_update_message")


class SlackConfig(BaseModel):
    """Settings of a channel of kind `slack`: the address of an incoming webhook, or a token with the channel it posts to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr | None = Field(default=None, description="The address of an incoming webhook")
    token: SecretStr | None = Field(default=None, description="A bot token with the scope chat:write, xoxb-…")
    channel: str = Field(default="", pattern=r"^[A-Z0-9]*$", description="With a token: the id of the channel, C…")
    api: str = Field(default="https://slack.com/api", description="With a token: the address of Slack's API")
    hosts: tuple[str, ...] = Field(default=HOSTS, min_length=1, description="Hosts that the addresses may have")
    on_premise: bool = Field(default=False, description="Whether the host stands in the firm's own network")
    ca_file: Path | None = Field(default=None, description="Certificates to trust in place of the machine's")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.url is None) == (self.token is None):
            raise ValueError("needs url (an incoming webhook) or token (a bot), one of them")
        if self.token is not None and not self.channel:
            raise ValueError("needs channel beside token")
        return self


class SlackChannel:
    """Posts, and with a token changes the conversation's first message instead of posting another."""

    def __init__(self, name: str, config: SlackConfig, *, look_up: Resolve = resolve) -> None:
        self.name = name
        self.edits = config.token is not None
        self._config = config
        self._post = Post(config.hosts, on_premise=config.on_premise, ca_file=config.ca_file, look_up=look_up)

    async def send(self, letter: Letter) -> str:
        body: dict[str, Any] = {"text": text(letter.message), "unfurl_links": False}
        if self._config.url is not None:
            await self._hook(self._config.url.get_secret_value(), body)
            return ""
        body["channel"] = self._config.channel
        if letter.handle:
            changed = await self._call("chat.update", {**body, "ts": letter.handle})
            if changed is not None:
                return letter.handle
        return str((await self._call("chat.postMessage", body) or {}).get("ts", ""))

    async def close(self) -> None:
        await self._post.close()

    async def _hook(self, url: str, body: dict[str, Any]) -> None:
        answer = await self._post(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
        accepted(answer)

    async def _call(self, method: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Slack's answer; None when the message to change is no longer there."""
        assert self._config.token is not None
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Authorization": f"Bearer {self._config.token.get_secret_value()}",
        }
        answer = await self._post(f"{self._config.api.rstrip('/')}/{method}", json.dumps(body).encode(), headers)
        accepted(answer)
        found = _parsed(answer)
        if found.get("ok") is True:
            return found
        error = str(found.get("error", ""))
        reason = Answer(answer.status, error, None).reason
        if method == "chat.update" and error in _GONE:
            return None
        if error in _PASSING:
            raise Transient(f"it asks for patience: {reason}")
        raise Misconfigured(f"it was refused: {reason}")


def text(message: Message) -> str:
    """The message in Slack's own markup, where < > and & must be escaped."""
    lines = [f"*{_escaped(message.title)}*", *map(_escaped, message.lines)]
    lines += [f"• <{each.link}|{_escaped(each.text)}>" for each in message.items]
    return "\n".join([*lines, f"<{message.link}|Open>"])


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _parsed(answer: Answer) -> dict[str, Any]:
    try:
        found: Any = json.loads(answer.text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Transient("the answer is not Slack's")
    return cast("dict[str, Any]", found)


SPEC = ChannelSpec(
    kind="slack",
    title="Slack",
    config=SlackConfig,
    open=SlackChannel,
    promise="at least once: an answer that was lost leads to the same message a second time; an edit is the same when repeated",
)
