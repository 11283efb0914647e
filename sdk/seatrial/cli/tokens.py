"""`token create|list|revoke`: the access tokens in the database of the stack."""

import asyncio
import getpass
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from seatrial.cli.output import JSON_HELP, say, say_error, write_json

if TYPE_CHECKING:
    from seatrial_service.db.access import AccessTokenRow
    from seatrial_service.token_management import TokenManager

app = typer.Typer(help="The access tokens of the services.", no_args_is_help=True)
EFFECT = "Running services notice it within two seconds."
T = TypeVar("T")

Json = Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The name under which its requests appear in logs and records.")],
    scopes: Annotated[str, typer.Option("--scopes", metavar="A,B", help="What it may do, for example engine:trade.")],
    expires: Annotated[str, typer.Option("--expires", metavar="90d", help="12h, 90d, 4w or never.")] = "90d",
    json_out: Json = None,
) -> None:
    """Create a token and print it once; only its hash is stored."""
    from seatrial_service.token_management import parse_lifetime

    lifetime = parse_lifetime(expires)
    granted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    text, row = _managed(lambda manager: manager.create(name, granted, lifetime))
    if json_out:
        write_json(json_out, {"token": text, **_fields(row)})
    else:
        sys.stdout.write(f"{text}\n")
    until = f"until {row.expires_at:%Y-%m-%d %H:%M} UTC" if row.expires_at else "without an end"
    say_error(f"{name} may use {', '.join(row.scopes)} {until}. The token is shown once; keep it now. {EFFECT}")
    if os.environ.get("SEATRIAL_DATABASE_URL") and not os.environ.get("SEATRIAL_TOKENS"):
        say_error("A service that runs without SEATRIAL_TOKENS checks no token; set it to require one.")


@app.command("list")
def list_tokens(json_out: Json = None) -> None:
    """List the tokens: name, scopes, expiry and status; never the token itself."""
    rows = _managed(lambda manager: manager.list_all())
    items = [_fields(row) for row in rows]
    if json_out:
        write_json(json_out, {"items": items})
        return
    if not items:
        say("No token has been created. `seatrial token create NAME --scopes engine:trade` creates one.")
        return
    print_table(items)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME|ID", help="The token's name, or its id from the list.")],
    json_out: Json = None,
) -> None:
    """Revoke a token; it is refused from then on."""
    rows = _managed(lambda manager: manager.revoke(name))
    if json_out:
        write_json(json_out, {"items": [_fields(row) for row in rows]})
    else:
        say(f"Revoked {', '.join(f'{row.name} ({row.id})' for row in rows)}. {EFFECT}")


def print_table(items: list[dict[str, Any]]) -> None:  # Any: JSON
    """Print tokens without cutting off a scope or a date.

    Args:
        items: Tokens as `--json` shows them.
    """
    from rich.table import Column, Table

    from seatrial.terminal import SafeConsole

    table = Table(
        Column("ID", no_wrap=True),
        Column("Name", overflow="fold"),
        Column("Scopes", no_wrap=True),
        Column("Status", no_wrap=True),
        Column("Created by", overflow="fold"),
        Column("Expires", min_width=len("2026-01-01")),
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    for item in items:
        expires = (item["expires_at"] or "never")[:16].replace("T", " ")  # a narrow terminal wraps at the space
        table.add_row(item["id"], item["name"], "\n".join(item["scopes"]), item["status"], item["created_by"], expires)
    SafeConsole().print(table)


def _managed(work: "Callable[[TokenManager], Awaitable[T]]") -> T:
    from seatrial.stack import database_access, services
    from seatrial.stack.layout import Layout

    services.check_migrations_installed()
    with database_access.opened(Layout.nearest()) as url:
        return asyncio.run(_in_database(url, work))


async def _in_database(url: str, work: "Callable[[TokenManager], Awaitable[T]]") -> T:
    from seatrial_core.clock import SystemClock
    from seatrial_service.db.session import Database
    from seatrial_service.token_management import TokenManager

    database = Database(url, pool_size=1, application="seatrial-token")
    try:
        return await work(TokenManager(database, SystemClock(), _operator()))
    finally:
        await database.close()


def _operator() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a number without an entry in /etc/passwd
        user = str(os.geteuid())
    return f"{user}@{socket.gethostname()}"[:128]


def _fields(row: "AccessTokenRow") -> dict[str, Any]:  # Any: JSON
    from seatrial_core.clock import SystemClock
    from seatrial_core.timestamps import format_rfc3339
    from seatrial_service.token_management import status_of

    return {
        "id": row.id,
        "name": row.name,
        "scopes": row.scopes,
        "status": status_of(row, SystemClock().now()),
        "created_at": format_rfc3339(row.created_at),
        "created_by": row.created_by,
        "expires_at": format_rfc3339(row.expires_at) if row.expires_at else None,
        "revoked_at": format_rfc3339(row.revoked_at) if row.revoked_at else None,
        "revoked_by": row.revoked_by,
    }
