"""At 80 columns every command shows its help and its tables whole."""

from collections.abc import Iterator

import pytest
import typer

from seatrial.cli.main import GROUPS, build, main
from seatrial.cli.tokens import print_table

COLUMNS = 80


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the terminal 80 columns wide."""
    monkeypatch.setenv("COLUMNS", str(COLUMNS))


def commands() -> list[list[str]]:
    paths: list[list[str]] = []
    for group in ([], *([name] for name in GROUPS)):
        paths += [path for path in walk(typer.main.get_command(build(group)), []) if path not in paths]
    return paths


def walk(command: object, path: list[str]) -> Iterator[list[str]]:
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, [*path, name])


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_help_fits(path: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*path, "--help"])
    printed = capsys.readouterr().out

    assert ended.value.code == 0
    assert max(len(line) for line in printed.splitlines()) <= COLUMNS
    assert "…" not in printed


def test_the_list_of_tokens_shows_every_scope_and_the_expiry(capsys: pytest.CaptureFixture[str]) -> None:
    scopes = ["alerts:read", "engine:control", "engine:trade", "events:write", "metrics:read", "stress:read"]
    token = {
        "id": "9f824b509286",
        "name": "the-token-of-a-bot-with-a-name-of-many-words",
        "scopes": scopes,
        "status": "valid",
        "created_by": "somebody@a-machine-with-a-long-name.example.com",
        "expires_at": "2027-02-26T07:47:00Z",
    }

    print_table([token])

    lines = capsys.readouterr().out.splitlines()
    printed = "".join(lines)
    assert max(len(line) for line in lines) <= COLUMNS
    assert "…" not in printed
    assert all(part in printed for part in (*scopes, "9f824b509286", "valid", "2027-02-26", "07:47"))
