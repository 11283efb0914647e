"""The entry point of `seatrial`: builds the application and turns errors into messages and exit codes."""

import importlib
import os
import sys
import traceback
from importlib import metadata
from types import TracebackType
from typing import Annotated

import typer

from seatrial.cli import db, stack, tokens
from seatrial.cli.output import EXIT_FAILED, EXIT_USAGE, say_error
from seatrial_core import redaction
from seatrial_core.errors import SeatrialError, SettingsError

COMPLETION_VARIABLE = "_SEATRIAL_COMPLETE"

# Each module `seatrial.cli.NAME` defines `app`, a Typer application. It is imported only when its command is used, so
# that `seatrial --help` does not import numpy and Locust.
GROUPS = {
    "backtest": "Test strategies on historical bars.",
    "stress": "Load-test a trading engine and verify its orders.",
}


def build(arguments: list[str]) -> typer.Typer:
    """Return the application; only the group named in `arguments` is loaded with its commands."""
    app = typer.Typer(
        name="seatrial",
        help="Monitor a trading engine in production and test it before it trades.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    stack.register(app)
    app.add_typer(db.app, name="db")
    app.add_typer(tokens.app, name="token")
    command = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, help_text in GROUPS.items():
        group = importlib.import_module(f"seatrial.cli.{name}").app if name == command else typer.Typer()
        app.add_typer(group, name=name, help=help_text)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit the process: 0 ok, 1 failed, 2 usage error or invalid value."""
    command_line = _completed_words() or (sys.argv[1:] if arguments is None else arguments)
    redaction.remember_environment(os.environ)
    sys.excepthook = _print_traceback
    try:
        build(command_line)(args=arguments, prog_name="seatrial")
    except BrokenPipeError:
        sys.exit(EXIT_FAILED)
    except SeatrialError as error:
        say_error(str(error))
        sys.exit(getattr(error, "exit_code", EXIT_USAGE if isinstance(error, SettingsError) else EXIT_FAILED))


def _completed_words() -> list[str]:
    # A shell that completes a command runs `seatrial` without arguments; the words so far are in a variable.
    if COMPLETION_VARIABLE not in os.environ:
        return []
    words = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS") or ""
    return words.split()[1:]


def _print_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    say_error("".join(traceback.format_exception(kind, error, trace)).rstrip())


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"seatrial {metadata.version('seatrial')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version  # its callback prints it and ends


if __name__ == "__main__":
    main()
