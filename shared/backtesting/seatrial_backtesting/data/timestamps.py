"""Parses a column of timestamps into UTC epoch milliseconds, and lists the rows that cannot be parsed."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data.bad_rows import BadRows, first

UNREADABLE = np.iinfo(np.int64).min
# The unit of an epoch number follows from its size: seconds until the year 5138, then milli-, micro-, nanoseconds.
_LARGEST_SECONDS = 1e11
_LARGEST_MILLISECONDS = 1e14
_LARGEST_MICROSECONDS = 1e17
_EARLIEST_MS, _LATEST_MS = -5_364_662_400_000, 7_258_118_400_000
_LARGEST_NUMBER = 9e18  # nanoseconds in 64 bits
# One day inside of the years 1 to 9999, which a zone may move a time across.
_FIRST_LOCAL_MS = round(datetime(1, 1, 2, tzinfo=UTC).timestamp() * 1000)
_LAST_LOCAL_MS = round(datetime(9999, 12, 30, tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True, eq=False)
class ParsedTimestamps:
    """A parsed column.

    Args:
        time_ms: UTC epoch milliseconds, int64[n]; `UNREADABLE` in bad rows.
        naive: How many values had no time zone.
        bad_rows: Rows that cannot be parsed.
    """

    time_ms: NDArray[np.int64]
    naive: int
    bad_rows: BadRows


def parse(
    values: Sequence[Any] | NDArray[Any], zone: ZoneInfo | None = None
) -> ParsedTimestamps:  # Any: texts, numbers, dates
    """Parse ISO 8601 texts, epoch numbers, datetimes or dates.

    Args:
        values: One value per bar.
        zone: Time zone of values without one; None means UTC.
    """
    return _in_calendar(_parsed(values, zone))


def _in_calendar(parsed: ParsedTimestamps) -> ParsedTimestamps:
    times = parsed.time_ms
    outside = (times != UNREADABLE) & ((times < _EARLIEST_MS) | (times >= _LATEST_MS))
    if not outside.any():
        return parsed
    bad = BadRows.of(outside, "the time lies outside the years 1800 to 2199")
    return ParsedTimestamps(np.where(outside, UNREADABLE, times), parsed.naive, bad.before(parsed.bad_rows))


def _parsed(values: Sequence[Any] | NDArray[Any], zone: ZoneInfo | None) -> ParsedTimestamps:  # Any: as in `parse`
    array = np.asarray(values)
    if array.dtype.kind == "M":
        return _parse_naive(array.astype("datetime64[ms]"), zone)
    if array.dtype.kind in "iuf":
        return _parse_epoch(array.astype(np.float64), array)
    if array.dtype.kind == "U":
        return _parse_texts(array, zone)
    return _parse_each(list(values), zone)


def _parse_epoch(numbers: NDArray[np.float64], exact: NDArray[Any] | None = None) -> ParsedTimestamps:
    usable = np.abs(numbers) < _LARGEST_NUMBER  # false for NaN
    clean = np.where(usable, numbers, 0.0)
    size = float(np.median(np.abs(clean))) if len(clean) else 0.0
    if exact is not None and exact.dtype.kind in "iu":
        times = _scale_integers(exact.astype(np.int64), size)
    else:
        times = np.round(clean * _epoch_factor(size)).astype(np.int64)
    times[~usable] = UNREADABLE
    return ParsedTimestamps(times, 0, BadRows.of(~usable, "the time is not a finite number below 9e18"))


def _epoch_factor(size: float) -> float:
    if size < _LARGEST_SECONDS:
        return 1000.0
    if size < _LARGEST_MILLISECONDS:
        return 1.0
    return 1e-3 if size < _LARGEST_MICROSECONDS else 1e-6


def _scale_integers(numbers: NDArray[np.int64], size: float) -> NDArray[np.int64]:
    factor = _epoch_factor(size)
    scaled: NDArray[np.int64] = numbers * int(factor) if factor >= 1.0 else numbers // round(1.0 / factor)
    return scaled


def _parse_naive(stamps: NDArray[np.datetime64], zone: ZoneInfo | None) -> ParsedTimestamps:
    times = stamps.astype(np.int64)
    is_missing = np.isnat(stamps)
    if zone is not None:
        cells = zip(times.tolist(), is_missing.tolist(), strict=True)
        times = np.array([UNREADABLE if missing else _local_ms(ms, zone) for ms, missing in cells], dtype=np.int64)
    naive = len(times) - int(np.count_nonzero(is_missing))
    return ParsedTimestamps(times, naive, BadRows.of(is_missing, "the time is missing"))


def _local_ms(wall_ms: int, zone: ZoneInfo) -> int:
    if not _FIRST_LOCAL_MS < wall_ms < _LAST_LOCAL_MS:
        return wall_ms  # no date of the calendar; the check of the range refuses it
    wall = datetime.fromtimestamp(wall_ms / 1000, UTC).replace(tzinfo=zone)
    return round(wall.timestamp() * 1000)


def _parse_texts(texts: NDArray[np.str_], zone: ZoneInfo | None) -> ParsedTimestamps:
    stripped = np.char.strip(texts)
    first = str(stripped[0]) if len(stripped) else ""
    if _is_number(first):
        try:
            return _parse_epoch(stripped.astype(np.float64), _as_integers(stripped))
        except ValueError:
            return _parse_each([_number_or_text(str(text)) for text in stripped], zone)
    plain = np.char.endswith(stripped, "Z")
    with_zone = bool(plain.all())
    if with_zone or (not plain.any() and not _has_offset(first)):
        try:
            stamps = np.char.rstrip(stripped, "Z").astype("datetime64[ms]")
        except ValueError:
            return _parse_each(stripped.tolist(), zone)
        parsed = _parse_naive(stamps, None if with_zone else zone)
        return ParsedTimestamps(parsed.time_ms, 0 if with_zone else parsed.naive, parsed.bad_rows)
    return _parse_each(stripped.tolist(), zone)


def _as_integers(texts: NDArray[np.str_]) -> NDArray[np.int64] | None:
    try:
        return texts.astype(np.int64)
    except (ValueError, OverflowError):
        return None


def _has_offset(text: str) -> bool:
    return "+" in text or text.count("-") > 2


def _is_number(text: str) -> bool:
    # 20170102 is a day, not an epoch number.
    return _as_float(text) is not None and not (
        text.isdigit() and len(text) in {8, 12, 14} and text[:2] in {"19", "20"}
    )


def _number_or_text(text: str) -> float | str:
    number = _as_float(text)
    return text if number is None else number


def _as_float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _parse_each(values: Iterable[Any], zone: ZoneInfo | None) -> ParsedTimestamps:
    rows = list(values)
    numbers = [value for value in rows if isinstance(value, int | float) and not isinstance(value, bool)]
    usable = [float(number) for number in numbers if abs(number) < _LARGEST_NUMBER]  # false for NaN
    factor = _epoch_factor(float(np.median(np.abs(usable))) if usable else 0.0)
    times, naive = np.empty(len(rows), dtype=np.int64), 0
    is_bad = np.zeros(len(rows), dtype=np.bool_)
    for row, value in enumerate(rows):
        try:
            moment = _parse_value(value, factor)
            if isinstance(moment, int):
                times[row] = moment
                continue
        except (ValueError, OverflowError):
            times[row] = UNREADABLE
            is_bad[row] = True
            continue
        if moment.tzinfo is None:
            naive += 1
            moment = moment.replace(tzinfo=zone or UTC)
        times[row] = round(moment.timestamp() * 1000)
    allowed = "use ISO 8601 or epoch seconds or milliseconds"
    reasons = {row: f"the time {rows[row]!r} cannot be read; {allowed}" for row in first(is_bad)}
    return ParsedTimestamps(times, naive, BadRows(is_bad, reasons))


def _parse_value(value: Any, factor: float) -> int | datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  naive on purpose: the caller counts it
    if isinstance(value, np.datetime64):
        return _parse_value(value.astype("datetime64[ms]").item(), factor)
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        epoch_ms = round(float(value) * factor)
        if abs(epoch_ms) > _LARGEST_NUMBER:
            raise OverflowError("beyond 64 bits")
        return epoch_ms
    if isinstance(value, str):
        return datetime.fromisoformat(_normalize_iso(value.strip()))
    raise ValueError("not a time")


def _normalize_iso(text: str) -> str:
    # Some trading terminals write 2017.01.02 or 2017/01/02.
    if len(text) >= 10 and text[4] in "./" and text[7] == text[4]:
        return f"{text[:4]}-{text[5:7]}-{text[8:]}"
    if len(text) == 15 and text[8] == " " and text[:8].isdigit():
        return f"{text[:8]}T{text[9:]}"
    return text
