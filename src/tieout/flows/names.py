"""Where a target shows a name otherwise than sales says it: told in the story, flagged where two may be confused (T02)."""

from __future__ import annotations

from collections.abc import Mapping

from tieout.domain.problems import Problem
from tieout.engine.run import Run
from tieout.systems.systems import Systems


async def tell_names(run: Run, systems: Systems, names: Mapping[str, str], *, link: str) -> None:
    """`names` are the business keys with the names that they have now: whoever renamed a record has ended its confusion."""
    for each in await systems.register.shown_otherwise(list(names)):
        if each.name != each.full_name:
            await run.step(f"{each.connection} shows “{each.full_name}” as “{each.name}”", _told)
        if each.rival and each.full_name == names[each.key]:
            facts = {
                "system": each.connection,
                "full": each.full_name,
                "name": each.name,
                "rival": each.rival,
                "link": link,
                "about": each.key,
            }
            run.warn([Problem("name.collides", facts)])


async def _told() -> None:
    """The step's title is all there is to say."""
