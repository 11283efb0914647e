"""What is odd about data: bad rows, gaps, missing zones; found and told, never repaired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seatrial_core.errors import FieldError
from seatrial_trading.quant.candles import PRICES, CandleError, Candles, bad_rows

OnBadBar = Literal["reject", "drop"]
ON_BAD_BAR: tuple[OnBadBar, ...] = ("reject", "drop")
MAX_LISTED = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Arrays = dict[str, NDArray[Any]]  # Any: int64 for time, float64 for the rest


@dataclass(frozen=True, eq=False)
class ValidRows:
    """The rows that are bars, and those that were left out with the reason, by their number in the source."""

    arrays: Arrays
    dropped: Mapping[int, str]


def keep_good(
    arrays: Arrays, numbers: NDArray[np.int64], unreadable: Mapping[int, str], on_bad_bar: OnBadBar
) -> ValidRows:
    """Return the good rows, or raise with the list of the bad ones.

    Args:
        arrays: Columns `time open high low close volume`, oldest first.
        numbers: The number of each row in its source, for messages.
        unreadable: Rows (by position) whose cells could not be read.
        on_bad_bar: `reject` raises CandleError, `drop` leaves them out.
    """
    bad = {**bad_rows(arrays), **unreadable}
    if not bad:
        return ValidRows(arrays, {})
    if on_bad_bar == "reject":
        raise _rejection(bad, numbers)
    return _drop(arrays, numbers, bad)


def gaps(candles: Candles) -> dict[str, Any]:  # Any: JSON
    """Return where bars are missing; nothing is filled in."""
    steps = np.diff(candles.time_ms)
    holes = np.flatnonzero(steps > candles.interval_ms)
    missing = steps[holes] // candles.interval_ms - 1
    return {
        "gaps": len(holes),
        "missing_bars": int(missing.sum()),
        "gap_list": [
            {
                "after": instant(int(candles.time_ms[at])),
                "before": instant(int(candles.time_ms[at + 1])),
                "missing_bars": int(steps[at] // candles.interval_ms - 1),
            }
            for at in holes[np.argsort(-steps[holes], kind="stable")][:MAX_LISTED].tolist()
        ],
        "irregular_steps": int(np.count_nonzero(steps % candles.interval_ms)),
    }


def instant(time_ms: int) -> str:
    """Return epoch milliseconds as RFC 3339 with Z."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.isoformat(timespec="milliseconds" if time_ms % 1000 else "seconds").replace("+00:00", "Z")


def told(dropped: Mapping[int, str]) -> list[dict[str, Any]]:  # Any: JSON
    """Return the first dropped rows for a document."""
    return [{"row": row, "reason": reason} for row, reason in sorted(dropped.items())[:MAX_LISTED]]


def _rejection(bad: Mapping[int, str], numbers: NDArray[np.int64]) -> CandleError:
    rows = sorted((int(numbers[position]), reason) for position, reason in bad.items())
    first, reason = rows[0]
    return CandleError(
        f"{len(rows)} bad rows; the first is row {first}: {reason}; mend the data, or drop such rows with "
        "on_bad_bar=drop, which counts them",
        errors=[FieldError(f"row {row}", row, why) for row, why in rows[:MAX_LISTED]],
    )


def _drop(arrays: Arrays, numbers: NDArray[np.int64], bad: dict[int, str]) -> ValidRows:
    # Time is judged among the rows that stay, so that one bad row does not take its neighbours with it.
    in_time = {row for row, reason in bad.items() if reason.startswith("time ")}
    mask = np.ones(len(numbers), dtype=np.bool_)
    mask[[row for row in bad if row not in in_time]] = False
    reasons = {row: reason for row, reason in bad.items() if row not in in_time}
    times = arrays["time"][mask]
    before = np.maximum.accumulate(times)
    late = np.zeros(len(times), dtype=np.bool_)
    late[1:] = times[1:] <= before[:-1]
    positions = np.flatnonzero(mask)
    for position in positions[late].tolist():
        reasons[position] = bad.get(position, "time goes back")
    mask[positions[late]] = False
    if not mask.any():
        raise _rejection(bad, numbers)
    kept = {name: column[mask] for name, column in arrays.items()}
    return ValidRows(kept, {int(numbers[position]): reason for position, reason in reasons.items()})


def numbers_of(columns: Mapping[str, Sequence[Any] | NDArray[Any]]) -> tuple[Arrays, dict[int, str]]:
    """Return prices and volume as float64 columns, and the rows with a cell that is no number."""
    arrays: Arrays = {}
    unreadable: dict[int, str] = {}
    for name in (*PRICES, "volume"):
        if name not in columns:
            arrays[name] = np.zeros(len(columns["open"]))
            continue
        try:
            arrays[name] = np.asarray(columns[name], dtype=np.float64)
        except (TypeError, ValueError):
            arrays[name] = _cell_by_cell(name, columns[name], unreadable)
    return arrays, unreadable


def _cell_by_cell(name: str, cells: Sequence[Any] | NDArray[Any], unreadable: dict[int, str]) -> NDArray[np.float64]:
    numbers = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        text = str(cell).strip().replace(",", "")
        try:
            numbers[row] = float(text) if text or name != "volume" else 0.0
        except ValueError:
            unreadable.setdefault(row, f"{name} is {cell!r}, which is no number")
    return numbers
