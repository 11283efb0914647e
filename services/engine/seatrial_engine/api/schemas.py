"""Requests and responses that only the engine's routes use."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.numbers import Money
from seatrial_core.contracts.orders import AccountLabel, Side, TradingState
from seatrial_core.contracts.text import Actor, Identity, Reason, Symbol, TextRule


class OrderRequest(BaseModel):
    """An order with the sender's own id; a repeated request is the same order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_order_id: Identity
    symbol: Symbol
    side: Side
    quantity: Annotated[Money, Field(gt=0)]
    price: Annotated[Money, Field(gt=0)] | None = None
    stop_loss: Annotated[Money, Field(gt=0)] | None = None
    take_profit: Annotated[Money, Field(gt=0)] | None = None
    account: AccountLabel | None = None
    strategy: Annotated[str, TextRule(1, 64)] = "manual"
    environment: Environment | None = None


class PriceUpdate(BaseModel):
    """The last price of a symbol."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: Symbol
    price: Annotated[Money, Field(gt=0)]


class PriceUpdates(BaseModel):
    """Prices in the order they arrived."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prices: Annotated[list[PriceUpdate], Field(min_length=1, max_length=1_000)]


class PricesAccepted(BaseModel):
    """How many prices were applied, and how many stops and targets they filled."""

    taken: int
    filled: int


class OrderCheckResult(BaseModel):
    """Whether an order would be accepted now; nothing was sent."""

    accepted: bool
    reason: str | None = None
    state: TradingState


class ControlRequest(BaseModel):
    """Who sets the trading state, and why; where tokens are required, `actor` is kept as a note only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: Actor
    reason: Reason


class ControlState(BaseModel):
    """The trading state, who set it, and why.

    `actor` is the name of the token that set it, and `note` what the caller said about itself; without tokens `actor`
    is what the caller said.
    """

    state: TradingState
    actor: str = ""
    reason: str = ""
    changed_at: AwareDatetime | None = None
    note: str = ""


class OutboxState(BaseModel):
    """How many events wait, how many were rejected, and why the last push failed."""

    pending: int
    refused: int
    last_error: str | None = None


class FillItem(BaseModel):
    """One fill in the ledger; amounts are decimal strings."""

    id: str
    order_id: str
    account: str
    strategy: str
    symbol: str
    side: Side
    quantity: Money
    price: Money
    fee: Money
    pnl: Money | None = None
    holding_seconds: float | None = None
    exit_reason: str | None = None
    occurred_at: AwareDatetime


class WebhookAccepted(BaseModel):
    """The result of an accepted webhook: its order, or why there is none."""

    status: str
    order_id: str | None = None
    reason: str | None = None
    repeated: bool = False
