"""Trades a strategy on stored bars in a background thread, through the replay of the engine service."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

from seatrial.config.trading_config import TradingConfig
from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.orders import TradingState
from seatrial_engine.domain.account import Position
from seatrial_engine.domain.fills import Fill
from seatrial_engine.replays.replay import Replay, ReplayChunk
from seatrial_engine.replays.replay_account import ReplayAccount, ReplayAccountConfig
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.quant.candles import Candles

ACCOUNT = "auto"
MAX_PENDING = 5_000
PAUSE_SECONDS = 0.01

log = logging.getLogger("seatrial")

Row = dict[str, Any]  # Any: the columns have a type each


@dataclass(frozen=True)
class AutoTradingState:
    """The automatic account after a bar; every change makes a new value."""

    bars: int = 0
    pnl: Decimal = Decimal(0)
    trades: tuple[Row, ...] = ()
    positions: tuple[Row, ...] = ()


@dataclass(frozen=True)
class EventSink:
    """Where the trader sends events; `pending` returns how many of them are not sent yet."""

    send: Callable[[Mapping[str, Any]], None]
    pending: Callable[[], int]


class AutoTrader:
    """Trade one strategy once through one symbol's bars, in its own account and in the time of the bars.

    Fills, equity and events have the times of a replay: see `seatrial_engine.replays.replay_account.ReplayAccount`.

    Args:
        config: Strategy, costs and speed.
        candles: The bars.
        engine: The engine's name, in every event.
        sink: Takes every event.
        clock: Measures execution times.
    """

    def __init__(self, config: TradingConfig, candles: Candles, engine: str, sink: EventSink, clock: Clock) -> None:
        self.state = AutoTradingState()
        self._config = config
        self._symbol = candles.symbol
        self._sink = sink
        account = ReplayAccount(_account_config(config, candles), uuid4().hex, engine, clock)
        self._replay = Replay([account])
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="seatrial-auto-trading", daemon=True)

    @property
    def is_running(self) -> bool:
        """Return whether bars are being traded."""
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
        log.info("auto trading %s on %d bars of %s", self._config.strategy, self._replay.steps_total, self._symbol)
        for event in self._replay.opening_events():
            self._sink.send(event)
        pause = 0.0 if self._config.bars_per_second is None else 1 / self._config.bars_per_second
        while not self._replay.is_finished:
            if self._stopping.wait(pause) if pause else self._stopping.is_set():
                return
            self._record(self._replay.advance(1, TradingState.ACTIVE))
            while self._sink.pending() > MAX_PENDING and not self._stopping.wait(PAUSE_SECONDS):
                continue

    def _record(self, chunk: ReplayChunk) -> None:
        account = chunk.changes.accounts[ACCOUNT]
        closed = tuple(_trade_row(fill) for fill in chunk.changes.fills if fill.pnl is not None)
        self.state = AutoTradingState(
            bars=chunk.steps_done,
            pnl=account.equity - account.initial_balance,
            trades=(*self.state.trades, *closed) if closed else self.state.trades,
            positions=tuple(_position_row(position) for position in account.positions.values()),
        )
        for event in chunk.changes.events:
            self._sink.send(event)


def _trade_row(fill: Fill) -> Row:
    assert fill.pnl is not None, "only a fill that closes makes a trade"
    return {
        "trade_id": fill.id,
        "account": fill.account,
        "strategy": fill.strategy,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "quantity": float(fill.quantity),
        "price": float(fill.price),
        "pnl": float(fill.pnl),
        "fee": float(fill.fee),
        "exit_reason": fill.exit_reason,
        "closed_at": fill.occurred_at,
    }


def _position_row(position: Position) -> Row:
    return {
        "account": ACCOUNT,
        "symbol": position.symbol,
        "strategy": position.strategy,
        "quantity": float(position.quantity),
        "entry_price": float(position.entry_price),
        "mark_price": float(position.mark_price),
        "stop_loss": None if position.stop_loss is None else float(position.stop_loss),
        "take_profit": None if position.take_profit is None else float(position.take_profit),
        "unrealised_pnl": float(position.unrealised_pnl),
        "opened_at": position.opened_at,
    }


def _account_config(config: TradingConfig, candles: Candles) -> ReplayAccountConfig:
    assert config.strategy is not None, "TradingEngine starts no automatic trading without a strategy"
    return ReplayAccountConfig(
        account=ACCOUNT,
        candles=candles,
        strategy=config.strategy,
        params=config.strategy_params,
        initial_balance=Decimal(repr(float(config.initial_balance))),
        currency=config.currency,
        execution=ExecutionConfig(
            cash=float(config.initial_balance),
            taker_fee_rate=config.fee,
            slippage_bps=config.slippage_bps,
            lot_size=config.lot_size,
            min_notional=config.min_notional,
            allow_short=config.allow_short,
            sizing=config.size,
        ),
    )
