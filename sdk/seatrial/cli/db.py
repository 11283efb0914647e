"""`db upgrade|url|shell|dump`: the database of the stack."""

from typing import Annotated

import typer

from seatrial.cli.output import JSON_HELP, fail, say, write_json
from seatrial.terminal import plain

app = typer.Typer(help="The database of this folder (or of SEATRIAL_DATABASE_URL).", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Upgrade the schema to the newest version; start the embedded database for it if necessary."""
    import os

    from seatrial.stack import database_access, services
    from seatrial.stack.layout import Layout
    from seatrial.stack.postgres import database

    services.check_migrations_installed()
    layout = Layout.nearest()
    with database_access.opened(layout) as url:
        direct = database.direct_url(os.environ, url)
        database.migrate(services.MIGRATION, direct, passwords=database_access.managed_passwords(layout))
    say("The schema is up to date.")


@app.command()
def url(json_out: Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)] = None) -> None:
    """Print the URL of the database as its owner, including the password."""
    from seatrial.stack import database_access
    from seatrial.stack.layout import Layout

    layout = Layout.nearest()
    address = database_access.running_url(layout)
    if address is None:
        fail(f"The embedded database of {layout.root} is not running and has no address. Start it with `seatrial up`.")
    if json_out:
        write_json(json_out, {"url": address})
    else:
        typer.echo(plain(address))  # the password is what the caller asks for


@app.command()
def shell() -> None:
    """Open psql on the database as its owner; start the embedded database for it if necessary."""
    from seatrial.stack import database_access
    from seatrial.stack.layout import Layout

    layout = Layout.nearest()
    with database_access.opened(layout) as address:
        raise typer.Exit(database_access.run_program(layout, "psql", address))


@app.command()
def dump(
    roles: Annotated[bool, typer.Option("--roles", help="The roles with their password hashes instead.")] = False,
) -> None:
    """Print a backup of the database as SQL, with the pg_dump of the server's own version."""
    from seatrial.stack import database_access
    from seatrial.stack.layout import Layout

    layout = Layout.nearest()
    program, options = ("pg_dumpall", ["--roles-only"]) if roles else ("pg_dump", [])
    with database_access.opened(layout) as address:
        raise typer.Exit(database_access.run_program(layout, program, address, options))
