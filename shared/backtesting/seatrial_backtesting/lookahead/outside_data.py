"""Data that a strategy can reach besides the bars it is given: closures, globals, attributes, defaults."""

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
Cells = NDArray[Any] | list[Any]  # Any: whatever the strategy keeps


@dataclass(frozen=True, eq=False)
class OutsideSeries:
    """One array or list in reach; row `offset + i` belongs to bar i.

    Args:
        name: How the strategy reaches it.
        cells: The thing itself, changed in place and put back.
        true: What it holds.
        offset: Rows before the first bar.
        derived: Its numbers are not the bars', so where they come from cannot be seen.
    """

    name: str
    cells: Cells
    true: Cells
    offset: int
    derived: bool

    def false(self, change: str) -> Cells:
        """Return other values for all rows."""
        if isinstance(self.true, list):
            return [_other(each, change) for each in reversed(self.true)]
        if self.true.dtype.kind == "f":
            other: NDArray[Any] = np.full_like(self.true, np.nan) if change == "nan" else self.true[::-1] * 7.0 + 1.0
            return other
        return self.true[::-1].copy()


@dataclass(frozen=True, eq=False)
class OutsideData:
    """All of it.

    Args:
        series: One row a bar.
        others: Rows that are no bars of ours: another interval, a model's weights.
        fixed: Names of what cannot be changed for a trial.
    """

    series: tuple[OutsideSeries, ...] = ()
    others: tuple[OutsideSeries, ...] = ()
    fixed: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names under which the strategy reaches the data."""
        return tuple(dict.fromkeys((*(each.name for each in (*self.series, *self.others)), *self.fixed)))

    @property
    def cells(self) -> frozenset[int]:
        """Return the ids of what is changed for a trial."""
        return frozenset(id(each.cells) for each in (*self.series, *self.others))

    @contextmanager
    def hidden(self, kept: int, change: str = "noise") -> Iterator[None]:
        """Hold false rows from bar `kept` on, for a while."""
        was = [_unlock(each.cells) for each in self.series]
        try:
            for each in self.series:
                row = each.offset + kept
                each.cells[row:] = each.false(change)[row:]
            yield
        finally:
            for each in self.series:
                each.cells[:] = each.true
            for each, writable in zip(self.series, was, strict=True):
                if isinstance(each.cells, np.ndarray):
                    each.cells.flags.writeable = writable

    @contextmanager
    def curtain(self, change: str) -> Iterator[Callable[[int], None]]:
        """Hold false rows at first; what is given shows the rows of the first bars, one bar more a call."""
        with self.hidden(0, change):
            columns = [(each.cells, each.true, each.offset) for each in self.series]

            def show(bars: int) -> None:
                for cells, true, offset in columns:
                    cells[offset + bars - 1] = true[offset + bars - 1]

            yield show

    def only_derived(self) -> "OutsideData":
        """Return those whose numbers are not the bars', each to be hidden whole."""
        return OutsideData((*(each for each in self.series if each.derived), *self.others))


def find_outside_data(strategy: object, candles: Candles) -> OutsideData:
    """Return the data in reach: a row a bar, other series of some length, and what cannot be changed."""
    series: list[OutsideSeries] = []
    others: list[OutsideSeries] = []
    fixed: list[str] = []
    for name, found in _columns_in(strategy):
        if len(found) < min(MIN_ROWS, len(candles)):
            continue
        if isinstance(found, tuple) or not _is_changeable(found):
            fixed.append(name)
            continue
        true: Cells = list(found) if isinstance(found, list) else found.copy()
        offset = _offset(true, candles)
        if offset is not None or len(found) == len(candles):
            series.append(OutsideSeries(name, found, true, offset or 0, offset is None))
        else:
            others.append(OutsideSeries(name, found, true, 0, True))
    return OutsideData(tuple(series), tuple(others), tuple(fixed))


def _columns_in(strategy: object) -> Iterator[tuple[str, Cells | tuple[Any, ...]]]:
    for name, thing in walk(strategy, lambda thing: _data(thing) is not None):
        yield from ((f"{name}{part}", cells) for part, cells in _data(thing) or [])


def _is_changeable(found: Cells) -> bool:
    if isinstance(found, list):
        return True
    was = found.flags.writeable
    try:
        found.flags.writeable = True
    except ValueError:
        return False
    found.flags.writeable = was
    return True


def _unlock(cells: Cells) -> bool:
    """Make cells writable; return whether they were."""
    if isinstance(cells, list):
        return True
    was = cells.flags.writeable
    cells.flags.writeable = True
    return was


def _offset(true: Cells, candles: Candles) -> int | None:
    """Return where the bars' numbers begin, None if these are other numbers."""
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
    """Return what is data itself, as columns, None for what only leads to data."""
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
