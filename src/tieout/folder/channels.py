"""The settings of channels: TIEOUT_CHANNEL_<NAME>_<SETTING>, and what stands in the folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from tieout.channels.catalogue import CHANNELS as KINDS
from tieout.domain.consistency import Fault
from tieout.domain.firm import Firm
from tieout.folder.environment import Section, Variable
from tieout.folder.finding import UnusableFolder

CHANNELS = Section("channels", "TIEOUT_CHANNEL_", "a kind of channel that Tieout knows")


def variables(firm: Firm) -> list[Variable]:
    """Every variable that a channel of the firm understands."""
    return CHANNELS.variables(firm.channels, KINDS)


def resolve(firm: Firm, environment: Mapping[str, str]) -> dict[str, BaseModel]:
    """The configuration of every channel, by its name. Raises UnusableFolder with everything that is missing or wrong."""
    configs, findings = CHANNELS.resolve(firm.channels, environment, KINDS)
    if findings:
        raise UnusableFolder(findings)
    return configs


def reader_faults(firm: Firm) -> Iterator[Fault]:
    """Rules that name nobody where somebody must be named, or somebody whom their channel cannot reach."""
    for i, rule in enumerate(firm.notifications):
        kind = KINDS.get(firm.channels[rule.channel].kind) if rule.channel in firm.channels else None
        if kind is None:
            continue
        if kind.addressed and not rule.to:
            fix = "Add to: with addresses, or with teams whose address stands under owners."
            yield Fault(("notifications", i, "to"), f"nothing says who gets the messages of {rule.channel}", fix)
        if rule.to and not kind.addressed:
            what = f"{kind.title} cannot be addressed: {rule.channel} has its reader in its own settings"
            yield Fault(("notifications", i, "to"), what, "Leave it out.")
