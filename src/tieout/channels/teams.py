"""Microsoft Teams through the Workflows app: an Adaptive Card to the address of a flow.

Office 365 connectors (webhook.office.com) are retired, so their addresses are refused:
https://devblogs.microsoft.com/microsoft365dev/retirement-of-office-365-connectors-within-microsoft-teams/
A flow begins with “When a Teams webhook request is received” and answers 202 once it has begun, not once the card is
in the channel; it returns no id, so that nothing can be edited. A message may have 28 kB:
https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
https://learn.microsoft.com/en-us/connectors/teams/
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tieout.channels.contract import ChannelSpec
from tieout.channels.network import Resolve, resolve
from tieout.channels.posting import Post, accepted
from tieout.domain.notices.message import Letter, Message

HOSTS = (".logic.azure.com", ".api.powerplatform.com", ".api.powerautomate.com", ".logic.azure.us", ".logic.azure.cn")
MOST = 28_000


class TeamsConfig(BaseModel):
    """Settings of a channel of kind `teams`; the address is a secret and comes from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr = Field(description="The address of the flow, as the Workflows app shows it")
    hosts: tuple[str, ...] = Field(
        default=HOSTS, min_length=1, description="Hosts that the address may have; a dot in front means all below"
    )
    on_premise: bool = Field(default=False, description="Whether the host stands in the firm's own network")
    ca_file: Path | None = Field(default=None, description="Certificates to trust in place of the machine's")


class TeamsChannel:
    """Posts cards."""

    def __init__(self, name: str, config: TeamsConfig, *, look_up: Resolve = resolve) -> None:
        self.name = name
        self.edits = False
        self._url = config.url.get_secret_value()
        self._post = Post(config.hosts, on_premise=config.on_premise, ca_file=config.ca_file, look_up=look_up)

    async def send(self, letter: Letter) -> str:
        body = json.dumps(posted(letter.message), ensure_ascii=False).encode()
        accepted(await self._post(self._url, body, {"Content-Type": "application/json"}))
        return ""

    async def close(self) -> None:
        await self._post.close()


def posted(message: Message) -> dict[str, Any]:
    """The card in its envelope. Items that would make it too long are left out; the link leads to all of them."""
    items = list(message.items)
    while True:
        found = _envelope(message, [f"[{each.text}]({each.link})" for each in items])
        if len(json.dumps(found, ensure_ascii=False).encode()) <= MOST or not items:
            return found
        items.pop()


def _envelope(message: Message, items: list[str]) -> dict[str, Any]:
    title = {"type": "TextBlock", "text": message.title, "weight": "Bolder", "size": "Medium", "wrap": True}
    rest = [{"type": "TextBlock", "text": each, "wrap": True} for each in (*message.lines, *items)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *rest],
        "actions": [{"type": "Action.OpenUrl", "title": "Open", "url": message.link}],
    }
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [content]}


SPEC = ChannelSpec(
    kind="teams",
    title="Microsoft Teams",
    config=TeamsConfig,
    open=TeamsChannel,
    promise="at least once: an answer that was lost leads to the same card a second time; accepted means that the flow has begun",
)
