"""Shows refused values in messages: short, on one line, and always possible to encode."""

import reprlib

from seatrial_core.characters import printable

MAX_QUOTE = 200
_INT64_BITS = 63


def quote(value: object, limit: int = MAX_QUOTE) -> bool | int | str | None:
    """Return a refused value as a message shows it; anything but a boolean or a small integer becomes text.

    Args:
        value: What was refused, of any type, size and depth.
        limit: The greatest number of characters.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= _INT64_BITS else f"an integer of {value.bit_length()} bits"
    if isinstance(value, str):
        text = printable(value[: limit + 1])
    else:
        text = printable(_short(limit).repr(value))
    return text if len(text) <= limit else text[:limit] + "..."


def _short(limit: int) -> reprlib.Repr:
    short = reprlib.Repr()
    short.maxlevel = 4
    short.maxdict = short.maxlist = short.maxtuple = 20
    short.maxstring = short.maxother = short.maxlong = limit
    return short
