"""Configuration of the engine: fees, sizing and risk limits."""

from dataclasses import dataclass, field
from decimal import Decimal

from seatrial_core.contracts.events import Environment
from seatrial_trading.quant import sizing


@dataclass(frozen=True)
class RiskLimits:
    """Limits of one account; None is no limit.

    Args:
        max_position_notional: Largest value of one position, in quote currency.
        max_open_positions: Largest number of open positions.
        max_daily_loss_ratio: Loss of a UTC day as a ratio of the equity at its start, from which entries are rejected.
        max_orders_per_minute: Largest number of orders in 60 seconds.
        min_notional: Smallest value of an entry, in quote currency.
        allow_short: Whether a sell may open a short position.
    """

    max_position_notional: Decimal | None = None
    max_open_positions: int | None = None
    max_daily_loss_ratio: Decimal | None = None
    max_orders_per_minute: int | None = None
    min_notional: Decimal = Decimal(0)
    allow_short: bool = False


@dataclass(frozen=True)
class EngineConfig:
    """How the engine trades.

    Args:
        name: The engine's name, in every event.
        account: The account of signals that name none.
        environment: The environment of a new account when its first signal names none.
        currency: The base currency.
        initial_balance: Money of a new account.
        stress_balance: Money of a new account of the environment `stress`.
        fee_rate: Fee of one side, a ratio of the traded value.
        slippage_bps: Adverse slippage of market and stop orders, in basis points.
        lot_size: Step of quantities; 0 is 1e-8.
        size: Position sizing of entries without a quantity, such as `equity:1.0`.
        limits: The risk limits.
        max_accounts: Largest number of accounts that signals may open.

    Raises:
        ValidationFailed: `size` cannot be parsed.
    """

    name: str = "engine"
    account: str = "default"
    environment: Environment = Environment.PAPER
    currency: str = "USD"
    initial_balance: Decimal = Decimal(10_000)
    stress_balance: Decimal = Decimal(1_000_000_000)
    fee_rate: Decimal = Decimal("0.001")
    slippage_bps: Decimal = Decimal(0)
    lot_size: Decimal = Decimal(0)
    size: str = "equity:1.0"
    limits: RiskLimits = field(default_factory=RiskLimits)
    max_accounts: int = 1_000

    def __post_init__(self) -> None:
        sizing.parse(self.size)
