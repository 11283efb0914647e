"""Cursors of paged lists: parsing what a caller sends back, formatting what a page hands out."""

from datetime import UTC, datetime

from seatrial_core.errors import ValidationFailed, field_error
from seatrial_core.timestamps import format_rfc3339

MAX_SEQUENCE_DIGITS = 18
MAX_SHOWN = 80
MAX_IDENTITY = 64


def parse_sequence(cursor: str | None) -> int | None:
    """Return the sequence number in a cursor, or None without a cursor.

    Raises:
        ValidationFailed: The cursor is not a `next_cursor` of a page.
    """
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal()) or len(cursor) > MAX_SEQUENCE_DIGITS:
        raise _refused(cursor)
    return int(cursor)


def format_position(moment: datetime, identity: str) -> str:
    """Return the cursor for a row in a list that is ordered by time, then by id."""
    return f"{format_rfc3339(moment)}/{identity}"


def parse_position(cursor: str | None) -> tuple[datetime, str] | None:
    """Return the time and the id in a cursor of `format_position`, or None without a cursor.

    Raises:
        ValidationFailed: The cursor is not a `next_cursor` of a page.
    """
    if cursor is None:
        return None
    text, _, identity = cursor.partition("/")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise _refused(cursor)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refused(cursor) from None
    if not (identity.isascii() and identity.isalnum()) or len(identity) > MAX_IDENTITY:
        raise _refused(cursor)
    return moment, identity


def _refused(cursor: str) -> ValidationFailed:
    return field_error("cursor", cursor[:MAX_SHOWN], "the next_cursor of the page before")
