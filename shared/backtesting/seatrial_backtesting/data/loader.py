"""Loads bars from whatever the caller has into `Candles`: validated, never repaired, oddities counted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data import quality, readers, splits, timestamps
from seatrial_backtesting.data.quality import ON_BAD_BAR, Arrays, OnBadBar
from seatrial_backtesting.data.readers import RawTable, refused
from seatrial_backtesting.data.splits import Split, Splits
from seatrial_trading.quant.candles import DAY_MS, CandleError, Candles

SYMBOL_UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class LoadOptions:
    """How to read data.

    Args:
        symbol: What is traded; picks it where the source has several; None takes the source's own or the file's stem.
        splits: By symbol, (first day of the new shares, new shares for one old); applied once.
        splits_of_all: The same for whichever symbol is read.
        on_bad_bar: `reject` raises with the bad rows, `drop` leaves them out and counts them.
        timezone: Zone of timestamps that name none, such as `America/New_York`; None takes them as UTC.
        interval_ms: Length of a bar; None takes the commonest distance of two bars.
        epoch_is_ms: Times are epoch milliseconds whatever their size; else the size tells seconds from milliseconds.
    """

    symbol: str | None = None
    splits: Splits = field(default_factory=dict)
    on_bad_bar: OnBadBar = "reject"
    timezone: str | None = None
    interval_ms: int | None = None
    epoch_is_ms: bool = False
    splits_of_all: Sequence[Split] = ()


@dataclass(frozen=True, eq=False)
class LoadedBars:
    """Bars, and what was odd about them; `numbered` bars had no timestamps."""

    candles: Candles
    data_quality: Mapping[str, Any]  # Any: JSON
    numbered: bool = False


def load(source: Any, options: LoadOptions | None = None) -> LoadedBars:
    """Return the bars of a file, a CSV's bytes, a DataFrame, rows, columns or candles.

    Args:
        source: A path (CSV, TSV, gzip or not, Parquet), bytes of a CSV, a DataFrame, a list of dicts, a mapping of
            columns, or Candles.
        options: How to read it.

    Raises:
        DataError: It cannot be read as bars.
        CandleError: Some rows are no bars; the error lists them.
    """
    chosen = options or LoadOptions()
    if chosen.on_bad_bar not in ON_BAD_BAR:
        raise refused("on_bad_bar", chosen.on_bad_bar, " or ".join(ON_BAD_BAR))
    if isinstance(source, Candles):
        return LoadedBars(source, _quality_of(source, {}))
    stem = source.name.partition(".")[0] if isinstance(source, Path) else None
    if isinstance(source, str):
        path = Path(source)
        return load(path, chosen)
    read, symbol = _of_symbol(_table(source), chosen.symbol, stem)
    return _candles(read, symbol, chosen)


def _table(source: Any) -> RawTable:
    if isinstance(source, Path):
        return readers.from_file(source)
    if isinstance(source, bytes):
        return readers.from_bytes(source)
    if isinstance(source, Mapping):
        return readers.from_columns(source)
    if hasattr(source, "columns") and hasattr(source, "index"):
        return readers.from_frame(source)
    if isinstance(source, Iterable):
        return readers.from_rows(source)
    raise refused("historical_data", type(source).__name__, "a path, a DataFrame, a list of dicts or columns")


def _of_symbol(read: RawTable, wanted: str | None, stem: str | None) -> tuple[RawTable, str]:
    if "symbol" not in read.columns:
        return read, wanted or stem or SYMBOL_UNKNOWN
    names = np.asarray([str(name).strip() for name in read.columns["symbol"]])
    found = list(dict.fromkeys(names.tolist()))
    if wanted is None and len(found) > 1:
        raise refused("symbol", None, f"one of {_some(found)}; the data holds several, choose with --symbol")
    chosen = next((name for name in found if wanted is None or name.upper() == wanted.upper()), None)
    if chosen is None:
        # A source of one symbol may be traded under another name; one of several must be picked by its own.
        if len(found) == 1 and stem is None:
            return read, str(wanted)
        raise refused("symbol", wanted, f"one of {_some(found)}")
    rows = np.flatnonzero(names == chosen)
    columns = {name: _take(column, rows) for name, column in read.columns.items()}
    columns["number"] = rows + read.first_row
    return RawTable(columns), chosen


def _some(names: list[str]) -> str:
    return ", ".join(names[:30]) + (f" ... ({len(names)})" if len(names) > 30 else "")


def _take(column: readers.Column, rows: NDArray[np.intp]) -> readers.Column:
    if isinstance(column, np.ndarray):
        taken: NDArray[Any] = column[rows]
        return taken
    return [column[row] for row in rows.tolist()]


def _candles(read: RawTable, symbol: str, options: LoadOptions) -> LoadedBars:
    if not len(read):
        raise CandleError("there are no candles; at least one bar is needed")
    arrays, unreadable = quality.numbers_of(read.columns)
    numbers = np.asarray(read.columns.get("number", np.arange(len(read)) + read.first_row), dtype=np.int64)
    numbered = "time" not in read.columns
    if numbered:
        found = timestamps.ParsedTimestamps(np.arange(len(read), dtype=np.int64) * DAY_MS)
    elif options.epoch_is_ms:
        found = timestamps.ParsedTimestamps(np.array(read.columns["time"], dtype=np.int64))
    else:
        found = timestamps.read(read.columns["time"], _zone(options.timezone))
    arrays["time"] = found.time_ms
    unreadable = {**unreadable, **found.bad}
    arrays, numbers, unreadable, reversed_ = _oldest_first(arrays, numbers, unreadable)
    kept = quality.keep_good(arrays, numbers, unreadable, options.on_bad_bar)
    applied = [*options.splits.get(symbol, ()), *options.splits_of_all]
    columns = _split(kept.arrays, splits.factors(kept.arrays["time"], applied)) if applied else kept.arrays
    # cast: numpy columns are sequences in all but name.
    candles = Candles.from_columns(symbol, cast(Mapping[str, Sequence[Any]], columns), options.interval_ms)
    facts = {
        "rows_read": len(read),
        "dropped": len(kept.dropped),
        "dropped_rows": quality.told(kept.dropped),
        "naive_timestamps": found.naive,
        "without_timestamps": len(read) if numbered else 0,
        "newest_first": reversed_,
        "splits": [{"date": day, "ratio": ratio} for day, ratio in applied],
    }
    return LoadedBars(candles, _quality_of(candles, facts), numbered)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise refused("timezone", name, "a zone of the tz database, such as America/New_York") from error


def _oldest_first(
    arrays: Arrays, numbers: NDArray[np.int64], unreadable: Mapping[int, str]
) -> tuple[Arrays, NDArray[np.int64], dict[int, str], bool]:
    steps = np.diff(arrays["time"])
    backward = int(np.count_nonzero(steps < 0))
    if backward * 2 <= len(steps):
        return arrays, numbers, dict(unreadable), False
    last = len(numbers) - 1
    flipped = {name: column[::-1] for name, column in arrays.items()}
    return flipped, numbers[::-1], {last - row: reason for row, reason in unreadable.items()}, True


def _split(arrays: Arrays, factor: NDArray[np.float64]) -> Arrays:
    adjusted = {name: arrays[name] / factor for name in readers.NEEDED}
    return {**adjusted, "time": arrays["time"], "volume": arrays["volume"] * factor}


def _quality_of(candles: Candles, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "bars": len(candles),
        "interval_ms": candles.interval_ms,
        "first": quality.instant(int(candles.time_ms[0])),
        "last": quality.instant(int(candles.time_ms[-1])),
        **facts,
        **quality.gaps(candles),
        "zero_volume_bars": int(np.count_nonzero(candles.volume == 0.0)),
        "flat_bars": int(np.count_nonzero(candles.high == candles.low)),
    }
