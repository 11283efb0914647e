"""Trades a strategy on stored bars, by the fill rules of the backtest, in a thread of its own."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from math import isnan, nan
from typing import Any
from uuid import uuid4

from seatrial.config.trading_config import TradingConfig
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.matching.stepper import BarStepper, FillRecord
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy import registry
from seatrial_trading.strategy.signals import Signals

ACCOUNT = "auto"
MAX_WAITING = 5_000
PAUSE_SECONDS = 0.01

log = logging.getLogger("seatrial")

Row = dict[str, Any]  # Any: the columns have a type each
Told = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class AutoTradingState:
    """How the automatic account stands after a bar; a new one is made for every change."""

    bars: int = 0
    pnl: Decimal = Decimal(0)
    trades: tuple[Row, ...] = ()
    positions: tuple[Row, ...] = ()


@dataclass(frozen=True)
class EventSink:
    """Where the trader tells what happened, and how many events still wait to be sent."""

    tell: Told
    waiting: Callable[[], int]


class AutoTrader:
    """Trades one strategy on one symbol's bars, once through, in an account of its own on the bars' own time.

    Args:
        config: Names strategy, bars, costs and speed.
        candles: The bars.
        line: Hears every event.
    """

    def __init__(self, config: TradingConfig, candles: Candles, line: EventSink) -> None:
        assert config.strategy is not None, "without a strategy nobody makes an automatic trader"
        self.standing = AutoTradingState()
        self._config = config
        self._candles = candles
        self._line = line
        self._run_id = uuid4().hex
        spec = registry.get(config.strategy)
        self._signals: Signals = spec.signals(candles, spec.parse(config.strategy_params))
        self._stepper = BarStepper(_execution(config), candles.symbol, candles.interval_ms)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="seatrial-auto-trading", daemon=True)

    @property
    def is_running(self) -> bool:
        """Tell whether bars are still being traded."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin with the first bar; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current bar."""
        self._stopping.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        log.info("auto trading %s on %d bars of %s", self._config.strategy, len(self._candles), self._candles.symbol)
        first = self._instant(int(self._candles.time_ms[0]))
        balance = str(self._config.initial_balance)
        self._tell("account", "opening", first, opening_balance=balance, currency=self._config.currency)
        pause = 0.0 if self._config.bars_per_second is None else 1 / self._config.bars_per_second
        for index in range(len(self._candles)):
            if self._stopping.wait(pause) if pause else self._stopping.is_set():
                return
            self._bar(index)
            while self._line.waiting() > MAX_WAITING and not self._stopping.wait(PAUSE_SECONDS):
                continue
        self._settle(self._stepper.finish(), len(self._candles) - 1)

    def _bar(self, index: int) -> None:
        bars, signals = self._candles, self._signals
        fills = self._stepper.on_bar(
            int(bars.time_ms[index]),
            float(bars.open[index]),
            float(bars.high[index]),
            float(bars.low[index]),
            float(bars.close[index]),
        )
        self._settle(fills, index)
        stop, target, trailing = (
            nan if column is None else float(column[index])
            for column in (signals.stop_loss, signals.take_profit, signals.trailing)
        )
        entry, leave = int(signals.entry[index]), bool(signals.exit[index])
        self._stepper.decide(entry, leave, stop, target, trailing, signals.stop_base)

    def _settle(self, fills: list[FillRecord], index: int) -> None:
        at = self._instant(int(self._candles.time_ms[index]))
        for number, fill in enumerate(fills):
            self._tell_fill(fill, f"{index}:{number}", at)
        equity, positions = self._stepper.equity, self._positions(index)
        closed = [self._row(fill, at) for fill in fills if fill.trade is not None]
        self.standing = replace(
            self.standing,
            bars=index + 1,
            pnl=Decimal(repr(equity)) - Decimal(repr(float(self._config.initial_balance))),
            trades=(*self.standing.trades, *closed) if closed else self.standing.trades,
            positions=positions,
        )
        marked = {"equity": repr(equity), "cash": repr(self._stepper.cash), "open_positions": len(positions)}
        self._tell("equity", f"{index}:{len(fills)}", at, **marked, risk_at_stop=repr(self._stepper.risk_at_stop))

    def _tell_fill(self, fill: FillRecord, number: str, at: datetime) -> None:
        fields: Row = {
            "strategy": self._config.strategy,
            "symbol": self._candles.symbol,
            "side": fill.side,
            "status": "filled",
            "duration_seconds": 0.0,
            "trade_id": f"{self._run_id}:{number}",
            "quantity": repr(fill.quantity),
            "price": repr(fill.price),
            "fee": repr(fill.fee),
        }
        if fill.trade is not None:
            fields |= {"pnl": repr(fill.trade.pnl), "exit_reason": fill.trade.exit_reason}
        self._tell("trade", number, at, **fields)

    def _positions(self, index: int) -> tuple[Row, ...]:
        stepper = self._stepper
        if not stepper.position:
            return ()
        mark = float(self._candles.close[index])
        row: Row = {
            "account": ACCOUNT,
            "symbol": self._candles.symbol,
            "strategy": self._config.strategy,
            "quantity": stepper.position,
            "entry_price": stepper.entry_price,
            "mark_price": mark,
            "stop_loss": None if isnan(stepper.stop_price) else stepper.stop_price,
            "take_profit": None if isnan(stepper.target_price) else stepper.target_price,
            "unrealised_pnl": stepper.position * (mark - stepper.entry_price),
        }
        return (row,)

    def _row(self, fill: FillRecord, at: datetime) -> Row:
        assert fill.trade is not None
        return {
            "account": ACCOUNT,
            "strategy": self._config.strategy,
            "symbol": self._candles.symbol,
            "side": fill.side,
            "quantity": fill.quantity,
            "price": fill.price,
            "pnl": fill.trade.pnl,
            "fee": fill.fee,
            "exit_reason": fill.trade.exit_reason,
            "closed_at": at,
        }

    def _tell(self, kind: str, number: str, at: datetime, **fields: object) -> None:
        base: Row = {
            "type": kind,
            "id": f"{self._run_id}:{kind}:{number}",
            "occurred_at": at.isoformat().replace("+00:00", "Z"),
            "engine": "seatrial",
            "account": ACCOUNT,
            "environment": "replay",
        }
        self._line.tell({**base, **fields})

    def _instant(self, time_ms: int) -> datetime:
        return datetime.fromtimestamp(time_ms / 1000, UTC)


def _execution(config: TradingConfig) -> ExecutionConfig:
    return ExecutionConfig(
        cash=float(config.initial_balance),
        taker_fee_rate=config.fee,
        slippage_bps=config.slippage_bps,
        lot_size=config.lot_size,
        min_notional=config.min_notional,
        allow_short=config.allow_short,
        sizing=config.size,
    )
