"""The settings of a trading engine in the owner's process: a paper account that needs no network."""

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
    """The settings of a trading engine; every field has a default, and a literal `...` stands for it.

    Args:
        account: The account's name.
        environment: `live`, `paper`, `replay` or `stress`.
        currency: The base currency.
        initial_balance: What the account begins with, in the base currency.
        strategy: The registered strategy that `start_auto_trading` trades; None trades signals only.
        strategy_params: The strategy's parameters, where they differ from its defaults.
        symbol: What is traded automatically.
        bars: Where the bars of automatic trading come from: a CSV file, columns, or rows with
            time, open, high, low, close and volume; None idles.
        bars_per_second: How fast the bars are traded; None as fast as possible.
        size: How much one entry takes, as in `equity:1.0`, `risk:0.01` or `kelly:0.5`.
        fee: The fee of one side, a ratio of the traded value.
        slippage_bps: The slippage of one side, in hundredths of a percent.
        lot_size: Step of quantities; 0 for 1e-8.
        allow_short: Whether a sale may open a short position.
        max_position_notional: Largest value of one position, in the base currency; None for no limit.
        max_open_positions: Most positions at once; None for no limit.
        max_daily_loss_ratio: Loss of a UTC day over the equity at its start from which no position is opened.
        max_orders_per_minute: Most orders in sixty seconds; None for no limit.
        min_notional: Smallest value of an entry, in the base currency.
        webhook_secret: Signs incoming webhooks; needed to serve beyond this machine.
        monitoring_port: Where the metrics page or service is; None reads MONITORING_PORT, else 9999.
        metrics_update_interval: Seconds between two readings; None reads METRICS_UPDATE_INTERVAL, else 30.
        alert_webhook_url: Where alerts are posted; None reads ALERT_WEBHOOK_URL.
        alert_webhook_secret: Signs alerts; None reads ALERT_WEBHOOK_SECRET.
        alert_thresholds: Changes of the five thresholds, the guide's names and units.

    Example:
        TradingConfig(initial_balance=25_000, alert_thresholds={"max_drawdown": 0.15})
    """

    account: str | EllipsisType = "default"
    environment: str = "paper"
    currency: str = "USD"
    initial_balance: float = 10_000.0
    strategy: str | None = None
    strategy_params: Mapping[str, Any] = field(default_factory=dict)  # Any: each parameter has a type of its own
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
        """Put defaults where `...` was written, complete the thresholds, refuse what cannot be traded."""
        for each in fields(self):
            if isinstance(getattr(self, each.name), EllipsisType):
                default = each.default_factory() if callable(each.default_factory) else each.default
                object.__setattr__(self, each.name, default)
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


def _require(name: str, value: float, lowest: float, highest: float, *, above: bool = False) -> None:
    number = math.nan if isinstance(value, bool) else float(value)
    if not math.isfinite(number) or not lowest <= number <= highest or (above and number == lowest):
        begin = f"above {lowest:g}" if above else f"from {lowest:g}"
        end = "" if highest == math.inf else f" to {highest:g}"
        raise ValueError(f"{name} must be a finite number {begin}{end}, was {value!r}")
