"""Accounts as values: cash, holdings, the session, and the whole state of the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import TradingState
from seatrial_engine.domain.decimals import ZERO
from seatrial_trading.quant.sizing import ClosedTrades


@dataclass(frozen=True)
class Position:
    """An open position; a short one has a negative quantity. `entry_fee` is the part not yet charged to a close."""

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
    def side(self) -> int:
        """Return 1 for long, -1 for short."""
        return 1 if self.quantity > 0 else -1

    @property
    def value(self) -> Decimal:
        """Return what the position adds to the equity: negative for a short one."""
        return self.quantity * self.mark_price

    @property
    def unrealised_pnl(self) -> Decimal:
        """Return the profit or loss at the mark, before fees."""
        return self.quantity * (self.mark_price - self.entry_price)

    @property
    def risk_at_stop(self) -> Decimal:
        """Return what is lost from the mark if the stop fills; the whole value where there is none."""
        if self.stop_loss is None:
            return abs(self.value)
        return max(ZERO, (self.mark_price - self.stop_loss) * self.quantity)


@dataclass(frozen=True)
class Account:
    """One account and what its limits need: the session's start, the orders of the last minute, the closed trades."""

    name: str
    environment: Environment
    opening_balance: Decimal
    cash: Decimal
    holdings: Mapping[str, Position] = field(default_factory=lambda: MappingProxyType({}))
    session_day: date | None = None
    session_start_equity: Decimal = ZERO
    history: ClosedTrades = field(default_factory=ClosedTrades)
    order_times: tuple[datetime, ...] = ()

    @property
    def equity(self) -> Decimal:
        """Return cash and positions at their marks."""
        return self.cash + sum((each.value for each in self.holdings.values()), ZERO)

    @property
    def risk_at_stop(self) -> Decimal:
        """Return what is lost if every stop fills."""
        return sum((each.risk_at_stop for each in self.holdings.values()), ZERO)

    def with_holding(self, symbol: str, holding: Position | None) -> "Account":
        """Return the account with another position in a symbol, or none."""
        kept = {name: each for name, each in self.holdings.items() if name != symbol}
        if holding is not None:
            kept[symbol] = holding
        return replace(self, holdings=MappingProxyType(kept))

    def marked(self, symbol: str, price: Decimal) -> "Account":
        """Return the account with a position valued at another price."""
        held = self.holdings.get(symbol)
        return self if held is None else self.with_holding(symbol, replace(held, mark_price=price))

    def in_session(self, day: date) -> "Account":
        """Return the account in the session of a UTC day; a new day starts with the equity of now."""
        if self.session_day == day:
            return self
        return replace(self, session_day=day, session_start_equity=self.equity)


@dataclass(frozen=True)
class TradingControl:
    """What the engine may do, who said so, and why."""

    state: TradingState = TradingState.ACTIVE
    actor: str = ""
    reason: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True)
class EngineState:
    """All the engine knows between two orders. A new one is made for every change, and the old one stays whole."""

    accounts: Mapping[str, Account] = field(default_factory=lambda: MappingProxyType({}))
    prices: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({}))
    control: TradingControl = TradingControl()

    def with_account(self, account: Account) -> "EngineState":
        """Return the state with one account changed or new."""
        return replace(self, accounts=MappingProxyType({**self.accounts, account.name: account}))

    def with_price(self, symbol: str, price: Decimal) -> "EngineState":
        """Return the state with the last known price of a symbol."""
        return replace(self, prices=MappingProxyType({**self.prices, symbol: price}))
