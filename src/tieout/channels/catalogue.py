"""Every kind of channel that Tieout can tell people through."""

from __future__ import annotations

from collections.abc import Mapping

from tieout.channels.contract import ChannelSpec
from tieout.channels.email import SPEC as EMAIL
from tieout.channels.slack import SPEC as SLACK
from tieout.channels.teams import SPEC as TEAMS
from tieout.channels.webhook import SPEC as WEBHOOK

CHANNELS: Mapping[str, ChannelSpec] = {each.kind: each for each in (EMAIL, SLACK, TEAMS, WEBHOOK)}
