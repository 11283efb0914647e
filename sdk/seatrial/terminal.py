"""Writes to the terminal so that data of users and of other machines is only text, never a command of the terminal."""

import re
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from seatrial_core.redaction import redact

# Controls (C0, DEL, C1), surrogates, and format characters that reorder or hide text: directions, zero widths, tags.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def plain(text: str) -> str:
    """Return a text in which every control and invisible character is written as an escape such as \\x1b.

    Tab and newline stay, because messages of ours have several lines.
    """
    return _UNSAFE.sub(_escaped, text)


def safe_line(text: str) -> str:
    """Return a text for one line of the terminal: no control characters, no line breaks, no secrets."""
    return plain(redact(text)).replace("\n", "\\n")


def coloured(text: str, style: str) -> Text:
    """Return a text of ours in a colour; data is never coloured by markup in it."""
    return Text(plain(text), style=style)


class SafeConsole(Console):
    """A console that prints data as it is: no markup such as [red], no emoji codes, no control characters."""

    def __init__(self, *, stderr: bool = False, **options: Any) -> None:  # Any: rich's options
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:  # Any: rich's options
        """Return a text for a table cell or title, measured as it is printed."""
        return super().render_str(plain(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return the parts to print; every text passes here, whatever object it comes from."""
        for segment in super().render(renderable, options):
            if segment.control or not _UNSAFE.search(segment.text):
                yield segment
            else:
                yield Segment(plain(segment.text), segment.style)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
