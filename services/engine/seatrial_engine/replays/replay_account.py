"""One account of a replay: its bars, its strategy, and the bar-driven exchange that fills its orders."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Order, OrderStatus, Side, TradingState
from seatrial_core.timestamps import from_epoch_ms
from seatrial_engine.domain import events
from seatrial_engine.domain.account import Account, Position
from seatrial_engine.domain.changes import Event, OrderRecord, StateChanges
from seatrial_engine.domain.decimals import of_float, wire
from seatrial_engine.domain.exchange import PLACE
from seatrial_engine.domain.execution import filled_order
from seatrial_engine.domain.fills import Fill, Protection
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.matching.layout import Rejection
from seatrial_trading.matching.records import REJECTION_TEXTS, TradeRecord
from seatrial_trading.matching.stepper import BarStepper, FillRecord
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy import registry
from seatrial_trading.strategy.signals import Signals

# A strategy that repeats its signal while it is invested sends no order, so none is rejected.
IGNORED = {REJECTION_TEXTS[Rejection.POSITION_OPEN], REJECTION_TEXTS[Rejection.NOTHING_TO_CLOSE]}


@dataclass(frozen=True)
class ReplayAccountConfig:
    """What one account of a replay trades, and how.

    Args:
        account: The account's name.
        candles: The bars of its symbol.
        strategy: Name of a registered strategy.
        params: Parameters of the strategy, not yet validated.
        initial_balance: Money at the start; equals the cash of `execution`.
        execution: Fees, slippage, sizing and fill rules.
        currency: Currency of the money.
    """

    account: str
    candles: Candles
    strategy: str
    params: Mapping[str, Any]  # Any: not yet validated
    initial_balance: Decimal
    execution: ExecutionConfig
    currency: str = "USD"


@dataclass
class AccountChunk:
    """What an account did in a chunk: closed trades, and its equity after each bar (the first: before any)."""

    trades: list[TradeRecord] = field(default_factory=list)
    equity: list[float] = field(default_factory=list)


class ReplayAccount:
    """Trade one account's bars in order.

    A fill is stamped with the open of its bar, as in a backtest; a decision, the equity after a bar and the closing of
    an open position at the end of the data are stamped with the bar's close.

    Args:
        config: What to trade.
        replay: The replay's id; every order, fill and event id begins with it.
        engine: The engine's name, in every event.
        clock: Measures execution times.

    Raises:
        ValidationFailed: The strategy or a parameter is not allowed.
    """

    def __init__(self, config: ReplayAccountConfig, replay: str, engine: str, clock: Clock) -> None:
        self.name = config.account
        self.candles = config.candles
        self._config = config
        self._spec = registry.get(config.strategy)
        self._params = self._spec.parse(config.params)
        self._replay = replay
        self._prefix = f"{replay}:{config.account}"
        self._engine = engine
        self._clock = clock
        self._stepper = BarStepper(config.execution, self.candles.symbol, self.candles.interval_ms)
        self._fills = 0
        self._entry_fee = 0.0
        self._entered_ms = 0
        self._close = 0.0

    def process_bar(self, bar: int, state: TradingState, chunk: AccountChunk) -> tuple[StateChanges, StateChanges]:
        """Trade one bar: return the fills at its open, and the decisions and the equity at its close.

        Args:
            bar: Index of the bar.
            state: Limits which decisions are sent.
            chunk: Takes the closed trades and the equity.
        """
        candles, started = self.candles, self._clock.monotonic()
        opened_ms = int(candles.time_ms[bar])
        closed_ms = opened_ms + candles.interval_ms
        columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
        o, high, low, close, volume = (float(column[bar]) for column in columns)
        records = self._stepper.on_bar(opened_ms, o, high, low, close, volume)
        self._close = close
        fills = self._filled(records, opened_ms, started, chunk)
        at_close = [self._decide(bar, closed_ms, state)]
        if bar == len(candles) - 1:
            at_close.append(self._filled(self._stepper.finish(), closed_ms, started, chunk))
        if bar == 0:
            chunk.equity.append(self._config.execution.cash)
        chunk.equity.append(self._stepper.equity)
        at_close.append(StateChanges(events=(self._equity_event(bar, closed_ms),)))
        return fills, StateChanges.merged(at_close)

    def opening_event(self) -> Event:
        """Return the event of the new account, at the open of its first bar."""
        opened_at = from_epoch_ms(int(self.candles.time_ms[0]))
        identity = f"{self._prefix}:account"
        return events.account_opened(self.snapshot(), identity, opened_at, self._engine, self._config.currency)

    def snapshot(self) -> Account:
        """Return the account now."""
        return Account(
            name=self.name,
            environment=Environment.REPLAY,
            initial_balance=self._config.initial_balance,
            cash=of_float(self._stepper.cash),
            positions={self.candles.symbol: self._position()} if self._stepper.position else {},
            replay=self._replay,
        )

    def dump(self) -> dict[str, Any]:  # Any: JSON
        """Return the progress as JSON that restores bit for bit."""
        return {
            "stepper": self._stepper.dump(),
            "fills": self._fills,
            "entry_fee": self._entry_fee,
            "entered_ms": self._entered_ms,
            "close": self._close,
        }

    def restore(self, progress: Mapping[str, Any]) -> None:  # Any: JSON
        """Continue from what `dump` returned."""
        symbol, interval_ms = self.candles.symbol, self.candles.interval_ms
        self._stepper = BarStepper.load(self._config.execution, progress["stepper"], symbol, interval_ms)
        self._fills = int(progress["fills"])
        self._entry_fee = float(progress["entry_fee"])
        self._entered_ms = int(progress["entered_ms"])
        self._close = float(progress["close"])

    @cached_property
    def _signals(self) -> Signals:
        # Strategies are causal (StrategySpec): row i depends on no bar after i, so all rows can be computed at once.
        return self._spec.signals(self.candles, self._params)

    def _decide(self, bar: int, closed_ms: int, state: TradingState) -> StateChanges:
        signals = self._signals
        entry = int(signals.entry[bar]) if state is TradingState.ACTIVE else 0
        leave = bool(signals.exit[bar]) and state is not TradingState.HALTED
        if not entry and not leave:
            return StateChanges()
        started = self._clock.monotonic()
        stop, target, trailing = (
            math.nan if column is None else float(column[bar])
            for column in (signals.stop_loss, signals.take_profit, signals.trailing)
        )
        reason = self._stepper.decide(entry, leave, stop, target, trailing, signals.stop_base)
        if reason in IGNORED:
            return StateChanges()
        identity, at = f"{self._prefix}:decision:{bar}", from_epoch_ms(closed_ms)
        seconds = self._clock.monotonic() - started
        call = events.api_called(identity, at, self._engine, self.snapshot(), PLACE, seconds, ok=reason is None)
        if reason is None:
            return StateChanges(events=(call,))
        order = self._rejected_order(identity, entry, reason, at)
        rejection = events.trade_rejected(order, self._engine, seconds)
        return StateChanges(orders=(OrderRecord(order, ""),), events=(call, rejection))

    def _filled(self, records: Sequence[FillRecord], at_ms: int, started: float, chunk: AccountChunk) -> StateChanges:
        orders, fills, filled_events = [], [], []
        for record in records:
            fill = self._fill(record, at_ms)
            seconds = self._clock.monotonic() - started
            fills.append(fill)
            orders.append(OrderRecord(filled_order(fill, fill.id, Protection(), Environment.REPLAY), ""))
            filled_events.append(events.trade_filled(fill, self._engine, Environment.REPLAY, seconds))
            if record.trade is not None:
                chunk.trades.append(record.trade)
            else:
                self._entry_fee, self._entered_ms = record.fee, at_ms
        return StateChanges(orders=orders, fills=fills, events=filled_events)

    def _fill(self, record: FillRecord, at_ms: int) -> Fill:
        self._fills += 1
        identity = f"{self._prefix}:{self._fills}"
        trade = record.trade
        return Fill(
            id=identity,
            order_id=identity,
            account=self.name,
            strategy=self._config.strategy,
            symbol=self.candles.symbol,
            side=Side(record.side),
            quantity=of_float(record.quantity),
            price=of_float(record.price),
            fee=of_float(record.fee),
            occurred_at=from_epoch_ms(at_ms),
            pnl=None if trade is None else of_float(trade.pnl),
            holding_seconds=None if trade is None else (at_ms - trade.entry_time_ms) / 1000,
            exit_reason=None if trade is None else record.reason,
        )

    def _rejected_order(self, identity: str, entry: int, reason: str, at: datetime) -> Order:
        return Order(
            id=identity,
            client_order_id=identity,
            account=self.name,
            strategy=self._config.strategy,
            symbol=self.candles.symbol,
            side=Side.SELL if entry < 0 else Side.BUY,
            quantity=Decimal(0),
            status=OrderStatus.REJECTED,
            reason=reason,
            environment=Environment.REPLAY,
            created_at=at,
        )

    def _equity_event(self, bar: int, closed_ms: int) -> Event:
        stepper = self._stepper
        identity = f"{self._prefix}:equity:{bar}"
        return {
            **events.equity_marked(self.snapshot(), identity, from_epoch_ms(closed_ms), self._engine),
            "strategy": self._config.strategy,
            "equity": wire(of_float(stepper.equity)),
            "risk_at_stop": wire(of_float(stepper.risk_at_stop)),
        }

    def _position(self) -> Position:
        stepper = self._stepper
        stop, target = stepper.stop_price, stepper.target_price
        return Position(
            symbol=self.candles.symbol,
            strategy=self._config.strategy,
            quantity=of_float(stepper.position),
            entry_price=of_float(stepper.entry_price),
            entry_fee=of_float(self._entry_fee),
            mark_price=of_float(self._close),
            opened_at=from_epoch_ms(self._entered_ms),
            stop_loss=None if math.isnan(stop) else of_float(stop),
            take_profit=None if math.isnan(target) else of_float(target),
        )
