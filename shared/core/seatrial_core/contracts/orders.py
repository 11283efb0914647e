"""Signals, orders, fills and positions of the reference engine on the wire; money is a decimal string."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from seatrial_core.contracts.backtests import (
    CandleColumns,
    NotNegative,
    Params,
    SizeText,
    StrategyName,
)
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.numbers import Money
from seatrial_core.contracts.text import Identity, Symbol, TextRule

AccountLabel = Annotated[str, TextRule(1, 64)]


class Side(StrEnum):
    """The direction of an order."""

    BUY = "BUY"
    SELL = "SELL"


class OrderStatus(StrEnum):
    """The status of an order; filled, rejected, cancelled and expired are final."""

    ACCEPTED = "accepted"
    FILLED = "filled"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class TradingState(StrEnum):
    """What the engine may trade: anything, only closing orders, or nothing."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


class Signal(BaseModel):
    """A request to trade, from a strategy, a person or a webhook."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: Symbol
    action: Literal["buy", "sell", "close", "short", "cover", "hold"]
    strategy: Annotated[str, TextRule(1, 64)] = "manual"
    account: AccountLabel = "default"
    client_order_id: Identity | None = None
    price: Annotated[Money, Field(gt=0)] | None = None
    quantity: Annotated[Money, Field(gt=0)] | None = None
    stop_loss: Annotated[Money, Field(gt=0)] | None = None
    take_profit: Annotated[Money, Field(gt=0)] | None = None
    size: SizeText | None = None
    environment: Environment | None = None


class Order(BaseModel):
    """An order and its outcome."""

    model_config = ConfigDict(frozen=True)

    id: str
    client_order_id: str
    account: str
    strategy: str
    symbol: str
    side: Side
    quantity: Decimal
    status: OrderStatus
    reason: str | None = None
    price: Decimal | None = None
    fee: Decimal = Decimal(0)
    pnl: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    environment: Environment = Environment.PAPER
    created_at: AwareDatetime
    filled_at: AwareDatetime | None = None


class PositionState(BaseModel):
    """An open position; short ones have a negative quantity."""

    model_config = ConfigDict(frozen=True)

    account: str
    symbol: str
    strategy: str
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    unrealised_pnl: Decimal
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    opened_at: AwareDatetime


class AccountState(BaseModel):
    """One account: cash, equity and its opening balance."""

    model_config = ConfigDict(frozen=True)

    account: str
    environment: Environment
    opening_balance: Decimal
    cash: Decimal
    equity: Decimal
    open_positions: int
    state: TradingState


class ReplayAccountRequest(BaseModel):
    """One account of a replay: its symbol, bars, strategy and opening balance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: AccountLabel
    symbol: Symbol
    strategy: StrategyName
    params: Params = {}
    cash: Annotated[Money, Field(gt=0)] = Decimal(10_000)
    fee: Annotated[float, Field(ge=-0.01, le=0.1)] = 0.001
    slippage_bps: Annotated[float, Field(ge=0, le=1_000)] = 0.0
    size: SizeText = "equity:1.0"
    lot: NotNegative = 0.0
    allow_short: bool = False
    session: Literal["continuous", "auction"] = "continuous"
    candles: CandleColumns


class ReplayRequest(BaseModel):
    """A request to trade stored bars; the events carry the times of the bars."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, TextRule(1, 64)]
    accounts: Annotated[list[ReplayAccountRequest], Field(min_length=1, max_length=64)]
    bars_per_second: Annotated[float, Field(ge=0.001, le=1_000_000)] | None = None


class ReplayState(BaseModel):
    """The status and progress of a replay."""

    model_config = ConfigDict(frozen=True)

    id: str
    status: Literal["running", "finished", "stopped", "failed"]
    steps_done: int
    steps_total: int
    error: str | None = None
    trades: int = 0
    events_pending: int = 0


class ReplayTrades(BaseModel):
    """The closed trades of one replay account, in the format of a backtest's trade rows."""

    model_config = ConfigDict(frozen=True)

    account: str
    symbol: str
    trades: list[dict[str, Any]]  # the row of matching.TradeRecord
    equity: list[float] = []
