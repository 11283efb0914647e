"""Loads bars: read, name columns, parse, apply splits, check quality; data is validated and never repaired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.data import columns, quality, readers, splits, timestamps
from seatrial_backtesting.data.bad_rows import BadRows
from seatrial_backtesting.data.columns import BarColumns
from seatrial_backtesting.data.errors import data_error
from seatrial_backtesting.data.number_cells import NumberCells
from seatrial_backtesting.data.quality import ON_BAD_BAR, OnBadBar, ParsedRows
from seatrial_backtesting.data.splits import Split, Splits
from seatrial_backtesting.data.tables import Column, ReadLimits
from seatrial_backtesting.data.timestamps import ParsedTimestamps
from seatrial_trading.quant.candles import DAY_MS, CandleError, Candles


@dataclass(frozen=True)
class LoadOptions:
    """How to read data.

    Args:
        symbol: Symbol to select where the source has several; None takes the source's own or the file's stem.
        splits: By symbol, (first day of the new shares, new shares per old share); applied once.
        on_bad_bar: `reject` raises with the bad rows, `drop` leaves them out and counts them.
        timezone: Time zone of timestamps without one, such as `America/New_York`; None means UTC.
        interval_ms: Length of a bar in milliseconds; None takes the most frequent distance between two bars.
        epoch_is_ms: Times are epoch milliseconds; otherwise the unit follows from the size of the numbers.
        splits_of_all: Splits of whichever symbol is read.
        max_rows: Rows beyond which a file is refused, as a small compressed file may hold a very large table; None
            means 5,000,000. The limit of its unpacked size grows with it, 1 GiB for 5,000,000 rows.
    """

    symbol: str | None = None
    splits: Splits = field(default_factory=dict)
    on_bad_bar: OnBadBar = "reject"
    timezone: str | None = None
    interval_ms: int | None = None
    epoch_is_ms: bool = False
    splits_of_all: Sequence[Split] = ()
    max_rows: int | None = None

    def __post_init__(self) -> None:
        if self.on_bad_bar not in ON_BAD_BAR:
            raise data_error("on_bad_bar", self.on_bad_bar, " or ".join(ON_BAD_BAR))
        if self.max_rows is not None and self.max_rows < 1:
            raise data_error("max_rows", self.max_rows, "a number of rows of at least 1")


@dataclass(frozen=True, eq=False)
class LoadedBars:
    """Bars and their data quality; `numbered` bars have no timestamps."""

    candles: Candles
    data_quality: Mapping[str, Any]  # Any: JSON
    numbered: bool = False


def load(source: Any, options: LoadOptions | None = None) -> LoadedBars:
    """Load the bars of a file, a CSV's bytes or binary file, a DataFrame, rows, columns or candles.

    Args:
        source: A path (CSV, TSV, gzip or not, Parquet), bytes or a binary file of a CSV, a DataFrame, a list of
            dicts, a mapping of columns, or Candles.
        options: How to read it.

    Raises:
        DataError: The source cannot be read as bars.
        CandleError: Some rows are not valid bars; the error lists them.
    """
    options = options or LoadOptions()
    if isinstance(source, Candles):
        return LoadedBars(source, quality.summarize(source))
    table = readers.read(source, ReadLimits.of_rows(options.max_rows))
    bars, symbol = columns.select_symbol(columns.name_columns(table), options.symbol, table.file_stem)
    if not len(bars):
        raise CandleError("there are no candles; at least one bar is needed")
    times = _parse_times(bars, options)
    prices, bad_cells = columns.parse_numbers(bars)
    rows = ParsedRows({**prices, "time": times.time_ms}, bars.row_numbers, times.bad_rows.before(bad_cells))
    rows, is_newest_first = quality.sort_ascending(rows)
    symbol_splits = [*options.splits.get(symbol, ()), *options.splits_of_all]
    valid = quality.check(replace(rows, arrays=splits.apply(rows.arrays, symbol_splits)), options.on_bad_bar)
    # cast: numpy arrays have all methods of a Sequence that `from_columns` uses.
    candles = Candles.from_columns(symbol, cast(Mapping[str, Sequence[Any]], valid.arrays), options.interval_ms)
    numbered = "time" not in bars.columns
    data_quality = {
        **quality.summarize(candles),
        "rows_read": len(bars),
        "dropped": valid.dropped,
        "dropped_rows": quality.list_dropped(valid.reasons),
        "naive_timestamps": times.naive,
        "without_timestamps": len(bars) if numbered else 0,
        "newest_first": is_newest_first,
        "splits": [{"date": day, "ratio": ratio} for day, ratio in symbol_splits],
    }
    return LoadedBars(candles, data_quality, numbered)


def _parse_times(bars: BarColumns, options: LoadOptions) -> ParsedTimestamps:
    if "time" not in bars.columns:
        return ParsedTimestamps(np.arange(len(bars), dtype=np.int64) * DAY_MS, 0, BadRows.none(len(bars)))
    if options.epoch_is_ms:
        return ParsedTimestamps(np.array(bars.columns["time"], dtype=np.int64), 0, BadRows.none(len(bars)))
    return timestamps.parse(_plain(bars.columns["time"]), _zone(options.timezone))


def _plain(column: Column) -> Sequence[Any] | NDArray[Any]:  # Any: texts, numbers, dates
    return list(column) if isinstance(column, NumberCells) else column


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    # Folders ("America") and files that are no zone ("posixrules") of the database have names too.
    if name not in available_timezones():
        raise data_error("timezone", name, "a zone of the tz database, such as America/New_York")
    return ZoneInfo(name)
