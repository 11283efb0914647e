"""The account step one bar at a time: the simulated exchange of an engine that receives bars one by one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seatrial_core.json_types import Json, JsonMapping
from seatrial_trading.matching import layout, records
from seatrial_trading.matching.columns import Bars
from seatrial_trading.matching.config import DAY_MS, ExecutionConfig
from seatrial_trading.matching.kernel import finish, magnify, step
from seatrial_trading.matching.layout import OrderKind, PriceBase, Rejection, SizeKind
from seatrial_trading.matching.order_entry import place_order
from seatrial_trading.matching.records import RejectedSignal, TradeRecord
from seatrial_trading.matching.sub_bars import is_complete


@dataclass(frozen=True)
class FillRecord:
    """One fill of the simulated exchange.

    Args:
        side: BUY or SELL.
        index: Number of the bar, from 0.
        time_ms: Open of the bar, UTC epoch milliseconds.
        price, quantity, fee: Of the fill, after slippage, in quote currency and units.
        reason: `signal`, or the exit reason in lower case.
        trade: The closed trade, on the fill that closes a position.
    """

    side: str
    index: int
    time_ms: int
    price: float
    quantity: float
    fee: float
    reason: str
    trade: TradeRecord | None = None


@dataclass(frozen=True)
class EntryOrder:
    """How an entry is placed.

    Args:
        kind: When it fills.
        limit_price, stop_price: Above 0 where the kind has one, else NaN.
        expires_bars: Number of bars it is pending at most, 0 for no limit.
        size_kind, size: The size of this order; NaN uses the sizing of the run.
    """

    kind: OrderKind = OrderKind.MARKET
    limit_price: float = math.nan
    stop_price: float = math.nan
    expires_bars: int = 0
    size_kind: SizeKind = SizeKind.FIXED
    size: float = math.nan


AT_MARKET = EntryOrder()
Bar = tuple[float, float, float, float]


class BarStepper:
    """Trade one account in one symbol bar by bar, with the same results as `simulate`.

    Args:
        config: Initial balance, costs, sizing and the intrabar rule.
        symbol: Symbol of the trade records.
        interval_ms: Length of a bar in milliseconds; only volatility sizing uses it.
    """

    def __init__(self, config: ExecutionConfig, symbol: str = "", interval_ms: int = DAY_MS) -> None:
        self.config = config
        self.symbol = symbol
        self.rejected: RejectedSignal | None = None
        self._packed = config.pack(interval_ms)
        self._state = config.new_state()
        # One bar closes at most two positions: one at its open, and the one that is entered there.
        self._rows = np.empty((2, layout.T_SIZE))
        self._entry_time_ms = 0
        self._bar_time_ms = 0

    @property
    def cash(self) -> float:
        """Return the cash."""
        return float(self._state[layout.S_CASH])

    @property
    def position(self) -> float:
        """Return the open quantity, negative when short."""
        return float(self._state[layout.S_QUANTITY])

    @property
    def entry_price(self) -> float:
        """Return the price of the open position, NaN when flat."""
        return float(self._state[layout.S_ENTRY_PRICE]) if self.position else float("nan")

    @property
    def stop_price(self) -> float:
        """Return the fixed stop of the open position, NaN for none."""
        return float(self._state[layout.S_STOP])

    @property
    def target_price(self) -> float:
        """Return the target of the open position, NaN for none."""
        return float(self._state[layout.S_TARGET])

    @property
    def equity(self) -> float:
        """Return the account value at the last close."""
        return self.cash + self.position * float(self._state[layout.S_CLOSE])

    @property
    def risk_at_stop(self) -> float:
        """Return the loss from the last close to the stop; the value of the position where there is no stop."""
        if not self.position:
            return 0.0
        close = float(self._state[layout.S_CLOSE])
        stop = self.stop_price
        distance = close if np.isnan(stop) else max(0.0, (close - stop) * np.sign(self.position))
        return float(distance * abs(self.position))

    def on_bar(
        self,
        time_ms: int,
        o: float,
        h: float,
        low: float,
        c: float,
        volume: float = 0.0,
        finer: Sequence[Bar] = (),
    ) -> list[FillRecord]:
        """Run one bar and return its fills in order; a decision at the last close fills at the open.

        `rejected` is then the entry that was rejected on this bar, or None.

        Args:
            time_ms: Open of the bar, UTC epoch milliseconds.
            o: Open of the bar.
            h: High of the bar.
            low: Low of the bar.
            c: Close of the bar.
            volume: Traded units; no rule uses it.
            finer: The finer bars inside it (open, high, low, close), for `intrabar="magnify"`; without them, or with
                only some, the bar uses the worst rule.

        Raises:
            CandleError: The finer bars leave the high or low of the bar.
        """
        del volume  # no rule uses it yet
        rejections = self._state[layout.S_REJECTED]
        position = self.position
        closed_before = self._closed
        self._bar_time_ms = time_ms
        self._run((o, h, low, c), finer)
        self.rejected = None
        if self._state[layout.S_REJECTED] != rejections:
            reason = records.REJECTION_TEXTS[Rejection(int(self._state[layout.S_REASON]))]
            self.rejected = RejectedSignal(int(self._state[layout.S_REASON_INDEX]), time_ms, reason)
        fills: list[FillRecord] = []
        for number in range(closed_before, self._closed):
            row = self._rows[number % len(self._rows)]
            if not position:
                fills.append(self._opened(row[layout.T_SIDE] * row[layout.T_QUANTITY], row[layout.T_ENTRY_PRICE], row))
            fills.append(self._closed_fill(number, row))
            position = 0.0
        if not position and self.position:
            state = self._state
            fills.append(self._opened(self.position, state[layout.S_ENTRY_PRICE], None))
        return fills

    def decide(
        self,
        entry: int,
        exit: bool = False,  # noqa: A002  the word of Signals
        stop_loss: float = math.nan,
        take_profit: float = math.nan,
        trailing: float = math.nan,
        stop_base: Literal["fill", "price"] = "fill",
        order: EntryOrder = AT_MARKET,
    ) -> str | None:
        """Queue the decision at the close of the last bar; return why it is rejected, or None.

        Args:
            entry: +1 long, -1 short, 0 none; replaces a pending entry.
            exit: Close the open position and cancel the pending entry.
            stop_loss: Ratio or price as `stop_base` says, NaN for none.
            take_profit: Ratio or price as `stop_base` says, NaN for none.
            trailing: Ratio or distance as `stop_base` says, NaN for none.
            stop_base: `fill`: the three are ratios of the fill price; `price`: prices (trailing: a distance).
            order: How the entry is placed.
        """
        if entry == 0 and not exit:
            return None
        reason = place_order(
            self._state,
            self._packed,
            float(entry),
            exit,
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
        return records.REJECTION_TEXTS[Rejection(reason)] if reason else None

    def finish(self) -> list[FillRecord]:
        """Close the open position at the last close and return the fill, if any."""
        before = self._closed
        finish(self._state, self._packed, self._rows)
        return [
            self._closed_fill(number, self._rows[number % len(self._rows)]) for number in range(before, self._closed)
        ]

    def dump(self) -> Json:
        """Return the account as JSON from which `load` restores the same bits."""
        return {
            "state": [float(number).hex() for number in self._state],
            "entry_time_ms": self._entry_time_ms,
            "bar_time_ms": self._bar_time_ms,
        }

    @classmethod
    def load(
        cls, config: ExecutionConfig, dump: JsonMapping, symbol: str = "", interval_ms: int = DAY_MS
    ) -> "BarStepper":
        """Return a stepper that continues from a dump.

        Raises:
            ValueError: The dump was made by a version with another account layout.
        """
        stepper = cls(config, symbol, interval_ms)
        if len(dump["state"]) != layout.S_SIZE:
            raise ValueError(
                f"the dump has {len(dump['state'])} numbers, this version uses {layout.S_SIZE}; start the run again"
            )
        stepper._state[:] = [float.fromhex(number) for number in dump["state"]]
        stepper._entry_time_ms = int(dump["entry_time_ms"])
        stepper._bar_time_ms = int(dump["bar_time_ms"])
        return stepper

    @property
    def _closed(self) -> int:
        return int(self._state[layout.S_TRADES])

    def _run(self, bar: Bar, finer: Sequence[Bar]) -> None:
        if self.config.intrabar != "magnify":
            step(self._state, self._packed, self._rows, *bar)
            return
        columns = np.ascontiguousarray(np.array(finer, dtype=np.float64).reshape(-1, 4).T)
        if not is_complete(bar, Bars(*columns)):
            columns = columns[:, :0]
        opens, highs, lows, closes = np.ascontiguousarray(columns)
        magnify(self._state, self._packed, self._rows, opens, highs, lows, closes, *bar)

    def _opened(self, quantity: float, price: float, row: NDArray[np.float64] | None) -> FillRecord:
        fee = self._state[layout.S_ENTRY_FEE] if row is None else row[layout.T_ENTRY_FEE]
        index = self._state[layout.S_ENTRY_INDEX] if row is None else row[layout.T_ENTRY_INDEX]
        self._entry_time_ms = self._bar_time_ms
        return FillRecord(
            side="BUY" if quantity > 0 else "SELL",
            index=int(index),
            time_ms=self._bar_time_ms,
            price=float(price),
            quantity=abs(float(quantity)),
            fee=float(fee),
            reason="signal",
        )

    def _closed_fill(self, number: int, row: NDArray[np.float64]) -> FillRecord:
        record = records.trade(number + 1, row, self.symbol, self._entry_time_ms, self._bar_time_ms)
        return FillRecord(
            side="SELL" if record.side == "long" else "BUY",
            index=record.exit_index,
            time_ms=self._bar_time_ms,
            price=record.exit_price,
            quantity=record.quantity,
            fee=record.exit_fee,
            reason=record.exit_reason,
            trade=record,
        )
