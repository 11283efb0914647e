"""Data of users is printed as text: it moves no cursor, sets no clipboard, is no markup and hides nothing."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from seatrial.cli import output
from seatrial.terminal import SafeConsole, coloured, plain, safe_line

HOSTILE = [
    "\x1b[31mred",
    "\x1b]52;c;cm0gLXJmIH4=\x07",
    "\x1b]8;;http://attacker.example\x1b\\click\x1b]8;;\x1b\\",
    "\x9b31mred",
    "\rfake",
    "\x08\x08\x08",
    "evil\u202etxt.exe",
    "zero\u200bwidth",
    "\u2066isolate",
    "tag\U000e0041",
    "lone\ud800surrogate",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_control_and_hidden_characters_become_escapes(text: str) -> None:
    shown = plain(text)

    assert shown.isascii()
    assert shown.isprintable()


@pytest.mark.parametrize("text", ["BTCUSDT", "Größe ≥ 1 €", "日本", "two\nlines\tand a tab", "😀"])
def test_ordinary_text_stays(text: str) -> None:
    assert plain(text) == text


def test_a_line_is_one_line_without_secrets() -> None:
    assert safe_line("a\nready\npostgresql://u:password1@h/d") == "a\\nready\\npostgresql://u:***@h/d"


@pytest.mark.parametrize("text", [*HOSTILE, "[red]markup[/red]", "[link=http://attacker.example]x[/link]", ":smile:"])
def test_no_console_output_carries_a_command(text: str) -> None:
    stream = io.StringIO()
    console = SafeConsole(file=stream, force_terminal=True, color_system=None, width=300)
    table = Table("a", title=text)
    table.add_row(text)
    table.add_row(Text(text))

    console.print(text)
    console.print(table)
    console.print(coloured(text, "red"))

    printed = stream.getvalue()
    assert "\x1b" not in printed
    assert plain(printed) == printed
    assert printed.count(plain(text)) >= 4  # rich itself drops some controls of a Text


def test_messages_are_plain_and_without_secrets(capfd: pytest.CaptureFixture[str]) -> None:
    output.say("rule \x1b[2J of http://u:password1@h/")
    output.say_error("\x1b]0;title\x07")

    captured = capfd.readouterr()
    assert captured.out == "rule \\x1b[2J of http://***@h/\n"
    assert captured.err == "\\x1b]0;title\\x07\n"
