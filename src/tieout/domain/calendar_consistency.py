"""Where the working calendars of a firm cannot be, each contradiction with its place and its way out."""

from __future__ import annotations

from collections.abc import Iterator

from tieout.domain.choosing import choose
from tieout.domain.expense_consistency import Contradiction
from tieout.domain.firm import Firm
from tieout.domain.zones import is_zone


def contradictions(firm: Firm) -> Iterator[Contradiction]:
    whose: dict[str, str] = {}
    codes = [each.code for each in firm.entities]
    for i, calendar in enumerate(firm.calendars):
        here = ("calendars", i)
        if calendar.name in [each.name for each in firm.calendars[:i]]:
            yield (*here, "name"), f"“{calendar.name}” stands in the folder twice", "Give each calendar its own name."
        if calendar.time_zone and not is_zone(calendar.time_zone):
            fix = "Give a name of the IANA time zone database, such as Europe/Berlin."
            yield (*here, "time_zone"), f"“{calendar.time_zone}” is not a time zone", fix
        for n, code in enumerate(calendar.entities):
            if firm.entity(code) is None:
                yield (*here, "entities", n), f"“{code}” is not a legal entity of the firm", choose(code, codes)
        for n, name in enumerate(calendar.regions):
            if name not in firm.holds.regions:
                yield (*here, "regions", n), f"there is no region “{name}”", choose(name, firm.holds.regions)
            elif not firm.holds.regions[name].entities:
                what = f"the region {name} has no legal entities, so that nobody works by it"
                yield (*here, "regions", n), what, f"Name them under holds: regions: {name}: entities, or here."
        for meant in _meant(firm, i):
            other = whose.setdefault(meant, calendar.name)
            if other != calendar.name:
                yield here, f"“{other}” is the calendar of {meant} already", "Keep one of them."


def _meant(firm: Firm, place: int) -> list[str]:
    """Of whom a calendar is, in words: of two of the same, nobody could say which counts."""
    calendar = firm.calendars[place]
    regions = [firm.holds.regions[each] for each in calendar.regions if each in firm.holds.regions]
    regional = [f"the region of {code}" for each in regions for code in each.entities]
    own = list(calendar.entities)
    return [*own, *dict.fromkeys(regional)] or ([] if calendar.regions else ["everybody else"])
