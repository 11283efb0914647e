"""Checks data quality: rejects or drops bad rows and counts gaps and other oddities; never repairs data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data.columns import Arrays
from seatrial_core.errors import FieldError
from seatrial_core.json_types import Json
from seatrial_core.timestamps import format_epoch_ms
from seatrial_trading.quant.candles import CandleError, Candles, bad_rows

OnBadBar = Literal["reject", "drop"]
ON_BAD_BAR: tuple[OnBadBar, ...] = ("reject", "drop")
MAX_LISTED = 50


@dataclass(frozen=True, eq=False)
class ParsedRows:
    """Parsed columns and the rows that cannot be used.

    Args:
        arrays: `time` int64[n] in UTC epoch milliseconds; `open high low close volume` float64[n].
        row_numbers: Number of each row in its source, int64[n].
        bad_rows: Reason by position of each row with a cell that cannot be read.
    """

    arrays: Arrays
    row_numbers: NDArray[np.int64]
    bad_rows: Mapping[int, str]


@dataclass(frozen=True, eq=False)
class ValidRows:
    """The rows that are valid bars, and the reason for each dropped row by its number in the source."""

    arrays: Arrays
    dropped: Mapping[int, str]


def sort_ascending(rows: ParsedRows) -> tuple[ParsedRows, bool]:
    """Return rows oldest first, and whether they were newest first; single rows out of order stay where they are."""
    steps = np.diff(rows.arrays["time"])
    if int(np.count_nonzero(steps < 0)) * 2 <= len(steps):
        return rows, False
    last = len(rows.row_numbers) - 1
    arrays = {name: column[::-1] for name, column in rows.arrays.items()}
    return ParsedRows(arrays, rows.row_numbers[::-1], {last - row: why for row, why in rows.bad_rows.items()}), True


def check(rows: ParsedRows, on_bad_bar: OnBadBar) -> ValidRows:
    """Return the valid rows.

    Args:
        rows: Rows, oldest first.
        on_bad_bar: `reject` raises if any row is bad, `drop` leaves bad rows out.

    Raises:
        CandleError: With the list of bad rows; for `drop` only if no valid row remains.
    """
    bad = {**bad_rows(rows.arrays), **rows.bad_rows}
    if not bad:
        return ValidRows(rows.arrays, {})
    if on_bad_bar == "reject":
        raise _rejection(bad, rows.row_numbers)
    return _drop(rows, bad)


def summarize(candles: Candles) -> Json:
    """Return counts of bars, gaps and oddities; nothing is filled in."""
    steps = np.diff(candles.time_ms)
    gaps = np.flatnonzero(steps > candles.interval_ms)
    missing = steps[gaps] // candles.interval_ms - 1
    widest = gaps[np.argsort(-steps[gaps], kind="stable")][:MAX_LISTED]
    return {
        "bars": len(candles),
        "interval_ms": candles.interval_ms,
        "first": format_epoch_ms(int(candles.time_ms[0])),
        "last": format_epoch_ms(int(candles.time_ms[-1])),
        "gaps": len(gaps),
        "missing_bars": int(missing.sum()),
        "gap_list": [
            {
                "after": format_epoch_ms(int(candles.time_ms[row])),
                "before": format_epoch_ms(int(candles.time_ms[row + 1])),
                "missing_bars": int(steps[row] // candles.interval_ms - 1),
            }
            for row in widest.tolist()
        ],
        "irregular_steps": int(np.count_nonzero(steps % candles.interval_ms)),
        "zero_volume_bars": int(np.count_nonzero(candles.volume == 0.0)),
        "flat_bars": int(np.count_nonzero(candles.high == candles.low)),
    }


def list_dropped(dropped: Mapping[int, str]) -> list[Json]:
    """Return the first dropped rows as JSON."""
    return [{"row": row, "reason": reason} for row, reason in sorted(dropped.items())[:MAX_LISTED]]


def _rejection(bad: Mapping[int, str], row_numbers: NDArray[np.int64]) -> CandleError:
    rows = sorted((int(row_numbers[position]), reason) for position, reason in bad.items())
    first, reason = rows[0]
    return CandleError(
        f"bad rows: {len(rows)}; the first is row {first}: {reason}; correct the data, or drop and count such rows "
        "with on_bad_bar=drop (`--on-bad-bar drop` on the command line)",
        errors=[FieldError(f"row {row}", row, why) for row, why in rows[:MAX_LISTED]],
    )


def _drop(rows: ParsedRows, bad: Mapping[int, str]) -> ValidRows:
    # The order of times is checked among the rows that remain, so that a bad row does not invalidate the next ones.
    reasons = {row: reason for row, reason in bad.items() if not reason.startswith("time ")}
    is_valid = np.ones(len(rows.row_numbers), dtype=np.bool_)
    is_valid[list(reasons)] = False
    times = rows.arrays["time"][is_valid]
    latest = np.maximum.accumulate(times)
    is_late = np.zeros(len(times), dtype=np.bool_)
    is_late[1:] = times[1:] <= latest[:-1]
    late = np.flatnonzero(is_valid)[is_late]
    for position in late.tolist():
        reasons[position] = bad.get(position, "time goes back")
    is_valid[late] = False
    if not is_valid.any():
        raise _rejection(bad, rows.row_numbers)
    arrays = {name: column[is_valid] for name, column in rows.arrays.items()}
    return ValidRows(arrays, {int(rows.row_numbers[position]): reason for position, reason in reasons.items()})
