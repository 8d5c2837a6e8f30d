"""`token`: the keys that let people and programs into the console and the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from tieout.cli.speech import AsJson, InTheNameOf, document, line, table

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Access tokens for the console and the API.")
    example = "tieout token issue 'Anna Fischer' anna.fischer@acme.example --role finance"
    group.command(epilog=f"Example: {example}")(issue)
    group.command("list", epilog="Example: tieout token list --json")(listed)
    group.command(epilog="Example: tieout token revoke 7")(revoke)
    app.add_typer(group, name="token", epilog="Example: tieout token list")


def issue(
    owner: Annotated[str, typer.Argument(help="The name of whoever will carry it.")],
    email: Annotated[str, typer.Argument(help="Their address, which goes into the books.")],
    role: Annotated[
        list[str], typer.Option(help="viewer, delivery, operator, finance or engineer; may be said again.")
    ],
    entity: Annotated[
        list[str] | None,
        typer.Option(help="Code of a legal entity whose books it shows; may be said again. Left out: all."),
    ] = None,
    days: Annotated[int, typer.Option(help="For how many days it is valid, up to 366.")] = 90,
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown this once and never again; the database keeps only its hash."""
    from tieout.cli.desk import actor, at_desk

    secret = at_desk(
        lambda desk: desk.access.issue(
            name=owner,
            email=email,
            roles=role,
            entities=entity or None,
            actor=actor(name),
            lifetime=timedelta(days=days),
        )
    )
    if as_json:
        document(
            {"token": secret, "name": owner, "email": email, "roles": role, "entities": entity or None, "days": days}
        )
    else:
        line(secret)


def listed(as_json: AsJson = False) -> None:
    """List all tokens with their owners, roles and last use."""
    from tieout.cli.desk import at_desk

    found: list[dict[str, Any]] = at_desk(lambda desk: desk.access.tokens())
    if as_json:
        document(found)
    elif not found:
        line("There are no tokens.")
    else:
        titles = ("id", "name", "email", "roles", "entities", "expires", "last used", "state")
        table(titles, [_cells(each) for each in found], right=("id",))


def revoke(
    number: Annotated[int, typer.Argument(help="The id that `tieout token list` shows.")],
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """End a token and every session that was opened with it, at once."""
    from tieout.cli.desk import actor, at_desk

    at_desk(lambda desk: desk.access.revoke(number, actor=actor(name)))
    if as_json:
        document({"revoked": number})
    else:
        line(f"Token {number} opens nothing any more.")


def _cells(token: dict[str, Any]) -> list[str]:
    used = token["last_used_at"]
    return [
        str(token["id"]),
        token["name"],
        token["email"],
        ", ".join(token["roles"]),
        ", ".join(token["entities"] or ["all"]),
        f"{token['expires_at']:%Y-%m-%d}",
        f"{used:%Y-%m-%d %H:%M}" if used else "never",
        f"revoked by {token['revoked_by']}" if token["revoked_at"] else "valid",
    ]
