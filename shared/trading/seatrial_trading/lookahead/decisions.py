"""Decisions as a table, one row for each bar, by which two runs are compared."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.strategy.signals import Signals

Column = NDArray[Any]  # Any: float64, or object for texts
# Prices of two runs may differ by the last bits of a sum over arrays of another length; decisions may not.
PRICE_TOLERANCE = 1e-9
ALWAYS = ("entry", "exit", "stop_base")


@dataclass(frozen=True, eq=False)
class StrategyDecisions:
    """The decision at the close of each bar.

    Args:
        columns: Columns of n values by name, float64 or object; 0, NaN and "" mean nothing.
        active: Bars with a decision, bool[n].
    """

    columns: Mapping[str, Column]
    active: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.active)

    def at(self, bar: int) -> str:
        """Return the decision at a bar as text."""
        parts = [f"{name}={_shown(column[bar])}" for name, column in self.columns.items() if _says(column[bar])]
        return " ".join(parts) or "nothing"


def of_signals(signals: Signals) -> StrategyDecisions:
    """Return a strategy's signals as decisions.

    Prices at a bar without an entry are ignored, as in the simulation.
    """
    entry = np.asarray(signals.entry)
    opens = entry != 0
    columns: dict[str, Column] = {"entry": entry.astype(np.float64), "exit": np.asarray(signals.exit, np.float64)}
    for name in (item.name for item in fields(signals) if item.name not in ALWAYS):
        values = getattr(signals, name)
        if values is not None:
            columns[name] = np.where(opens, np.asarray(values, dtype=np.float64), np.nan)
    return StrategyDecisions(columns, opens | np.asarray(signals.exit, dtype=np.bool_))


def differing(one: StrategyDecisions, other: StrategyDecisions, bars: int) -> NDArray[np.intp]:
    """Return the bars among the first `bars` at which two runs decide differently, intp[k]."""
    differs = np.zeros(bars, dtype=np.bool_)
    for name in dict.fromkeys((*one.columns, *other.columns)):
        differs |= _unequal(one.columns.get(name), other.columns.get(name), bars)
    return np.flatnonzero(differs)


def _unequal(one: Column | None, other: Column | None, bars: int) -> NDArray[np.bool_]:
    first = _or_nothing(one, other, bars)
    second = _or_nothing(other, one, bars)
    if first.dtype == object:
        return np.asarray(first != second, dtype=np.bool_)
    gone = np.isnan(first) & np.isnan(second)
    with np.errstate(invalid="ignore"):
        near = np.abs(first - second) <= PRICE_TOLERANCE * np.maximum(np.abs(first), np.abs(second))
    return np.asarray(~(gone | near | (first == second)), dtype=np.bool_)


def _or_nothing(column: Column | None, like: Column | None, bars: int) -> Column:
    if column is not None:
        return column[:bars]
    if like is not None and like.dtype == object:
        return np.full(bars, "", dtype=object)
    return np.full(bars, np.nan)


def _says(value: Any) -> bool:  # Any: a cell
    return value != "" if isinstance(value, str) else bool(value == value and value != 0)


def _shown(value: Any) -> str:  # Any: a cell
    return value if isinstance(value, str) else f"{float(value):.10g}"
