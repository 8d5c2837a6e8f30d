"""The demo from its first line to its result: the story goes on day by day, and the hub keeps up with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta

from tieout.cli.demo import finance
from tieout.cli.demo.fate import Fate
from tieout.cli.demo.narration import Narrator
from tieout.cli.demo.options import Options
from tieout.cli.demo.result import Result, result
from tieout.cli.demo.stage import Stage, set_up
from tieout.cli.demo.voice import Voice
from tieout.cli.desk import now
from tieout.cli.exits import Exit, stop
from tieout.engine.generation import run_id
from tieout.flows.catalogue import due
from tieout.store import runs

_BILLING = "time_to_invoice"
_ONE_DAY = timedelta(days=1)
_LOOK = 0.5

Linger = Callable[[Stage, Result], Awaitable[None]]


async def play(options: Options, voice: Voice, *, linger: Linger | None = None) -> Result:
    """Plays the story to its end and returns what it came to.

    With `once`, finance answers what is left open; otherwise `linger` is awaited before everything is stopped, while the
    demo goes on telling what the hub does. Raises Stop when something does not start, or does not come to an end.
    """
    since = now()
    async with set_up(options, voice) as stage, _living(stage):
        narrator = Narrator(stage.box, stage.desk.database, voice, since)
        await narrator.begin()
        await _days(stage, options, voice, narrator, Fate(options, stage.hub, voice))
        if options.once:
            await _finance(stage, voice, narrator)

        async def now_in_the_books() -> Result:
            return await result(
                stage.desk.database, stage.box, since=since, seconds=voice.seconds,
                hub_kills=stage.hub.killed, console=stage.hub.address,
            )  # fmt: skip

        found = await now_in_the_books()
        if linger is not None and not options.once:
            await _go_on(stage, narrator, linger(stage, found))
            found = await now_in_the_books()
        return found


async def _days(stage: Stage, options: Options, voice: Voice, narrator: Narrator, fate: Fate) -> None:
    told = await stage.box.status()
    last, untold = date.fromisoformat(told["last_day"]), date.fromisoformat(told["untold_from"])
    day = min(date.fromisoformat(told["played"]) + _ONE_DAY, last)
    await _morning(stage, day)
    await stage.catch_up()
    await narrator.tell()
    while not told["finished"]:
        began, before = voice.seconds, told["acts"]
        with voice.waiting(f"{day:%A, %d %B %Y}"):
            if options.once and day == untold:  # the work that is given back is billed again with November's
                await _finance(stage, voice, narrator)
            bills = await _bills_today(stage, day)
            async with fate.day(certain=bills):
                await _morning(stage, day)
                if bills:  # before anybody acts: what is billed does not depend on how fast the hub is
                    await stage.catch_up()
                told = await stage.box.advance(day)
                if told["acts"] != before:
                    voice.say(f"{day:%A, %d %B}", "bold")
                    await stage.catch_up()
            await narrator.tell()
            if not options.once and told["acts"] != before:
                await asyncio.sleep(max(0.0, options.pace - (voice.seconds - began)))
        day += _ONE_DAY


async def _morning(stage: Stage, day: date) -> None:
    """The day that the hub goes by."""
    file = stage.folder / "calendar"
    draft = file.with_name(".calendar")
    draft.write_text(f"{day.isoformat()}\n", encoding="utf-8")
    draft.replace(file)


async def _bills_today(stage: Stage, day: date) -> bool:
    async with stage.desk.database.transaction() as tx:
        for each in await due(tx, stage.firm, day):
            if each.flow == _BILLING and await runs.get(tx, run_id(each.flow, each.subject, each.version)) is None:
                return True
    return False


async def _finance(stage: Stage, voice: Voice, narrator: Narrator) -> None:
    """What the visitor of the console would do."""
    today = date.fromisoformat((await stage.box.status())["day"])
    for told in await finance.answer(stage.desk, today):
        voice.say(told, "cyan")
    await stage.catch_up()
    await narrator.tell()


async def _go_on(stage: Stage, narrator: Narrator, lingering: Awaitable[None]) -> None:
    """Tells what the hub does until the visitor has had enough."""
    visit = asyncio.ensure_future(lingering)
    while not visit.done():
        await narrator.tell()
        await asyncio.wait([visit], timeout=_LOOK)
    await visit


@asynccontextmanager
async def _living(stage: Stage) -> AsyncGenerator[None]:
    """While inside, the hub lives; when it ends by itself, the demo ends too and says where its last words are."""

    async def watch() -> None:
        code = await stage.hub.ended_by_itself()
        raise stop(Exit.FAULT, f"The hub ended with {code}.", where=str(stage.hub.child.log))

    async with asyncio.TaskGroup() as beside:
        watching = beside.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()
