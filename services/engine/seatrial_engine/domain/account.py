"""Accounts, positions and the engine's whole state as immutable values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import TradingState
from seatrial_engine.domain.decimals import ZERO
from seatrial_engine.domain.sessions import DayEquity
from seatrial_trading.quant.sizing import TradeStatistics


@dataclass(frozen=True)
class Position:
    """An open position; a short one has a negative quantity.

    Args:
        symbol: What is traded.
        strategy: The strategy of the order that opened it.
        quantity: Signed units, never 0.
        entry_price: Average price of the entries.
        entry_fee: The entry fees that no exit has been charged with yet.
        mark_price: The last price.
        opened_at: When the first entry filled, aware.
        stop_loss, take_profit: Prices of the exits; None for none.
    """

    symbol: str
    strategy: str
    quantity: Decimal
    entry_price: Decimal
    entry_fee: Decimal
    mark_price: Decimal
    opened_at: datetime
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None

    @property
    def sign(self) -> int:
        """Return 1 for long, -1 for short."""
        return 1 if self.quantity > 0 else -1

    @property
    def value(self) -> Decimal:
        """Return the position's part of the equity; negative for a short one."""
        return self.quantity * self.mark_price

    @property
    def unrealised_pnl(self) -> Decimal:
        """Return the profit or loss at the mark price, before fees."""
        return self.quantity * (self.mark_price - self.entry_price)

    @property
    def risk_at_stop(self) -> Decimal:
        """Return the loss from the mark price to the stop; the whole value without a stop."""
        if self.stop_loss is None:
            return abs(self.value)
        return max(ZERO, (self.mark_price - self.stop_loss) * self.quantity)


@dataclass(frozen=True)
class Account:
    """One account with what its risk limits need.

    Args:
        name: The account's name.
        environment: live, paper, stress or replay.
        initial_balance: Money at the start.
        cash: Money now.
        positions: Open positions by symbol.
        session_day: The UTC day of the session; None before the first order.
        session_start_equity: Equity at the start of the session.
        history: Closed trades, as position sizing reads them.
        order_times: Times of the orders of the last 60 seconds.
        equity_history: Equity of earlier sessions and of the last 24 hours.
        replay: The id of the replay that owns the account; None for an account that signals trade.
    """

    name: str
    environment: Environment
    initial_balance: Decimal
    cash: Decimal
    positions: Mapping[str, Position] = field(default_factory=lambda: MappingProxyType({}))
    session_day: date | None = None
    session_start_equity: Decimal = ZERO
    history: TradeStatistics = field(default_factory=TradeStatistics)
    order_times: tuple[datetime, ...] = ()
    replay: str | None = None
    equity_history: DayEquity = field(default_factory=DayEquity)

    @property
    def equity(self) -> Decimal:
        """Return cash plus positions at their mark prices."""
        return self.cash + sum((position.value for position in self.positions.values()), ZERO)

    @property
    def risk_at_stop(self) -> Decimal:
        """Return the loss if every stop fills."""
        return sum((position.risk_at_stop for position in self.positions.values()), ZERO)

    def with_position(self, symbol: str, position: Position | None) -> "Account":
        """Return the account with the position in a symbol replaced, or removed when None."""
        positions = {name: other for name, other in self.positions.items() if name != symbol}
        if position is not None:
            positions[symbol] = position
        return replace(self, positions=MappingProxyType(positions))

    def marked(self, symbol: str, price: Decimal) -> "Account":
        """Return the account with its position in a symbol marked to a price."""
        position = self.positions.get(symbol)
        return self if position is None else self.with_position(symbol, replace(position, mark_price=price))

    def in_session(self, now: datetime) -> "Account":
        """Return the account in the session of a UTC day.

        Only a later day opens a session, with the current equity. A known earlier day has its own start again; an
        unknown one changes nothing.
        """
        day, history = now.date(), self.equity_history
        if not history.points:
            history = history.with_point(now, self.equity)
        if self.session_day is None or day > self.session_day:
            if self.session_day is not None and self.session_day not in history.starts:
                history = history.opened(self.session_day, self.session_start_equity)
            history = history.opened(day, self.equity)
        elif day < self.session_day and day in history.starts:
            history = history.opened(day, history.starts[day])
        elif history is self.equity_history:
            return self
        else:
            return replace(self, equity_history=history)
        return replace(self, session_day=day, session_start_equity=history.starts[day], equity_history=history)

    def with_equity_point(self, now: datetime) -> "Account":
        """Return the account with its equity of this instant in its history."""
        return replace(self, equity_history=self.equity_history.with_point(now, self.equity))


@dataclass(frozen=True)
class TradingControl:
    """The trading state, with who set it and why; `note` is what the caller said about itself."""

    state: TradingState = TradingState.ACTIVE
    actor: str = ""
    reason: str = ""
    changed_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class EngineState:
    """The engine's state between two commands; a change makes a new value.

    Args:
        accounts: The accounts that signals trade, by name.
        prices: The last price of each symbol.
        control: The trading state.
        replay_accounts: The accounts that replays own: the replay's id by account name. Signals must not touch them.
    """

    accounts: Mapping[str, Account] = field(default_factory=lambda: MappingProxyType({}))
    prices: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    control: TradingControl = TradingControl()
    replay_accounts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def with_account(self, account: Account) -> "EngineState":
        """Return the state with one account added or replaced."""
        return replace(self, accounts=MappingProxyType({**self.accounts, account.name: account}))

    def with_price(self, symbol: str, price: Decimal) -> "EngineState":
        """Return the state with the last price of a symbol."""
        return replace(self, prices=MappingProxyType({**self.prices, symbol: price}))

    def with_replay(self, replay: str, accounts: Mapping[str, Account]) -> "EngineState":
        """Return the state in which a replay owns accounts."""
        owners = {**self.replay_accounts, **dict.fromkeys(accounts, replay)}
        return replace(self, replay_accounts=MappingProxyType(owners))
