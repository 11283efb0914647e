"""What the engine trades with: fees, sizing, and the limits that no order may break."""

from dataclasses import dataclass, field
from decimal import Decimal

from seatrial_core.contracts.events import Environment
from seatrial_trading.quant import sizing


@dataclass(frozen=True)
class RiskLimits:
    """Limits of one account; None means no limit.

    Args:
        max_position_notional: Largest value of one position, in quote currency.
        max_open_positions: Most positions at once.
        max_daily_loss_ratio: Largest loss of a UTC day, over the equity at its start.
        max_orders_per_minute: Most orders in sixty seconds.
        min_notional: Smallest value of an entry.
        allow_short: Whether selling may open a position.
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
        account: Where signals go that name none.
        environment: The environment of accounts that a signal opens without naming one.
        currency: The base currency.
        opening_balance: What a new account begins with.
        stress_balance: What a new account of the environment `stress` begins with.
        fee_rate: Fee of one side, a ratio of the traded value.
        slippage_bps: Adverse slippage of market and stop orders, in hundredths of a percent.
        lot_size: Step of quantities; 0 means 1e-8.
        size: How much an entry takes that names no quantity.
        limits: The risk limits.
        most_accounts: How many accounts signals may open.
    """

    name: str = "engine"
    account: str = "default"
    environment: Environment = Environment.PAPER
    currency: str = "USD"
    opening_balance: Decimal = Decimal(10_000)
    stress_balance: Decimal = Decimal(1_000_000_000)
    fee_rate: Decimal = Decimal("0.001")
    slippage_bps: Decimal = Decimal(0)
    lot_size: Decimal = Decimal(0)
    size: str = "equity:1.0"
    limits: RiskLimits = field(default_factory=RiskLimits)
    most_accounts: int = 1_000

    def __post_init__(self) -> None:
        sizing.parse(self.size)
