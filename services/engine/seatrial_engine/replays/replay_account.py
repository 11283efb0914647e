"""One account of a replay: its bars, its strategy, and the bar-driven exchange that fills its orders."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import Order, OrderStatus, ReplayAccountRequest, Side, TradingState
from seatrial_engine.domain import events
from seatrial_engine.domain.account import Account, Position
from seatrial_engine.domain.changes import Event, KnownOrder, StateChanges
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

# A strategy that sees its signal again while it is invested asks for nothing: no order was sent, none was refused.
QUIET = {REJECTION_TEXTS[Rejection.POSITION_OPEN], REJECTION_TEXTS[Rejection.NOTHING_TO_CLOSE]}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class AccountMarks:
    """What an account did in a chunk: the trades it closed, and its equity after each bar."""

    trades: list[TradeRecord] = field(default_factory=list)
    equity: list[float] = field(default_factory=list)


class ReplayAccount:
    """Trade one account's bars in order.

    Args:
        replay: The replay's id, the beginning of every identity.
        account: What was asked for.
        engine: The engine's name, in every event.
        clock: Measures how long the work on a fill took.
    """

    def __init__(self, replay: str, account: ReplayAccountRequest, engine: str, clock: Clock) -> None:
        self.account = account.account
        self.candles = Candles.from_columns(account.symbol, account.candles.model_dump())
        self._spec = registry.get(account.strategy)
        self._params = self._spec.parse(account.params)
        self._config = ExecutionConfig(
            cash=float(account.cash),
            taker_fee_rate=account.fee,
            slippage_bps=account.slippage_bps,
            lot_size=account.lot,
            session=account.session,
            allow_short=account.allow_short,
            sizing=account.size,
        )
        self._asked = account
        self._prefix = f"{replay}:{account.account}"
        self._engine = engine
        self._clock = clock
        self._stepper = BarStepper(self._config, account.symbol, self.candles.interval_ms)
        self._fills = 0
        self._entry_fee = 0.0
        self._entered_ms = 0
        self._close = 0.0

    def bar(self, bar: int, state: TradingState, marks: AccountMarks) -> tuple[StateChanges, StateChanges]:
        """Run one bar: what fills in it, then what is decided and worth at its close."""
        candles, started = self.candles, self._clock.monotonic()
        opened_ms = int(candles.time_ms[bar])
        prices = (float(column[bar]) for column in (candles.open, candles.high, candles.low, candles.close))
        o, high, low, close = prices
        records = self._stepper.on_bar(opened_ms, o, high, low, close, float(candles.volume[bar]))
        self._close = close
        opening = self._filled(records, opened_ms, started, marks)
        closed_ms = opened_ms + candles.interval_ms
        decided = self._decide(bar, closed_ms, state)
        if bar == len(candles) - 1:
            decided = decided.then(self._filled(self._stepper.finish(), closed_ms, started, marks))
        if bar == 0:
            marks.equity.append(self._config.cash)
        marks.equity.append(self._stepper.equity)
        return opening, decided.then(StateChanges(events=(self._marked(bar, closed_ms),)))

    def opened(self) -> Event:
        """Return the event that the account begins, at the open of its first bar."""
        return events.opened(self.snapshot(), _instant(int(self.candles.time_ms[0])), self._engine, "USD")

    def snapshot(self) -> Account:
        """Return the account as it stands."""
        held = self._stepper.position
        holdings = {} if not held else {self._asked.symbol: self._holding(held)}
        cash = of_float(self._stepper.cash)
        return Account(self.account, Environment.REPLAY, Decimal(self._asked.cash), cash, holdings)

    def dump(self) -> dict[str, Any]:  # Any: JSON
        """Return all that is needed to go on."""
        return {
            "stepper": self._stepper.dump(),
            "fills": self._fills,
            "entry_fee": self._entry_fee,
            "entered_ms": self._entered_ms,
            "close": self._close,
        }

    def restore(self, dump: Mapping[str, Any]) -> None:  # Any: JSON
        """Go on where `dump` was taken."""
        self._stepper = BarStepper.load(self._config, dump["stepper"], self._asked.symbol, self.candles.interval_ms)
        self._fills = int(dump["fills"])
        self._entry_fee = float(dump["entry_fee"])
        self._entered_ms = int(dump["entered_ms"])
        self._close = float(dump["close"])

    def _decide(self, bar: int, closed_ms: int, state: TradingState) -> StateChanges:
        # The strategy gets what it would have had: the bars up to this close and not one more.
        signals = self._spec.signals(self.candles.head(bar + 1), self._params)
        entry, leave = int(signals.entry[-1]), bool(signals.exit[-1])
        if state is not TradingState.ACTIVE:
            entry = 0
        if state is TradingState.HALTED:
            leave = False
        if not entry and not leave:
            return StateChanges()
        started = self._clock.monotonic()
        stop, target, trail = (
            math.nan if column is None else float(column[-1])
            for column in (signals.stop_loss, signals.take_profit, signals.trailing)
        )
        refused = self._stepper.decide(entry, leave, stop, target, trail, signals.stop_base)
        if refused in QUIET:
            return StateChanges()
        identity, at = f"{self._prefix}:decision:{bar}", _instant(closed_ms)
        seconds = self._clock.monotonic() - started
        call = events.called(identity, at, self._engine, self.snapshot(), PLACE, seconds, ok=refused is None)
        if refused is None:
            return StateChanges(events=(call,))
        order = self._refused(identity, entry, refused, at)
        return StateChanges((KnownOrder(order, ""),), events=(call, events.refused(order, self._engine, seconds)))

    def _filled(self, records: Sequence[FillRecord], at_ms: int, started: float, marks: AccountMarks) -> StateChanges:
        effects = StateChanges()
        for record in records:
            fill = self._fill(record, at_ms)
            seconds = self._clock.monotonic() - started
            order = filled_order(fill, fill.id, Protection(), Environment.REPLAY)
            told = events.filled(fill, self._engine, Environment.REPLAY, seconds)
            effects = effects.then(StateChanges((KnownOrder(order, ""),), (fill,), events=(told,)))
            if record.trade is not None:
                marks.trades.append(record.trade)
            else:
                self._entry_fee, self._entered_ms = record.fee, at_ms
        return effects

    def _fill(self, record: FillRecord, at_ms: int) -> Fill:
        self._fills += 1
        identity = f"{self._prefix}:{self._fills}"
        trade = record.trade
        return Fill(
            id=identity,
            order_id=identity,
            account=self.account,
            strategy=self._asked.strategy,
            symbol=self._asked.symbol,
            side=Side(record.side),
            quantity=of_float(record.quantity),
            price=of_float(record.price),
            fee=of_float(record.fee),
            occurred_at=_instant(at_ms),
            pnl=None if trade is None else of_float(trade.pnl),
            holding_seconds=None if trade is None else (at_ms - trade.entry_time_ms) / 1000,
            exit_reason=None if trade is None else record.reason,
        )

    def _refused(self, identity: str, entry: int, reason: str, at: datetime) -> Order:
        return Order(
            id=identity,
            client_order_id=identity,
            account=self.account,
            strategy=self._asked.strategy,
            symbol=self._asked.symbol,
            side=Side.SELL if entry < 0 else Side.BUY,
            quantity=Decimal(0),
            status=OrderStatus.REJECTED,
            reason=reason,
            environment=Environment.REPLAY,
            created_at=at,
        )

    def _marked(self, bar: int, closed_ms: int) -> Event:
        stepper = self._stepper
        marked = events.marked(self.snapshot(), f"{self._prefix}:equity:{bar}", _instant(closed_ms), self._engine)
        return {
            **marked,
            "strategy": self._asked.strategy,
            "equity": wire(of_float(stepper.equity)),
            "risk_at_stop": wire(of_float(stepper.risk_at_stop)),
        }

    def _holding(self, quantity: float) -> Position:
        stepper = self._stepper
        stop, target = stepper.stop_price, stepper.target_price
        return Position(
            symbol=self._asked.symbol,
            strategy=self._asked.strategy,
            quantity=of_float(quantity),
            entry_price=of_float(stepper.entry_price),
            entry_fee=of_float(self._entry_fee),
            mark_price=of_float(self._close),
            opened_at=_instant(self._entered_ms),
            stop_loss=None if math.isnan(stop) else of_float(stop),
            take_profit=None if math.isnan(target) else of_float(target),
        )


def _instant(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)
