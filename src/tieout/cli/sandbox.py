"""`sandbox`: a consulting firm with its CRM, PSA and ERP, to try Tieout on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, aside, line

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout sandbox --day 2026-10-15 --json")(sandbox)


def sandbox(
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Play the story up to this day before saying ready.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The first of a row of ports; left out, free ones.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start the story over.")] = False,
    state: Annotated[Path | None, typer.Option(help="Where everything is kept; left out, in TIEOUT_HOME.")] = None,
    erp: Annotated[bool, typer.Option("--erp/--no-erp", help="With the real ERP, or without one.")] = True,
    erp_ui: Annotated[
        bool, typer.Option("--erp-ui", help="Serve the ERP's own web client too (installed with npm).")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Another seed is another firm's luck.")] = None,
    calendar: Annotated[Path | None, typer.Option(help="Write the story's date into this file.")] = None,
    bell: Annotated[str, typer.Option(metavar="URL", help="Where the CRM rings when a deal changes.")] = "",
    bell_token: Annotated[str, typer.Option(metavar="TOKEN", help="What proves that it is this CRM.")] = "",
    leash: Annotated[bool, typer.Option("--leash", help="End when standard input closes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Serve the firm in a box until Ctrl-C: Salesforce, Kantata and a real Tryton, with people who act on them.

    With --json, one document is printed when everything answers: addresses, credentials, the control server of the
    story, and the environment variables of a hub that is to work with it.
    """
    from tieout.sandbox.box import default_cache
    from tieout.sandbox.options import DEFAULT_SEED, Bell, Options
    from tieout.sandbox.serve import as_json as announced
    from tieout.sandbox.serve import run_sandbox
    from tieout.sandbox.tryton.web_client import web_client

    if bool(bell) != bool(bell_token):
        raise stop(Exit.USAGE, "A doorbell has an address and a token.", fix="Say both --bell and --bell-token.")

    def progress(what: str) -> None:
        aside(f"· {what}")

    with _explained():
        options = Options(
            state=state or _home() / "sandbox",
            fresh=fresh,
            port_base=port,
            calendar=calendar,
            day=day.date() if day else None,
            bell=Bell(bell, bell_token) if bell else None,
            erp=erp,
            erp_cache=default_cache(),
            erp_web=web_client(default_cache(), progress) if erp_ui else None,
            seed=DEFAULT_SEED if seed is None else seed,
            progress=progress,
        )
        run_sandbox(options, announced if as_json else _announce, leash=leash)


def _home() -> Path:
    from tieout.cli.desk import settings

    return settings().home


def _explained() -> Any:
    from contextlib import contextmanager

    from tieout.sandbox.folder import FolderTaken
    from tieout.sandbox.tryton.environment import SandboxFailure

    @contextmanager
    def explained() -> Any:
        try:
            yield
        except FolderTaken as taken:
            raise stop(Exit.CONFIGURATION, f"{str(taken)[:1].upper()}{str(taken)[1:]}.") from taken
        except SandboxFailure as failed:
            raise stop(Exit.UNREACHABLE, f"The sandbox cannot start: {failed}") from failed

    return explained()


def _announce(description: Mapping[str, Any]) -> None:
    line(
        f"{description['firm']} is at work, {description['story']['first_day']} to {description['story']['last_day']}."
    )
    for name, system in description["systems"].items():
        line(f"  {name:12} {system['url']}")
        for login in system["people"][:2]:
            secret = login.get("password") or login.get("token")
            line(f"  {'':12} {login['login']} / {secret}")
    control = description["control"]
    line(f"  {'the story':12} {control}/story")
    line(f"Move it on:  curl -X POST {control}/story/advance -d '{{\"days\": 1}}'")
    line("Stop it with Ctrl-C.")
