"""Finds data that a strategy can reach besides its bars: in closures, globals, attributes and defaults."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.lookahead.reachability import walk
from seatrial_trading.quant.candles import Candles

COLUMNS = ("open", "high", "low", "close", "volume")
NUMBERS = "fiu"
MIN_ROWS = 50  # shorter lists are constants, not bars
Cells = NDArray[Any] | list[Any]  # Any: rows of the strategy


@dataclass(frozen=True, eq=False)
class OutsideSeries:
    """One reachable array or list; row `offset + i` belongs to bar i.

    Args:
        name: Name under which the strategy reaches it.
        cells: The array or list, changed in place and restored.
        true: A copy of its values.
        offset: Rows before the first bar.
        derived: Its numbers are not the bars' own, so their origin is unknown.
    """

    name: str
    cells: Cells
    true: Cells
    offset: int
    derived: bool

    def false(self, change: str) -> Cells:
        """Return false values for all rows."""
        if isinstance(self.true, list):
            return [_other(row, change) for row in reversed(self.true)]
        if self.true.dtype.kind == "f":
            other: NDArray[Any] = np.full_like(self.true, np.nan) if change == "nan" else self.true[::-1] * 7.0 + 1.0
            return other
        return self.true[::-1].copy()


@dataclass(frozen=True, eq=False)
class OutsideData:
    """All reachable data of a strategy.

    Args:
        series: Data with one row per bar.
        others: Data with other rows: another interval, the weights of a model.
        fixed: Names of data that cannot be changed for a trial.
    """

    series: tuple[OutsideSeries, ...] = ()
    others: tuple[OutsideSeries, ...] = ()
    fixed: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names under which the strategy reaches the data."""
        return tuple(dict.fromkeys((*(item.name for item in (*self.series, *self.others)), *self.fixed)))

    @property
    def cells(self) -> frozenset[int]:
        """Return the ids of the objects that are changed for a trial."""
        return frozenset(id(item.cells) for item in (*self.series, *self.others))

    @contextmanager
    def hidden(self, kept: int, change: str = "noise") -> Iterator[None]:
        """Replace the rows from bar `kept` on with false values while the block lasts."""
        was = [_unlock(item.cells) for item in self.series]
        try:
            for item in self.series:
                row = item.offset + kept
                item.cells[row:] = item.false(change)[row:]
            yield
        finally:
            for item in self.series:
                item.cells[:] = item.true
            for item, writable in zip(self.series, was, strict=True):
                if isinstance(item.cells, np.ndarray):
                    item.cells.flags.writeable = writable

    @contextmanager
    def curtain(self, change: str) -> Iterator[Callable[[int], None]]:
        """Start with false values in all rows; the yielded function restores the row of one more bar at each call."""
        with self.hidden(0, change):
            columns = [(item.cells, item.true, item.offset) for item in self.series]

            def show(bars: int) -> None:
                for cells, true, offset in columns:
                    cells[offset + bars - 1] = true[offset + bars - 1]

            yield show

    def only_derived(self) -> "OutsideData":
        """Return the data whose numbers are not the bars' own."""
        return OutsideData((*(item for item in self.series if item.derived), *self.others))


def find_outside_data(strategy: object, candles: Candles) -> OutsideData:
    """Return the data that a strategy can reach, sorted by whether its rows belong to the bars."""
    series: list[OutsideSeries] = []
    others: list[OutsideSeries] = []
    fixed: list[str] = []
    for name, cells in _columns_in(strategy):
        if len(cells) < min(MIN_ROWS, len(candles)):
            continue
        if isinstance(cells, tuple) or not _is_changeable(cells):
            fixed.append(name)
            continue
        true: Cells = list(cells) if isinstance(cells, list) else cells.copy()
        offset = _offset(true, candles)
        if offset is not None or len(cells) == len(candles):
            series.append(OutsideSeries(name, cells, true, offset or 0, offset is None))
        else:
            others.append(OutsideSeries(name, cells, true, 0, True))
    return OutsideData(tuple(series), tuple(others), tuple(fixed))


def _columns_in(strategy: object) -> Iterator[tuple[str, Cells | tuple[Any, ...]]]:
    for name, thing in walk(strategy, lambda thing: _data(thing) is not None):
        yield from ((f"{name}{part}", cells) for part, cells in _data(thing) or [])


def _is_changeable(cells: Cells) -> bool:
    if isinstance(cells, list):
        return True
    was = cells.flags.writeable
    try:
        cells.flags.writeable = True
    except ValueError:
        return False
    cells.flags.writeable = was
    return True


def _unlock(cells: Cells) -> bool:
    if isinstance(cells, list):
        return True
    was = cells.flags.writeable
    cells.flags.writeable = True
    return was


def _offset(true: Cells, candles: Candles) -> int | None:
    if len(true) < len(candles):
        return None
    for column in _columns_of(true):
        for name in COLUMNS:
            bars = getattr(candles, name)
            for start in np.flatnonzero(column[: len(column) - len(bars) + 1] == bars[0])[:20]:
                if np.array_equal(column[start : start + len(bars)], bars):
                    return int(start)
    return None


def _columns_of(true: Cells) -> list[NDArray[Any]]:
    if not isinstance(true, list):
        return [true] if true.ndim == 1 else list(true.reshape(len(true), -1).T)
    if isinstance(true[0], Mapping):
        keys = [key for key, value in true[0].items() if isinstance(value, int | float)]
        return [np.array([row.get(key, np.nan) for row in true], dtype=float) for key in keys]
    return [np.array(true, dtype=float)]


def _other(row: Any, change: str) -> Any:  # Any: a cell or a row
    if isinstance(row, Mapping):
        return {key: _other(value, change) for key, value in row.items()}
    if isinstance(row, float):
        return float("nan") if change == "nan" else row * 7.0 + 1.0
    return row


def _data(thing: Any) -> list[tuple[str, Cells | tuple[Any, ...]]] | None:  # Any: a pandas object may be one
    # Returns the columns of data, None for an object that is not data itself.
    if isinstance(thing, np.ndarray):
        return [("", thing)] if thing.ndim and thing.dtype.kind in NUMBERS else []
    kind = type(thing)
    if kind.__module__.partition(".")[0] == "pandas":
        return _pandas(thing)
    if isinstance(thing, list) and thing and isinstance(thing[0], int | float | Mapping):
        return [("", thing)]
    if isinstance(thing, tuple) and thing and isinstance(thing[0], int | float | Mapping):
        return [("", thing)]
    return None


def _pandas(thing: Any) -> list[tuple[str, Cells | tuple[Any, ...]]] | None:  # Any: pandas is not imported here
    columns = getattr(thing, "columns", None)
    if columns is not None:
        parts = [(f"[{column!r}]", thing[column]) for column in columns]
    elif hasattr(thing, "to_numpy"):
        parts = [("", thing)]
    else:
        return None
    arrays = [(part, column.to_numpy(copy=False)) for part, column in parts if column.dtype.kind in NUMBERS]
    return list(arrays)
