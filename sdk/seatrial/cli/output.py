"""Output of the commands: messages, `--json OUT|-`, exit codes."""

import json
import sys
from pathlib import Path
from typing import NoReturn

import typer

from seatrial.terminal import plain
from seatrial_core import private_files
from seatrial_core.redaction import redact

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2

JSON_HELP = "Write JSON to a file; - is the standard output."


def write_json(target: str, data: object) -> None:
    """Write data as JSON to a file, or to the standard output when the target is `-`."""
    text = json.dumps(data, indent=2, default=str) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        private_files.write_output(Path(target), text)
    except OSError as error:
        fail(
            f"Cannot write {target}: {error.strerror}. Name a file in an existing folder that you may write to.",
            EXIT_USAGE,
        )


def say(message: str) -> None:
    """Print one message."""
    typer.echo(plain(redact(message)))


def say_error(message: str) -> None:
    """Print one message to the standard error."""
    typer.echo(plain(redact(message)), err=True)


def fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """Print one message to the standard error and exit with `code`."""
    say_error(message)
    raise typer.Exit(code)
