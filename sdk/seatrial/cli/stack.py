"""`up down status logs doctor reset`: the stack of the current folder."""

from typing import Annotated

import typer

from seatrial.cli.output import EXIT_FAILED, EXIT_USAGE, JSON_HELP, fail, say, write_json

Json = Annotated[str | None, typer.Option("--json", metavar="OUT|-", help=JSON_HELP)]


def register(app: typer.Typer) -> None:
    """Add the stack commands to the application."""
    for command in (up, down, status, logs, doctor, reset):
        app.command()(command)


def up(
    demo: Annotated[
        bool, typer.Option("--demo", help="Replay real prices through the stack and print a summary.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="With --demo: exit after the summary.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Run in the background; `seatrial down` stops it.")] = False,
) -> None:
    """Start the database and all services of this folder; Ctrl-C stops them."""
    if once and not demo:
        fail("--once requires --demo: `seatrial up --demo --once`.", EXIT_USAGE)
    if detach and demo:
        fail("--detach and --demo cannot be combined: the demo prints to its terminal.", EXIT_USAGE)
    if detach:
        _detach()
        return
    from seatrial.stack import foreground
    from seatrial.stack.layout import Layout

    job = foreground.demo(once) if demo else foreground.serve
    # an interrupted `--once` has printed no summary
    raise typer.Exit(foreground.run(Layout.here(), job, if_interrupted=EXIT_FAILED if once else 0))


def down(json_out: Json = None) -> None:
    """Stop the stack of this folder, including processes left by a crash."""
    from seatrial.stack import down as stopping
    from seatrial.stack.layout import Layout

    layout = Layout.nearest()
    stopped = stopping.stop(layout)
    if json_out:
        write_json(json_out, {"stopped": stopped})
    else:
        say(f"Stopped {', '.join(stopped)}." if stopped else f"Nothing was running in {layout.root}.")


def status(json_out: Json = None) -> None:
    """Show the status of the database and services; exit code 1 if any is not ready."""
    from dataclasses import asdict

    from seatrial.stack import status as stack_status
    from seatrial.stack import table
    from seatrial.stack.layout import Layout
    from seatrial.stack.processes.service_state import ServiceStatus
    from seatrial.terminal import SafeConsole

    layout = Layout.nearest()
    states = stack_status.states(layout)
    if json_out:
        write_json(json_out, {"folder": str(layout.root), "items": [asdict(state) for state in states]})
    elif states:
        SafeConsole().print(table.of_states(states, layout.root))
    else:
        say(f"Nothing is running in {layout.root}. Start it with `seatrial up`.")
    raise typer.Exit(0 if states and all(state.status is ServiceStatus.READY for state in states) else EXIT_FAILED)


def logs(
    service: Annotated[str, typer.Argument(help="metrics, alerts, backtest, stress, engine, postgres or up")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Number of last lines to print first.")] = 100,
) -> None:
    """Print the log of one service."""
    from seatrial.stack import logfile
    from seatrial.stack.layout import Layout

    layout = Layout.nearest()
    names = logfile.names(layout)
    if service not in names:
        hint = f"There are: {', '.join(names)}." if names else "Start the stack with `seatrial up` first."
        fail(f"There is no log of `{service}` in {layout.root}. {hint}", EXIT_USAGE)
    try:
        for line in logfile.read(layout.log(service), lines, follow):
            say(line)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def doctor(json_out: Json = None) -> None:
    """Check Python, packages, folder, disk, PostgreSQL, ports and database; exit code 1 if a check fails."""
    from dataclasses import asdict

    from rich.table import Column, Table

    from seatrial.stack import doctor as checks
    from seatrial.stack.layout import Layout
    from seatrial.terminal import SafeConsole, coloured

    findings = checks.examine(Layout.nearest())
    if json_out:
        write_json(json_out, {"items": [asdict(finding) for finding in findings]})
    else:
        table = Table("check", "ok", Column("result", overflow="fold"))
        for finding in findings:
            mark = coloured("yes", "green") if finding.ok else coloured("no", "red")
            table.add_row(finding.check, mark, finding.found)
        SafeConsole().print(table)
        for finding in findings:  # below the table, whose columns would break a command into lines
            if finding.advice:
                say(f"{finding.check}: {finding.advice}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else EXIT_FAILED)


def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Confirm the deletion.")] = False,
    stale: Annotated[
        bool, typer.Option("--stale", help="Delete databases of deleted working folders instead (they exist as root).")
    ] = False,
) -> None:
    """Stop the stack of this folder and delete its database, token and logs."""
    if stale:
        _reset_stale(is_confirmed=yes)
        return
    from seatrial.stack import down as stopping
    from seatrial.stack.layout import Layout

    layout = Layout.nearest()
    if not layout.base.exists():
        say(f"There is no {layout.base}, so there is nothing to delete.")
        return
    if not yes:
        fail(
            f"This deletes {layout.base} with its database, token and logs. Confirm with `seatrial reset --yes`.",
            EXIT_USAGE,
        )
    stopping.remove(layout)
    say(f"Deleted {layout.base}.")


def _reset_stale(*, is_confirmed: bool) -> None:
    from seatrial.stack.postgres import old_databases

    databases = old_databases.find()
    if not databases:
        say("Every database under /var/lib/seatrial that is yours has its working folder; there is nothing to delete.")
        return
    if not is_confirmed:
        for database in databases:
            say(f"{database.folder}  made for {database.former.parent.parent}")
        fail(
            f"These {len(databases)} databases have no working folder. If you moved one of these folders, run "
            "`seatrial up` in its new place first. Delete all of them with `seatrial reset --stale --yes`.",
            EXIT_USAGE,
        )
    deleted, used = old_databases.remove()
    say(f"Deleted {len(deleted)} databases without a working folder.")
    if used:
        fail(f"{len(used)} are in use and were kept: {', '.join(str(folder) for folder in used)}.")


def _detach() -> None:
    from seatrial.stack import background
    from seatrial.stack.layout import Layout

    layout = Layout.here()
    pid = background.launch(layout, say)
    say(f"Seatrial is up in {layout.root} (process {pid}). `seatrial status` shows it, `seatrial down` stops it.")
