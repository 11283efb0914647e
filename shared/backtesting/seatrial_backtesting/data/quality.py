"""Checks data quality: rejects or drops bad rows and counts gaps and other oddities; never repairs data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data.bad_rows import MAX_LISTED, BadRows
from seatrial_backtesting.data.columns import Arrays
from seatrial_core.errors import FieldError
from seatrial_core.json_types import Json
from seatrial_core.timestamps import format_epoch_ms
from seatrial_trading.quant.candles import CandleError, Candles, find_faults

OnBadBar = Literal["reject", "drop"]
ON_BAD_BAR: tuple[OnBadBar, ...] = ("reject", "drop")
UNREADABLE_CELL = "a cell cannot be read"
Faults = Sequence[tuple[str, NDArray[np.bool_]]]


@dataclass(frozen=True, eq=False)
class ParsedRows:
    """Parsed columns and the rows that cannot be used.

    Args:
        arrays: `time` int64[n] in UTC epoch milliseconds; `open high low close volume` float64[n].
        row_numbers: Number of each row in its source, int64[n].
        bad_rows: Rows with a cell that cannot be read.
    """

    arrays: Arrays
    row_numbers: NDArray[np.int64]
    bad_rows: BadRows


@dataclass(frozen=True, eq=False)
class ValidRows:
    """The valid rows, how many were dropped, and the reasons of the first of these by their number in the source."""

    arrays: Arrays
    dropped: int = 0
    reasons: Mapping[int, str] = field(default_factory=dict)


def sort_ascending(rows: ParsedRows) -> tuple[ParsedRows, bool]:
    """Return rows oldest first, and whether they were newest first; single rows out of order stay where they are."""
    steps = np.diff(rows.arrays["time"])
    if int(np.count_nonzero(steps < 0)) * 2 <= len(steps):
        return rows, False
    arrays = {name: column[::-1] for name, column in rows.arrays.items()}
    return ParsedRows(arrays, rows.row_numbers[::-1], rows.bad_rows.reversed()), True


def check(rows: ParsedRows, on_bad_bar: OnBadBar) -> ValidRows:
    """Return the valid rows.

    Args:
        rows: Rows, oldest first.
        on_bad_bar: `reject` raises if any row is bad, `drop` leaves bad rows out.

    Raises:
        CandleError: With the list of bad rows; for `drop` only if no valid row remains.
    """
    faults = find_faults(rows.arrays)
    is_bad = np.logical_or.reduce([rows.bad_rows.is_bad, *(mask for _, mask in faults)])
    if not is_bad.any():
        return ValidRows(rows.arrays)
    if on_bad_bar == "reject":
        raise _rejection(rows, faults, is_bad)
    return _drop(rows, faults, is_bad)


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


def list_dropped(reasons: Mapping[int, str]) -> list[Json]:
    """Return the first dropped rows as JSON."""
    return [{"row": row, "reason": reason} for row, reason in sorted(reasons.items())[:MAX_LISTED]]


def _rejection(rows: ParsedRows, faults: Faults, is_bad: NDArray[np.bool_]) -> CandleError:
    reasons = sorted(_reasons(rows, faults, is_bad).items())
    first, reason = reasons[0]
    return CandleError(
        f"bad rows: {np.count_nonzero(is_bad)}; the first is row {first}: {reason}; correct the data, or drop and "
        "count such rows with on_bad_bar=drop (`--on-bad-bar drop` on the command line)",
        errors=[FieldError(f"row {row}", row, why) for row, why in reasons],
    )


def _drop(rows: ParsedRows, faults: Faults, is_bad: NDArray[np.bool_]) -> ValidRows:
    # The order of times is checked among the rows that remain, so that a bad row does not invalidate the next ones.
    is_valid = ~np.logical_or.reduce(
        [rows.bad_rows.is_bad, *(mask for reason, mask in faults if not _of_order(reason))]
    )
    times = rows.arrays["time"][is_valid]
    latest = np.maximum.accumulate(times)
    is_late = np.zeros(len(times), dtype=np.bool_)
    is_late[1:] = times[1:] <= latest[:-1]
    is_valid[np.flatnonzero(is_valid)[is_late]] = False
    if not is_valid.any():
        raise _rejection(rows, faults, is_bad)
    arrays = {name: column[is_valid] for name, column in rows.arrays.items()}
    return ValidRows(arrays, int(np.count_nonzero(~is_valid)), _reasons(rows, faults, ~is_valid))


def _of_order(reason: str) -> bool:
    return reason.startswith("time ")


def _reasons(rows: ParsedRows, faults: Faults, is_bad: NDArray[np.bool_]) -> dict[int, str]:
    # Of the first rows in the source; the rows may be in reverse.
    positions = np.flatnonzero(is_bad)
    positions = positions[np.argsort(rows.row_numbers[positions], kind="stable")[:MAX_LISTED]]
    return {int(rows.row_numbers[row]): _reason(rows, faults, row) for row in positions.tolist()}


def _reason(rows: ParsedRows, faults: Faults, row: int) -> str:
    if rows.bad_rows.is_bad[row]:
        return rows.bad_rows.reasons.get(row, UNREADABLE_CELL)
    return next((reason for reason, mask in faults if mask[row]), "time goes back")
