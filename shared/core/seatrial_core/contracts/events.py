"""The events an engine, an SDK or a poller pushes to the metrics service."""

from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from seatrial_core.contracts.numbers import Amount, Instant, Money
from seatrial_core.contracts.text import TextRule

MAX_BATCH_EVENTS = 5_000
BATCH_HEADER = "Seatrial-Batch"
NOTIFY_CHANNEL = "seatrial_metrics"  # Postgres channel; the payload is the last sequence of the ledger


class Environment(StrEnum):
    """Where an event comes from; `replay` runs on event time, the others on the wall clock."""

    LIVE = "live"
    PAPER = "paper"
    REPLAY = "replay"
    STRESS = "stress"


Name = Annotated[str, TextRule(1, 128)]
Label = Annotated[str, TextRule(max_length=128)]
Currency = Annotated[str, TextRule(1, 16)]
Side = Annotated[Label, AfterValidator(str.upper)]
Seconds = Annotated[float, Field(ge=0, le=86_400 * 366, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no IANA time zone; an example is Europe/Berlin")
    return name


Zone = Annotated[Name, AfterValidator(_known_zone)]


class EventBase(BaseModel):
    """Fields of every event; unknown fields are ignored, so that newer senders keep working."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Name
    occurred_at: Instant
    sent_at: Instant | None = None  # set by the metrics service: the time of a sender whose clock is ahead
    engine: Label = "default"
    account: Label = "default"
    strategy: Label = ""
    symbol: Label = ""
    environment: Environment = Environment.LIVE


class AccountEvent(EventBase):
    """The opening balance of an account, from which every later figure is derived; the earliest one counts.

    `session_zone` is the IANA time zone in which the days of the account begin.
    """

    type: Literal["account"] = "account"
    opening_balance: Amount
    currency: Currency = "USD"
    session_zone: Zone = "UTC"


class TradeEvent(EventBase):
    """One execution, or one change of the status of an order.

    `pnl` is set only on an execution that closes a position or a part of it, net of the fees of both sides.
    `trade_id` groups the events of one trade: pending, filled, partial exits, exit. Two events of one trade with equal
    values are one execution, unless each has an `execution_id`.
    """

    type: Literal["trade"] = "trade"
    side: Side
    status: Label = "filled"
    duration_seconds: Seconds | None = None
    trade_id: Name | None = None
    execution_id: Name | None = None
    quantity: Amount | None = None
    price: Amount | None = None
    pnl: Money | None = None
    fee: Money | None = None
    holding_seconds: Seconds | None = None
    exit_reason: Label | None = None


class EquityEvent(EventBase):
    """An account marked to market at one instant."""

    type: Literal["equity"] = "equity"
    equity: Money
    cash: Money | None = None
    open_positions: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    risk_at_stop: Amount | None = None


class TransferEvent(EventBase):
    """A deposit into an account (positive) or a withdrawal from it (negative): neither profit nor loss."""

    type: Literal["transfer"] = "transfer"
    amount: Money


class FundingEvent(EventBase):
    """Funding, interest or a dividend that an account received (positive) or paid (negative)."""

    type: Literal["funding"] = "funding"
    amount: Money


class FeeEvent(EventBase):
    """A fee that an account paid (positive) or a rebate (negative), which is not part of any trade's `pnl`."""

    type: Literal["fee"] = "fee"
    amount: Money


class FxRateEvent(EventBase):
    """The price of one unit of `base` in `quote` at one instant; it converts accounts of other currencies."""

    type: Literal["fx_rate"] = "fx_rate"
    base: Currency
    quote: Currency
    rate: Annotated[Amount, Field(gt=0)]
    source: Label = ""


class ApiCallEvent(EventBase):
    """One call to an exchange or broker, and how long it took."""

    type: Literal["api_call"] = "api_call"
    endpoint: Label
    seconds: Seconds
    ok: bool = True


class ErrorEvent(EventBase):
    """An error in the engine."""

    type: Literal["error"] = "error"
    kind: Label


class WebhookEvent(EventBase):
    """A received webhook and the status it was handled with."""

    type: Literal["webhook"] = "webhook"
    status: Label


class SystemEvent(EventBase):
    """A sample of the engine's machine."""

    type: Literal["system"] = "system"
    cpu_percent: Percent | None = None
    memory_percent: Percent | None = None
    disk_percent: Percent | None = None


class DroppedEvent(EventBase):
    """How many records a producer lost, since its last event of this kind, before they could reach the ledger."""

    type: Literal["dropped"] = "dropped"
    reason: Name
    count: Annotated[int, Field(ge=1, le=1_000_000_000)]


class HeartbeatEvent(EventBase):
    """A heartbeat of the engine."""

    type: Literal["heartbeat"] = "heartbeat"


Event = Annotated[
    AccountEvent
    | TradeEvent
    | EquityEvent
    | TransferEvent
    | FundingEvent
    | FeeEvent
    | FxRateEvent
    | ApiCallEvent
    | ErrorEvent
    | WebhookEvent
    | SystemEvent
    | DroppedEvent
    | HeartbeatEvent,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
MONEY_TYPES = frozenset({"account", "trade", "equity", "transfer", "funding", "fee", "fx_rate"})


IN_THE_FUTURE = "in_the_future"


class RejectedEvent(BaseModel):
    """One rejected event of a batch, and the reason."""

    model_config = ConfigDict(frozen=True)

    index: int
    code: str
    detail: str
    retry_after_seconds: float | None = None  # of `in_the_future`: from then on the event is accepted


class EventsAccepted(BaseModel):
    """The response to a batch, sent after every accepted event is committed."""

    model_config = ConfigDict(frozen=True)

    accepted: int
    duplicates: int
    rejected: list[RejectedEvent] = []
