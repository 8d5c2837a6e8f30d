"""`notify`: try a channel, and read what the rules would say now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, document, line

if TYPE_CHECKING:
    from tieout.cli.desk import Desk
    from tieout.domain.firm import Firm
    from tieout.domain.notices.message import Letter, Message
    from tieout.domain.notification import NotificationRule

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Notices: try a channel, read what would be said.")
    group.command("test", epilog="Example: tieout notify test finance-chat")(try_out)
    group.command("preview", epilog="Example: tieout notify preview --rule finance")(preview)
    app.add_typer(group, name="notify", epilog="Example: tieout notify test finance-chat")


def try_out(
    channel: Annotated[str, typer.Argument(help="A channel of the firm folder.")],
    to: Annotated[list[str] | None, typer.Option(help="For e-mail, an address in place of those of the rules.")] = None,
    folder: Annotated[Path | None, typer.Option(help="The firm folder; left out, TIEOUT_FOLDER.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send a test message through a channel, with the settings of the folder and of the environment, and say what came back."""
    import asyncio

    from tieout.cli.desk import settings
    from tieout.domain.problems import Misconfigured, Transient
    from tieout.folder.loading import load

    firm = load(folder if folder is not None else settings().folder)
    letter = _trial(firm, channel, settings().address, to or ())
    try:
        asyncio.run(_sent(firm, channel, letter))
    except Transient as away:
        raise stop(Exit.UNREACHABLE, f"{channel} did not take the message: {away}.", fix="Try again.") from away
    except Misconfigured as wrong:
        fix = "Correct its settings in the firm folder or its variables in the environment."
        raise stop(Exit.CONFIGURATION, f"{channel} did not take the message: {wrong.args[0]}.", fix=fix) from wrong
    if as_json:
        document({"channel": channel, "sent": True, "to": list(letter.to), "id": letter.id})
    else:
        line(f"✓ {channel} took the test message{': ' + ', '.join(letter.to) if letter.to else ''}.")


def preview(
    rule: Annotated[str, typer.Option(help="One rule; left out, all of them.")] = "", as_json: AsJson = False
) -> None:
    """Show what every rule would say if nothing had been said before and it were every digest's hour. Sends nothing."""
    from tieout.cli.desk import at_desk

    found = [(each, message) for each, message in at_desk(_previewed) if rule in ("", each.name)]
    if as_json:
        document([{"rule": each.name, "channel": each.channel, **message.body()} for each, message in found])
    elif not found:
        line("Nothing would be said.")
    for each, message in [] if as_json else found:
        _print(each, message)


async def _previewed(desk: Desk) -> list[tuple[NotificationRule, Message]]:
    from tieout.app import firm_in_force
    from tieout.cli.desk import now, settings
    from tieout.engine.notices import Notices

    firm = await firm_in_force(desk.database)
    return await Notices(desk.database, now, lambda: firm, {}, address=settings().address).preview()


async def _sent(firm: Firm, name: str, letter: Letter) -> None:
    import os

    from tieout.channels.catalogue import CHANNELS
    from tieout.folder.channels import resolve

    alone = firm.model_copy(update={"channels": {name: firm.channels[name]}})
    channel = CHANNELS[firm.channels[name].kind].open(name, resolve(alone, os.environ)[name])
    try:
        await channel.send(letter)
    finally:
        await channel.close()


def _trial(firm: Firm, channel: str, address: str, to: list[str] | tuple[str, ...]) -> Letter:
    from tieout.channels.catalogue import CHANNELS
    from tieout.cli.desk import now
    from tieout.domain.choosing import choose
    from tieout.domain.notices.message import Letter, thread_name
    from tieout.domain.notices.wording import trial

    if channel not in firm.channels:
        fix = choose(channel, firm.channels) if firm.channels else "Describe it under channels in tieout.yaml."
        raise stop(Exit.PROBLEM, f"The firm folder has no channel “{channel}”.", where="tieout.yaml", fix=fix)
    rules = [each for each in firm.notifications if each.channel == channel]
    readers = tuple(to) or tuple(dict.fromkeys(one for each in rules for one in firm.recipients(each)))
    if CHANNELS[firm.channels[channel].kind].addressed and not readers:
        fix = "Say --to name@example.com, or write a rule for it."
        raise stop(Exit.USAGE, f"No rule says who gets the messages of {channel}.", fix=fix)
    moment = now()
    return Letter(trial(address), thread_name("test", channel, moment.isoformat()), "test", 1, moment, "", readers)


def _print(rule: NotificationRule, message: Message) -> None:
    when = f"digest at {rule.digest.at} {rule.digest.zone}" if rule.digest and message.event == "digest" else "at once"
    line(f"{rule.name} → {rule.channel}, {when}")
    line(f"  {message.title}")
    for each in message.lines:
        line(f"    {each}")
    for item in message.items:
        line(f"    • {item.text}  {item.link}")
    line(f"    {message.link}")
