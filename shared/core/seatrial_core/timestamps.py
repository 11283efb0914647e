"""Conversions between aware datetimes, RFC 3339 text and epoch milliseconds."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def format_rfc3339(moment: datetime, timespec: str = "auto") -> str:
    """Return a datetime as RFC 3339 text in UTC, ending in `Z`.

    Args:
        moment: An aware datetime, in any zone.
        timespec: As in `datetime.isoformat`: "auto", "seconds", "milliseconds" or "microseconds".

    Raises:
        ValueError: The datetime is naive.

    Example:
        >>> format_rfc3339(EPOCH)
        '1970-01-01T00:00:00Z'
    """
    if moment.tzinfo is None:
        raise ValueError(f"a timestamp needs a time zone, found {moment!r}; add tzinfo=UTC")
    return moment.astimezone(UTC).isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


def format_epoch_ms(milliseconds: int) -> str:
    """Return epoch milliseconds as RFC 3339 text in UTC, with milliseconds only where they are not 0."""
    return format_rfc3339(from_epoch_ms(milliseconds), "milliseconds" if milliseconds % 1000 else "seconds")


def from_epoch_ms(milliseconds: int) -> datetime:
    """Return the aware UTC datetime of a number of milliseconds since 1970-01-01 UTC.

    Raises:
        OverflowError: The instant is outside the years 1 to 9999.
    """
    return EPOCH + timedelta(milliseconds=milliseconds)


def to_epoch_ms(moment: datetime) -> int:
    """Return the whole milliseconds from 1970-01-01 UTC to an aware datetime, rounded down.

    Raises:
        TypeError: The datetime is naive.
    """
    return (moment - EPOCH) // _MILLISECOND
