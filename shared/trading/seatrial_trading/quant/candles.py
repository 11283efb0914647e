"""Bars as columns: validated once, read-only, shared by every strategy, kernel and service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_core.errors import FieldError, ValidationFailed

PRICES = ("open", "high", "low", "close")
MAX_ROWS_LISTED = 20
DAY_MS = 86_400_000


class CandleError(ValidationFailed):
    """Invalid bars: lists the rows and what is wrong with each."""

    code = "bad_candles"


@dataclass(frozen=True, eq=False)
class Candles:
    """The bars of one symbol.

    Args:
        symbol: Name of the instrument.
        time_ms: Opens of the bars, UTC epoch milliseconds, strictly increasing, int64[n].
        open, high, low, close: Prices > 0, float64[n].
        volume: Traded quantity >= 0, float64[n].
        interval_ms: Length of one bar in milliseconds.
    """

    symbol: str
    time_ms: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    interval_ms: int

    def __len__(self) -> int:
        return len(self.time_ms)

    @cached_property
    def marks_ms(self) -> NDArray[np.int64]:
        """Return the times of equity values, int64[n + 1]: the open of the first bar, then the close of each bar."""
        times = np.empty(len(self) + 1, dtype=np.int64)
        times[:1] = self.time_ms[:1]
        np.add(self.time_ms, self.interval_ms, out=times[1:])
        return _read_only(times)

    def head(self, bars: int) -> "Candles":
        """Return the first `bars` bars, without copying."""
        return Candles(
            self.symbol,
            self.time_ms[:bars],
            self.open[:bars],
            self.high[:bars],
            self.low[:bars],
            self.close[:bars],
            self.volume[:bars],
            self.interval_ms,
        )

    @classmethod
    def from_columns(
        cls, symbol: str, columns: Mapping[str, Sequence[Any]], interval_ms: int | None = None
    ) -> "Candles":
        """Build candles from columns `time open high low close` and optionally `volume`.

        Args:
            symbol: Name of the instrument.
            columns: `time` in UTC epoch milliseconds; all of one length.
            interval_ms: Length of one bar; None takes the most frequent distance of two bars.

        Raises:
            CandleError: With the list of bad rows: unequal lengths, prices that are not finite or not above zero,
                a high or low that does not contain open and close, time that repeats or goes back.
        """
        values = _columns(columns)
        _check_rows(values)
        times = values["time"].astype(np.int64)
        length = interval_ms if interval_ms is not None else usual_interval_ms(times)
        arrays = {name: _read_only(values[name]) for name in (*PRICES, "volume")}
        return cls(symbol, _read_only(times), **arrays, interval_ms=int(length))

    def to_columns(self) -> dict[str, list[Any]]:
        """Return the columns as lists of plain numbers for JSON, `time` in epoch milliseconds."""
        return {
            "time": self.time_ms.tolist(),
            **{name: getattr(self, name).tolist() for name in (*PRICES, "volume")},
        }


def usual_interval_ms(times: NDArray[np.int64]) -> int:
    """Return the most frequent distance between two bars in milliseconds; a day for a single bar.

    Args:
        times: Opens, UTC epoch milliseconds, int64[n].
    """
    if len(times) < 2:
        return DAY_MS
    steps, counts = np.unique(np.diff(times), return_counts=True)
    return int(steps[np.argmax(counts)])


def find_faults(columns: Mapping[str, NDArray[Any]]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return what can be wrong with a row, and the rows where it is, bool[n]; the first fault of a row is its reason.

    Args:
        columns: `time open high low close volume`, arrays of one length.
    """
    faults: list[tuple[str, NDArray[np.bool_]]] = []
    for name in PRICES:
        faults.append((f"{name} is not a finite number", ~np.isfinite(columns[name])))
        faults.append((f"{name} is not above zero", columns[name] <= 0))
    volume = columns["volume"]
    faults.append(("volume is not a number of at least zero", ~np.isfinite(volume) | (volume < 0)))
    faults.append(("low is above open or close", columns["low"] > np.minimum(columns["open"], columns["close"])))
    faults.append(("high is below open or close", columns["high"] < np.maximum(columns["open"], columns["close"])))
    step = np.diff(columns["time"], prepend=columns["time"][:1] - 1)
    faults.append(("time repeats the bar before", step == 0))
    faults.append(("time goes back", step < 0))
    return faults


def _columns(columns: Mapping[str, Sequence[Any]]) -> dict[str, NDArray[Any]]:
    missing = [name for name in ("time", *PRICES) if name not in columns]
    if missing:
        raise CandleError(f"candles lack the columns {', '.join(missing)}; needed are time, open, high, low, close")
    try:
        values: dict[str, NDArray[Any]] = {name: np.asarray(columns[name], dtype=np.float64) for name in PRICES}
        values["time"] = np.asarray(columns["time"], dtype=np.int64)
        volume = columns.get("volume")
        has_volume = volume is not None and len(volume) > 0
        values["volume"] = np.asarray(volume if has_volume else np.zeros(len(values["time"])), dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise CandleError(f"candles must be columns of numbers: {error}") from error
    lengths = {name: len(column) for name, column in values.items()}
    if len(set(lengths.values())) != 1:
        raise CandleError(f"candle columns have different lengths: {lengths}")
    if lengths["time"] == 0:
        raise CandleError("there are no candles; at least one bar is needed")
    return values


def _check_rows(values: Mapping[str, NDArray[Any]]) -> None:
    faults = find_faults(values)
    bad = np.flatnonzero(np.logical_or.reduce([is_bad for _, is_bad in faults]))
    if len(bad):
        errors = [
            FieldError(f"candles[{row}]", row, next(reason for reason, is_bad in faults if is_bad[row]))
            for row in bad[:MAX_ROWS_LISTED].tolist()
        ]
        first = errors[0]
        raise CandleError(f"{len(bad)} bad candle rows; the first is row {first.value}: {first.allowed}", errors=errors)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    kept = np.ascontiguousarray(array)
    if kept is array and kept.flags.writeable:
        kept = array.copy()
    kept.flags.writeable = False
    return kept
