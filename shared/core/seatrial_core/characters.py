"""Unicode characters that texts may hold, and escapes for the others.

Refused are control characters, lone surrogates, noncharacters, line and paragraph separators and invisible format
characters. Bidirectional overrides and isolates are among those: they show a text in another order than it is compared
in; zero-width characters make two names look the same. Prose may hold tabs, line ends, and the zero-width joiners that
emoji and some scripts need.
"""

import unicodedata

_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_IN_PROSE = frozenset("\t\n\u200c\u200d")


def normalise(value: str, *, is_prose: bool = False) -> str:
    """Return a text in NFC, with line ends of one line feed.

    Args:
        value: The text as it came.
        is_prose: Whether tabs, line ends and zero-width joiners are allowed.

    Raises:
        ValueError: It holds a character that is not allowed; the message names it and its place.

    Example:
        >>> normalise("cafe\u0301") == "caf\u00e9"
        True
    """
    text = value.replace("\r\n", "\n") if is_prose else value
    if not text.isprintable():
        for place, character in enumerate(text):
            if is_refused(character) and not (is_prose and character in _IN_PROSE):
                raise ValueError(f"must not contain {_named(character)}, found at position {place}")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_refused(character: str) -> bool:
    """Return whether a character is allowed in no text but prose."""
    code = ord(character)
    is_noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return is_noncharacter or unicodedata.category(character) in _REFUSED_CATEGORIES


def printable(value: str) -> str:
    r"""Return a text that can be encoded and shown on one line: characters that `Text` refuses become escapes.

    Example:
        >>> printable("A\x1bB")
        'A\\x1bB'
    """
    if value.isascii() and value.isprintable():
        return value
    return "".join(ascii(character)[1:-1] if is_refused(character) else character for character in value)


def printable_lines(value: str) -> str:
    """Return `printable` text that keeps its line ends."""
    return "\n".join(printable(line) for line in value.split("\n"))


def _named(character: str) -> str:
    code = ord(character)
    kind = {"Cc": "the control character", "Cs": "the lone surrogate", "Cf": "the invisible character"}
    return f"{kind.get(unicodedata.category(character), 'the character')} U+{code:04X}"
