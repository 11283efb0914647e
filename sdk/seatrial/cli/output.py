"""How commands speak: tables and sentences for people, `--json OUT|-` for programs, exit codes for scripts."""

import json
import sys
from pathlib import Path
from typing import NoReturn

import typer

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2

JSON_HELP = "Write the data as JSON to a file, or to the output with -."


def write_json(target: str, data: object) -> None:
    """Write data as JSON to a file, or to the standard output when the target is `-`."""
    text = json.dumps(data, indent=2, default=str) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"Cannot write {target}: {error.strerror}. Name a file in a folder that exists and is yours.", EXIT_USAGE)


def say(sentence: str) -> None:
    """Print one sentence."""
    typer.echo(sentence)


def fail(sentence: str, code: int = EXIT_FAILED) -> NoReturn:
    """Print one sentence on the error output and end with a code."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)
