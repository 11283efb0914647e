"""Order-level door for a driver that decides bar by bar: place an entry, get the exit, no work for the bars between."""

import math
from typing import Literal

import numpy as np

from seatrial_trading.matching import layout, records
from seatrial_trading.matching.array_loop import advance, bars, orders
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.matching.kernel import finish, place
from seatrial_trading.matching.layout import Rejection
from seatrial_trading.matching.records import TradeRecord
from seatrial_trading.matching.stepper import AT_MARKET, EntryOrder
from seatrial_trading.matching.sub_bars import inside
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals


class Scanner:
    """Trade one entry at a time, to the same numbers as `simulate`.

    `next_bar` is the bar at whose close the driver may decide next: the account is flat there.

    Args:
        candles: The bars.
        config: What orders cost and how bars are settled.
        finer: As in `simulate`.
    """

    def __init__(self, candles: Candles, config: ExecutionConfig, finer: Candles | None = None) -> None:
        self.candles = candles
        self.config = config
        self.next_bar = 0
        self.reason: str | None = None
        n = len(candles)
        self.equity = np.empty(n + 1)
        self.equity[0] = config.cash
        self._bars, self._finer = bars(candles), inside(candles, finer, config)
        self._packed, self._state = config.pack(candles.interval_ms), config.new_state()
        self._rows = np.empty((1, layout.T_SIZE))
        self._rejections = np.zeros(n, dtype=np.int8)
        self._decisions = orders(Signals(np.zeros(n, dtype=np.int8), np.zeros(n, dtype=np.bool_)))
        self._marked = 0  # bars that have been run

    def scan(
        self,
        bar: int,
        entry: int,
        stop_loss: float = math.nan,
        take_profit: float = math.nan,
        trailing: float = math.nan,
        stop_base: Literal["fill", "price"] = "fill",
        order: EntryOrder = AT_MARKET,
        leave_at: int | None = None,
    ) -> TradeRecord | None:
        """Decide an entry at the close of `bar` and go to its exit; return the trade, or None where none came of it.

        Why none came of it stands in `reason` (None: the bars ended first and `close_at_end` is off).

        Args:
            bar: At least `next_bar`.
            entry: +1 long, -1 short.
            stop_loss, take_profit, trailing, stop_base, order: As in `BarStepper.decide`.
            leave_at: The bar, after `bar`, at whose close an exit is signalled if the trade lasts so long.

        Raises:
            ValueError: `bar` lies before `next_bar` or after the last bar.
        """
        if not self.next_bar <= bar < len(self.candles):
            raise ValueError(f"bar must be from {self.next_bar} to {len(self.candles) - 1}, was {bar}")
        self._run(bar + 1)
        closed, refused = self._state[layout.S_TRADES], self._state[layout.S_REJECTED]
        code = place(
            self._state,
            self._packed,
            float(entry),
            False,
            stop_loss,
            take_profit,
            trailing,
            1.0 if stop_base == "price" else 0.0,
            int(order.kind),
            order.limit_price,
            order.stop_price,
            float(order.expires_bars),
            float(order.size_kind),
            order.size,
        )
        if not code and entry:
            self._run(len(self.candles), leave_at, to_exit=True)
            if self._marked == len(self.candles) and self.config.close_at_end:
                self._finish()
        if self._state[layout.S_REJECTED] != refused:
            code = int(self._state[layout.S_REASON])
        self.reason = records.REJECTION_TEXTS[Rejection(code)] if code else None
        # An exit leaves the close of its own bar to decide at.
        self.next_bar = max(bar + 1, self._marked - 1)
        return self._trade() if self._state[layout.S_TRADES] != closed else None

    def rest(self) -> float:
        """Run the bars that are left, without another entry, and return the final equity."""
        self._run(len(self.candles))
        return float(self.equity[-1])

    def _run(self, end: int, leave_at: int | None = None, *, to_exit: bool = False) -> None:
        if leave_at is not None:
            self._decisions.leave[leave_at] = True
        self._marked = advance(
            self._bars,
            self._finer,
            self._decisions,
            self._state,
            self._packed,
            self._rows,
            self.equity,
            self._rejections,
            self._marked,
            end,
            to_exit,
        )
        if leave_at is not None:
            self._decisions.leave[leave_at] = False

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
