"""`demo`: everything in one go, from an empty machine to figures that tie out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.exits import Exit
from tieout.cli.speech import AsJson, document

if TYPE_CHECKING:
    from tieout.cli.demo.options import Options
    from tieout.cli.demo.result import Result
    from tieout.cli.demo.stage import Stage

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout demo --once --json | jq .ties_out")(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the story to its end, print the result, and end.")] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over; left out, go on where the last demo ended.")
    ] = False,
    port: Annotated[int, typer.Option(help="The console's port; another one is taken when it is in use.")] = 8900,
    pace: Annotated[float, typer.Option(min=0, max=60, help="Seconds that a day of the story takes at least.")] = 1.0,
    erp_ui: Annotated[
        bool, typer.Option("--erp-ui", help="Serve the ERP's own web client too (installed with npm).")
    ] = False,
    kill_hub: Annotated[
        bool, typer.Option("--kill-hub", help="Kill the hub (-9) again and again while it works.")
    ] = False,
    rude_webhooks: Annotated[
        bool, typer.Option("--rude-webhooks", help="Every webhook comes twice, and the newest first.")
    ] = False,
    seed: Annotated[
        int, typer.Option(help="Another seed is another firm's luck, and other moments to kill at.")
    ] = 2026,
    as_json: AsJson = False,
) -> None:
    """Show Tieout at work: a consulting firm with its CRM, PSA and a real ERP, the hub between them, and its console.

    It keeps everything in TIEOUT_HOME/demo and ends with Ctrl-C. With --once it ends by itself, with 0 only if every
    figure ties out and nothing is missing that the month should have.
    """
    import asyncio

    from tieout.cli.demo.options import Options
    from tieout.cli.desk import settings

    options = Options(
        home=settings().home / "demo",
        once=once,
        fresh=fresh,
        port=port,
        pace=pace,
        seed=seed,
        kill_hub=kill_hub,
        rude_webhooks=rude_webhooks,
        erp_ui=erp_ui,
    )
    outcome = _Outcome()
    asyncio.run(_run(options, outcome, as_json=as_json))
    if outcome.result is None:
        raise typer.Exit(Exit.OK if outcome.welcomed else Exit.INTERRUPTED)
    if as_json:
        document(outcome.result.as_dict())
    if once and (outcome.result.missing or not outcome.result.ties_out):
        raise typer.Exit(Exit.PROBLEM)


class _Outcome:
    """What is left when everything has been stopped: a result, or a visitor who had enough."""

    def __init__(self) -> None:
        self.result: Result | None = None
        self.welcomed = False


async def _run(options: Options, outcome: _Outcome, *, as_json: bool) -> None:
    import asyncio

    from tieout.cli.demo.play import play
    from tieout.cli.demo.showing import show, welcome
    from tieout.cli.demo.voice import Voice
    from tieout.cli.stopping import until_stopped

    voice = Voice(sys.stderr if as_json else sys.stdout)

    async def linger(stage: Stage, found: Result) -> None:
        show(found, voice)
        welcome(stage, found, voice)
        outcome.welcomed = True
        await asyncio.Event().wait()

    async def work() -> None:
        outcome.result = await play(options, voice, linger=linger)
        show(outcome.result, voice)

    await until_stopped(work(), leash=False)
