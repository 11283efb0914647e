"""Output of the commands: messages, `--json OUT|-`, exit codes."""

import json
import sys
from pathlib import Path
from typing import NoReturn

import typer

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2

JSON_HELP = "Write JSON to a file, or to the standard output with -."


def write_json(target: str, data: object) -> None:
    """Write data as JSON to a file, or to the standard output when the target is `-`."""
    text = json.dumps(data, indent=2, default=str) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        fail(
            f"Cannot write {target}: {error.strerror}. Name a file in an existing folder that you may write to.",
            EXIT_USAGE,
        )


def say(message: str) -> None:
    """Print one message."""
    typer.echo(message)


def fail(message: str, code: int = EXIT_FAILED) -> NoReturn:
    """Print one message to the standard error and exit with `code`."""
    typer.echo(message, err=True)
    raise typer.Exit(code)
