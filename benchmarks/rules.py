"""A slow, plain account of long trades with every rule on which engines differ as a switch: what names a difference.

It shares no code with the product: with the first set of rules it must give our trades, with a rival's set theirs.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Columns = dict[str, np.ndarray[Any, Any]]  # Any: prices and flags


@dataclass(frozen=True)
class Rules:
    """Where engines differ.

    Args:
        reserve: How many sides' fees an all-in entry keeps back.
        whole_units: Quantities are rounded down to whole units.
        stops_from: Stop and target are measured from the fill, or from the close that decided.
        stops_live: They count on the bar of the entry, or from the next one.
        target_opens_first: A bar that opens beyond the target takes it at the open, before the stop is looked at.
        sized_at: All-in sizes are worked out at the fill's price, or at the close that decided.
        share: Of the cash that an entry uses.
        refuse: An order that the cash does not cover at the fill is refused.
        ending: The last position is closed at the last close, at the last open, or stays open marked without a fee.
    """

    reserve: Literal["both", "entry", "none"] = "both"
    whole_units: bool = False
    stops_from: Literal["fill", "signal"] = "fill"
    stops_live: Literal["entry bar", "next bar"] = "entry bar"
    target_opens_first: bool = True
    sized_at: Literal["fill", "signal"] = "fill"
    share: float = 1.0
    refuse: bool = False
    ending: Literal["close", "last open", "marked"] = "close"


@dataclass(frozen=True)
class Trade:
    """One long trade: bars and prices of entry and exit, quantity."""

    entry: int
    entry_price: float
    exit: int
    exit_price: float
    quantity: float


def trade(columns: Columns, rules: Rules, cash: float, fee: float) -> tuple[list[Trade], float]:
    """Return the closed trades and the final equity.

    Args:
        columns: open, high, low, close, entry, leave, and stops as (stop, target) ratios or NaN.
        rules: The fill rules.
        cash: At the start.
        fee: Ratio on each side.
    """
    account = _Account(columns, rules, cash, fee)
    for i in range(len(columns["close"])):
        account.bar(i)
    return account.end()


class _Account:
    def __init__(self, columns: Columns, rules: Rules, cash: float, fee: float) -> None:
        self.opens, self.highs, self.lows, self.closes = (columns[n].tolist() for n in ("open", "high", "low", "close"))
        self.entries, self.leaves = columns["entry"].tolist(), columns["leave"].tolist()
        self.stops, self.rules, self.cash, self.fee = columns["stops"].tolist(), rules, cash, fee
        self.units, self.entered, self.paid = 0.0, -1, 0.0
        self.stop, self.target = math.nan, math.nan
        self.trades: list[Trade] = []

    def bar(self, i: int) -> None:
        decided = i > 0
        if decided and self.units and self.leaves[i - 1]:
            self._close(i, self.opens[i])
        elif decided and not self.units and self.entries[i - 1]:
            self._open(i)
        if self.units and not math.isnan(self.stop):
            self._bracket(i)

    def end(self) -> tuple[list[Trade], float]:
        last = len(self.closes) - 1
        if self.units and self.rules.ending != "marked":
            self._close(last, self.closes[last] if self.rules.ending == "close" else self.opens[last])
        return self.trades, self.cash + self.units * self.closes[last]

    def _open(self, i: int) -> None:
        rules, price = self.rules, self.opens[i]
        basis = price if rules.sized_at == "fill" else self.closes[i - 1]
        sides = {"both": 2, "entry": 1, "none": 0}[rules.reserve]
        units = self.cash * rules.share / (basis * (1.0 + sides * self.fee))
        units = float(math.floor(units)) if rules.whole_units else units
        if rules.refuse and units * price * (1.0 + self.fee) > self.cash:
            return
        self.units, self.entered, self.paid = units, i, price
        self.cash -= units * price * (1.0 + self.fee)
        base = price if rules.stops_from == "fill" else self.closes[i - 1]
        self.stop, self.target = base * (1.0 - self.stops[0]), base * (1.0 + self.stops[1])

    def _bracket(self, i: int) -> None:
        opened, fresh = self.opens[i], i == self.entered
        if fresh and self.rules.stops_live == "next bar":
            return
        beyond = opened >= self.target and self.rules.target_opens_first
        if opened <= self.stop or (beyond and not fresh):
            self._close(i, opened)
        elif self.lows[i] <= self.stop:
            self._close(i, self.stop)
        elif self.highs[i] >= self.target:
            self._close(i, max(opened, self.target))

    def _close(self, i: int, price: float) -> None:
        self.trades.append(Trade(self.entered, self.paid, i, price, self.units))
        self.cash += self.units * price * (1.0 - self.fee)
        self.units = 0.0
