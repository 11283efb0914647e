"""The same account step, one bar at a time: the exchange of an engine that trades bars as they come."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching import layout, records
from seatrial_trading.matching.array_loop import Bars
from seatrial_trading.matching.config import DAY_MS, ExecutionConfig
from seatrial_trading.matching.kernel import finish, magnify, place, step
from seatrial_trading.matching.layout import OrderKind, Rejection, SizeKind
from seatrial_trading.matching.records import RejectedSignal, TradeRecord
from seatrial_trading.matching.sub_bars import is_whole


@dataclass(frozen=True)
class FillRecord:
    """One fill of the bar-driven exchange; `trade` stands on the fill that closes a position."""

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
    """How an entry is placed; prices NaN where the kind has none, `expires_bars` 0 for as long as it takes.

    `size` is the order's own, in the words of `size_kind`; NaN sizes it as the run does.
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
    """Trade one account in one symbol, bar by bar, to the same numbers as `simulate`.

    Args:
        config: What orders cost and how bars are settled.
        symbol: Goes into the records.
        interval_ms: Length of a bar; matters to volatility sizing only.
    """

    def __init__(self, config: ExecutionConfig, symbol: str = "", interval_ms: int = DAY_MS) -> None:
        self.config = config
        self.symbol = symbol
        self.refused: RejectedSignal | None = None
        self._packed = config.pack(interval_ms)
        self._state = config.new_state()
        # One bar closes at most two positions: one at its open, and the one that was entered there.
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
        """Return cash and position at the last close."""
        return self.cash + self.position * float(self._state[layout.S_CLOSE])

    @property
    def risk_at_stop(self) -> float:
        """Return what is lost from the last close if the stop fills, the whole position where there is none."""
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
        """Run one bar and return its fills in order; what was decided at the last close fills at the open.

        An entry that came to nothing on this bar stands in `refused` afterwards, by the index of its decision.

        Args:
            time_ms: Open of the bar, UTC epoch milliseconds.
            o, h, low, c, volume: The bar.
            finer: The finer bars inside it (open, high, low, close), read where `config.intrabar` is `magnify`; without
                them, or with only some, the bar goes by the worst rule.
        """
        del volume  # no rule asks for it yet
        refusals = self._state[layout.S_REJECTED]
        held = self.position
        closed_before = self._closed
        self._bar_time_ms = time_ms
        self._run((o, h, low, c), finer)
        self.refused = None
        if self._state[layout.S_REJECTED] != refusals:
            reason = records.REJECTION_TEXTS[Rejection(int(self._state[layout.S_REASON]))]
            self.refused = RejectedSignal(int(self._state[layout.S_REASON_INDEX]), time_ms, reason)
        fills: list[FillRecord] = []
        for number in range(closed_before, self._closed):
            row = self._rows[number % len(self._rows)]
            if not held:
                fills.append(self._opened(row[layout.T_SIDE] * row[layout.T_QUANTITY], row[layout.T_ENTRY_PRICE], row))
            fills.append(self._closed_fill(number, row))
            held = 0.0
        if not held and self.position:
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
        """Queue the decision of the close of the last bar; return why nothing came of it, or None."""
        if entry == 0 and not exit:
            return None
        reason = place(
            self._state,
            self._packed,
            float(entry),
            exit,
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
        return records.REJECTION_TEXTS[Rejection(reason)] if reason else None

    def finish(self) -> list[FillRecord]:
        """Close what is open at the last close and return the fill."""
        before = self._closed
        finish(self._state, self._packed, self._rows)
        return [
            self._closed_fill(number, self._rows[number % len(self._rows)]) for number in range(before, self._closed)
        ]

    def dump(self) -> dict[str, Any]:  # Any: JSON
        """Return the account as JSON that loads bit for bit."""
        return {
            "state": [float(number).hex() for number in self._state],
            "entry_time_ms": self._entry_time_ms,
            "bar_time_ms": self._bar_time_ms,
        }

    @classmethod
    def load(
        cls, config: ExecutionConfig, dump: Mapping[str, Any], symbol: str = "", interval_ms: int = DAY_MS
    ) -> "BarStepper":
        """Return a stepper that goes on where `dump` was taken.

        Raises:
            ValueError: The dump was taken by a version with another account layout.
        """
        stepper = cls(config, symbol, interval_ms)
        if len(dump["state"]) != layout.S_SIZE:
            raise ValueError(
                f"the dump holds {len(dump['state'])} numbers, this version keeps {layout.S_SIZE}; start the run anew"
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
        if not is_whole(bar, Bars(*columns)):
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
