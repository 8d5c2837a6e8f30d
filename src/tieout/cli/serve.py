"""`serve`: the hub itself, its console and its workers, until it is told to stop."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.logs import to_standard_error
from tieout.cli.speech import AsJson, aside, document_line

if TYPE_CHECKING:
    from tieout.settings import Settings

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout serve --role worker --workers 3")(serve)


def serve(
    role: Annotated[str, typer.Option(help="web, worker or all; left out, TIEOUT_ROLE.")] = "",
    workers: Annotated[
        int | None, typer.Option(help="How many processes do the work; left out, TIEOUT_WORKERS or one.")
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on; left out, TIEOUT_HOST.")] = "",
    port: Annotated[int | None, typer.Option(help="The port to listen on, 0 for a free one.")] = None,
    sweep_every: Annotated[float, typer.Option(min=0.05, help="Seconds between two sweeps of the sources.")] = 15,
    calendar: Annotated[
        Path | None, typer.Option(help="A file with the date that counts as today: for rehearsals.")
    ] = None,
    leash: Annotated[bool, typer.Option("--leash", help="End when standard input closes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the hub against the firm's systems until Ctrl-C; any number of them share one database.

    With --json, one document is printed once it answers and works: {"address": …}.
    """
    import asyncio

    from tieout.cli.desk import address, migrated
    from tieout.cli.stopping import until_stopped

    chosen = _settings(role=role, workers=workers, host=host, port=port)
    to_standard_error(chosen.log_level)

    def ready(where: str) -> None:
        if as_json:
            document_line({"address": where, "role": chosen.role, "pid": os.getpid()})
        else:
            aside(f"✓ Tieout answers at {where}" if where else f"✓ Tieout works ({chosen.role})")

    _door_is_free(chosen)
    with address(chosen) as url:
        asyncio.run(
            until_stopped(_serving(chosen, migrated(url), calendar, timedelta(seconds=sweep_every), ready), leash=leash)
        )


async def _serving(
    chosen: Settings, url: str, calendar: Path | None, sweep_every: timedelta, ready: Callable[[str], None]
) -> None:
    from pydantic import SecretStr

    from tieout.serving import serve as served

    await _checked(chosen, url)
    settings = chosen.model_copy(update={"database_url": SecretStr(url)})
    setup = partial(to_standard_error, chosen.log_level)
    await served(settings, os.environ, calendar_file=calendar, sweep_every=sweep_every, setup=setup, ready=ready)


async def _checked(chosen: Settings, url: str) -> None:
    """Lays the ballast and asks whether database and disk can be trusted. Raises Unsafe; warnings are said loudly."""
    from tieout.cli.desk import desk_on, disk, now
    from tieout.store.selfcheck import Unsafe, self_check

    here = disk(chosen)
    if here.ballast is not None:
        here.ballast.lay(here.free)
    async with desk_on(url) as desk:
        found = await self_check(desk.database, now, here)
    if refused := [each for each in found if each.level == "refusal"]:
        raise Unsafe(refused)
    for each in found:
        if each.level == "warning":
            aside(f"! {each}")


def _settings(**said: str | int | None) -> Settings:
    """The environment, and what the command line says above it."""
    from tieout.settings import read

    above = {f"TIEOUT_{name.upper()}": str(value) for name, value in said.items() if value not in ("", None)}
    return read({**os.environ, **above})


def _door_is_free(chosen: Settings) -> None:
    """Asks before anything is started; a port that is taken in between ends the hub too, with fewer words."""
    import socket

    if chosen.role == "worker" or not chosen.port or os.environ.get("LISTEN_FDS"):
        return
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((chosen.host, chosen.port))
        except OSError as taken:
            raise stop(
                Exit.CONFIGURATION,
                f"Nothing can listen at {chosen.host}:{chosen.port}: {taken.strerror}.",
                where="TIEOUT_HOST, TIEOUT_PORT",
                fix="Stop what listens there, or choose another port (0 takes a free one).",
            ) from taken
