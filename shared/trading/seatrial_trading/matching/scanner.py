"""Trades one entry at a time, for a strategy that decides bar by bar but needs no call while a position is open."""

import math
from typing import Literal

import numpy as np

from seatrial_trading.matching import layout, records
from seatrial_trading.matching.array_loop import advance
from seatrial_trading.matching.columns import order_columns, price_columns
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.matching.kernel import finish
from seatrial_trading.matching.layout import PriceBase, Rejection
from seatrial_trading.matching.order_entry import place_order
from seatrial_trading.matching.records import TradeRecord
from seatrial_trading.matching.stepper import AT_MARKET, EntryOrder
from seatrial_trading.matching.sub_bars import match_sub_bars
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals


class Scanner:
    """Trade one entry at a time, with the same results as `simulate`.

    `next_bar` is the bar at whose close the next entry can be decided: the account is flat there.

    Args:
        candles: n bars.
        config: Initial balance, costs, sizing and the intrabar rule.
        finer: As in `simulate`.

    Raises:
        ValidationFailed: The finer bars are missing, or do not match the bars.
    """

    def __init__(self, candles: Candles, config: ExecutionConfig, finer: Candles | None = None) -> None:
        self.candles = candles
        self.config = config
        self.next_bar = 0
        self.reason: str | None = None
        n = len(candles)
        self.equity = np.empty(n + 1)
        self.equity[0] = config.cash
        self._bars, self._sub_bars = price_columns(candles), match_sub_bars(candles, finer, config)
        self._packed, self._state = config.pack(candles.interval_ms), config.new_state()
        self._rows = np.empty((1, layout.T_SIZE))
        self._rejections = np.zeros(n, dtype=np.int8)
        self._orders = order_columns(Signals(np.zeros(n, dtype=np.int8), np.zeros(n, dtype=np.bool_)))
        self._bars_run = 0

    def scan(
        self,
        bar: int,
        entry: int,
        stop_loss: float = math.nan,
        take_profit: float = math.nan,
        trailing: float = math.nan,
        stop_base: Literal["fill", "price"] = "fill",
        order: EntryOrder = AT_MARKET,
        exit_at: int | None = None,
    ) -> TradeRecord | None:
        """Decide an entry at the close of `bar` and simulate to its exit; return the trade, or None without one.

        `reason` then says why there is no trade; it is None when the bars ended first and `close_at_end` is off.

        Args:
            bar: From `next_bar` to n - 1.
            entry: +1 long, -1 short.
            stop_loss: Ratio or price as `stop_base` says, NaN for none.
            take_profit: Ratio or price as `stop_base` says, NaN for none.
            trailing: Ratio or distance as `stop_base` says, NaN for none.
            stop_base: `fill`: the three are ratios of the fill price; `price`: prices (trailing: a distance).
            order: How the entry is placed.
            exit_at: The bar after `bar` at whose close an open position is closed.

        Raises:
            ValueError: `bar` is out of range.
        """
        if not self.next_bar <= bar < len(self.candles):
            raise ValueError(f"bar must be from {self.next_bar} to {len(self.candles) - 1}, was {bar}")
        self._run(bar + 1)
        closed, rejected = self._state[layout.S_TRADES], self._state[layout.S_REJECTED]
        code = place_order(
            self._state,
            self._packed,
            float(entry),
            False,
            stop_loss,
            take_profit,
            trailing,
            float(PriceBase.PRICE if stop_base == "price" else PriceBase.FILL_RATIO),
            int(order.kind),
            order.limit_price,
            order.stop_price,
            float(order.expires_bars),
            float(order.size_kind),
            order.size,
        )
        if not code and entry:
            self._run(len(self.candles), exit_at, to_exit=True)
            if self._bars_run == len(self.candles) and self.config.close_at_end:
                self._finish()
        if self._state[layout.S_REJECTED] != rejected:
            code = int(self._state[layout.S_REASON])
        self.reason = records.REJECTION_TEXTS[Rejection(code)] if code else None
        # The next entry can be decided at the close of the exit bar.
        self.next_bar = max(bar + 1, self._bars_run - 1)
        return self._trade() if self._state[layout.S_TRADES] != closed else None

    def rest(self) -> float:
        """Simulate the remaining bars without another entry and return the final equity."""
        self._run(len(self.candles))
        return float(self.equity[-1])

    def _run(self, end: int, exit_at: int | None = None, *, to_exit: bool = False) -> None:
        if exit_at is not None:
            self._orders.exit[exit_at] = True
        self._bars_run = advance(
            self._bars,
            self._sub_bars,
            self._orders,
            self._state,
            self._packed,
            self._rows,
            self.equity,
            self._rejections,
            self._bars_run,
            end,
            to_exit,
        )
        if exit_at is not None:
            self._orders.exit[exit_at] = False

    def _finish(self) -> None:
        finish(self._state, self._packed, self._rows)
        self.equity[-1] = self._state[layout.S_CASH]

    def _trade(self) -> TradeRecord:
        row, times = self._rows[0], self.candles.time_ms
        return records.trade(
            int(self._state[layout.S_TRADES]),
            row,
            self.candles.symbol,
            int(times[int(row[layout.T_ENTRY_INDEX])]),
            int(times[int(row[layout.T_EXIT_INDEX])]),
        )
