"""A signed webhook: a CloudEvent to a program of the firm's own, by the Standard Webhooks specification 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from standardwebhooks import Webhook

from tieout.channels.contract import ChannelSpec
from tieout.channels.network import Resolve, resolve
from tieout.channels.posting import Post, accepted
from tieout.domain.notices.message import Letter

# The specification asks for 24 to 64 bytes.
_SHORTEST, _LONGEST = 24, 64


class WebhookConfig(BaseModel):
    """Settings of a channel of kind `webhook`; the secret reaches it from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr = Field(description="Where the messages are posted to, https://…; it may be a secret itself")
    hosts: tuple[str, ...] = Field(min_length=1, description="The hosts that the address may have")
    secret: SecretStr = Field(description="The signing secret: whsec_ and 24 to 64 random bytes in base64")
    on_premise: bool = Field(
        default=False, description="Whether the host stands in the firm's own network: private addresses and http"
    )
    ca_file: Path | None = Field(default=None, description="Certificates to trust in place of the machine's")

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        try:
            length = len(base64.b64decode(value.get_secret_value().removeprefix("whsec_") + "==", validate=False))
        except ValueError:
            length = 0
        if not _SHORTEST <= length <= _LONGEST:
            raise ValueError(f"must be whsec_ and {_SHORTEST} to {_LONGEST} bytes in base64")
        return value


class WebhookChannel:
    """Posts events. The id of a message is the same for every attempt: whoever has seen it ignores it."""

    def __init__(
        self,
        name: str,
        config: WebhookConfig,
        *,
        look_up: Resolve = resolve,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.edits = True  # the receiver puts the newest in place of what it had: `thread` is the same
        self._url = config.url.get_secret_value()
        self._signer = Webhook(config.secret.get_secret_value())
        self._clock = clock
        self._post = Post(config.hosts, on_premise=config.on_premise, ca_file=config.ca_file, look_up=look_up)

    async def send(self, letter: Letter) -> str:
        at, body = self._clock(), json.dumps(event(letter), ensure_ascii=False, separators=(",", ":"))
        headers = {
            "Content-Type": "application/cloudevents+json",
            "webhook-id": letter.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(letter.id, at, body),
        }
        accepted(await self._post(self._url, body.encode(), headers))
        return ""

    async def close(self) -> None:
        await self._post.close()


def event(letter: Letter) -> dict[str, object]:
    """The letter as a CloudEvent 1.0. `cause` is the same for every message about one thing, `sequence` counts them."""
    message = letter.message
    return {
        "specversion": "1.0",
        "id": letter.id,
        "source": "tieout",
        "type": f"tieout.notice.{message.event}",
        "subject": letter.cause,
        "time": letter.at.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "cause": letter.cause,
            "thread": letter.thread,
            "sequence": letter.sequence,
            "title": message.title,
            "lines": list(message.lines),
            "link": message.link,
            "items": [{"text": each.text, "link": each.link} for each in message.items],
            **(message.figures or {}),
        },
    }


SPEC = ChannelSpec(
    kind="webhook",
    title="Signed webhook",
    config=WebhookConfig,
    open=WebhookChannel,
    promise="at least once, each attempt with the same webhook-id, by which the receiver knows a second one",
)
