"""Where what a firm says of metered usage contradicts itself, each contradiction with its place and its way out."""

from __future__ import annotations

from collections.abc import Iterator

from tieout.domain.documents.plans import UsagePlan
from tieout.domain.firm import Firm

# The path in the folder, what is wrong, and what to do.
Contradiction = tuple[tuple[str | int, ...], str, str]


def contradictions(firm: Firm) -> Iterator[Contradiction]:
    sources, seen = firm.usage.sources, set[str]()
    for i, name in enumerate(sources):
        here = ("usage", "sources", i)
        if name in firm.connections:
            yield here, f"“{name}” is a connection of the firm", "Give the source a name of its own."
        if name in seen:
            yield here, f"“{name}” stands here twice", "Keep one of them."
        seen.add(name)
    metered = [each.key for each in firm.packages if isinstance(each.plan, UsagePlan)]
    if metered and not sources:
        what = f"{metered[0]} is sold by usage, and nobody may send readings of it"
        yield ("usage", "sources"), what, "Name the systems that meter usage: sources: [metering]."
