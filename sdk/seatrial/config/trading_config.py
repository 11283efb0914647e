"""The settings of a trading engine that runs in the user's process; the default is a paper account."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import EllipsisType, MappingProxyType
from typing import Any

from seatrial.monitoring.watching.options import thresholds
from seatrial_core.alerting import THRESHOLDS

ENVIRONMENTS = ("live", "paper", "replay", "stress")


@dataclass(frozen=True)
class TradingConfig:
    """The settings of a trading engine; every field has a default, and `...` means the default.

    Args:
        account: The account's name.
        environment: `live`, `paper`, `replay` or `stress`.
        currency: The base currency.
        initial_balance: The balance of the account at its start, in the base currency, > 0.
        strategy: The registered strategy of `start_auto_trading`; None trades signals only.
        strategy_params: Parameters of the strategy that differ from its defaults.
        symbol: The symbol of automatic trading.
        bars: The bars of automatic trading: a CSV file, columns, or rows with time, open, high, low, close and
            volume; None trades nothing automatically.
        bars_per_second: The speed of automatic trading, > 0; None means as fast as possible.
        size: The size of an entry, as in `equity:1.0`, `risk:0.01` or `kelly:0.5`.
        fee: The fee of one side as a ratio of the traded value, -0.01 to 0.1.
        slippage_bps: The slippage of one side in basis points, 0 to 1000.
        lot_size: The step of quantities, >= 0; 0 means 1e-8.
        allow_short: Whether a sale may open a short position.
        max_position_notional: Maximum value of one position, in the base currency; None for no limit.
        max_open_positions: Maximum number of open positions; None for no limit.
        max_daily_loss_ratio: Loss of a UTC day, as a ratio of the equity at its start, from which no position is
            opened; None for no limit.
        max_orders_per_minute: Maximum number of orders in sixty seconds; None for no limit.
        min_notional: Minimum value of an entry, in the base currency.
        webhook_secret: Verifies incoming webhooks; required to listen on other than loopback addresses.
        monitoring_port: The port of the metrics page or service; None reads MONITORING_PORT, else 9999.
        metrics_update_interval: Seconds between two readings; None reads METRICS_UPDATE_INTERVAL, else 30.
        alert_webhook_url: Where alerts are posted; None reads ALERT_WEBHOOK_URL.
        alert_webhook_secret: Signs alerts; None reads ALERT_WEBHOOK_SECRET.
        alert_thresholds: Overrides of the five thresholds, with the names and units of the guide.

    Example:
        TradingConfig(initial_balance=25_000, alert_thresholds={"max_drawdown": 0.15})
    """

    account: str | EllipsisType = "default"
    environment: str = "paper"
    currency: str = "USD"
    initial_balance: float = 10_000.0
    strategy: str | None = None
    strategy_params: Mapping[str, Any] = field(default_factory=dict)  # Any: parameters differ in type
    symbol: str = "BTCUSDT"
    bars: Any = None  # Any: a path, columns or rows
    bars_per_second: float | None = None
    size: str = "equity:1.0"
    fee: float = 0.001
    slippage_bps: float = 0.0
    lot_size: float = 0.0
    allow_short: bool = False
    max_position_notional: float | None = None
    max_open_positions: int | None = None
    max_daily_loss_ratio: float | None = None
    max_orders_per_minute: int | None = None
    min_notional: float = 0.0
    webhook_secret: str = field(default="", repr=False)
    monitoring_port: int | None = None
    metrics_update_interval: float | None = None
    alert_webhook_url: str | None = None
    alert_webhook_secret: str | None = field(default=None, repr=False)
    alert_thresholds: Mapping[str, float] = field(default_factory=lambda: dict(THRESHOLDS))

    def __post_init__(self) -> None:
        """Replace `...` by defaults, complete the thresholds, and refuse values out of range."""
        for setting in fields(self):
            if isinstance(getattr(self, setting.name), EllipsisType):
                default = setting.default_factory() if callable(setting.default_factory) else setting.default
                object.__setattr__(self, setting.name, default)
        object.__setattr__(self, "alert_thresholds", MappingProxyType(thresholds(self.alert_thresholds)))
        if self.environment not in ENVIRONMENTS:
            raise ValueError(f"environment must be one of {', '.join(ENVIRONMENTS)}, was {self.environment!r}")
        _require("initial_balance", self.initial_balance, 0.0, math.inf, above=True)
        _require("fee", self.fee, -0.01, 0.1)
        _require("slippage_bps", self.slippage_bps, 0.0, 1_000.0)
        _require("lot_size", self.lot_size, 0.0, math.inf)
        _require("min_notional", self.min_notional, 0.0, math.inf)
        for name in ("bars_per_second", "max_position_notional", "max_open_positions", "max_orders_per_minute"):
            if getattr(self, name) is not None:
                _require(name, getattr(self, name), 0.0, math.inf, above=True)
        if self.max_daily_loss_ratio is not None:
            _require("max_daily_loss_ratio", self.max_daily_loss_ratio, 0.0, 1.0, above=True)


def _require(name: str, value: float, minimum: float, maximum: float, *, above: bool = False) -> None:
    number = math.nan if isinstance(value, bool) else float(value)
    if not math.isfinite(number) or not minimum <= number <= maximum or (above and number == minimum):
        start = f"above {minimum:g}" if above else f"from {minimum:g}"
        end = "" if maximum == math.inf else f" to {maximum:g}"
        raise ValueError(f"{name} must be a finite number {start}{end}, was {value!r}")
