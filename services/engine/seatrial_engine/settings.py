"""Settings of the engine service."""

from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from seatrial_core.contracts.events import Environment
from seatrial_core.errors import SettingsError, ValidationFailed
from seatrial_engine.domain.config import EngineConfig, RiskLimits
from seatrial_service.auth import DEFAULT_SECRETS
from seatrial_service.parsing.parser_limits import ParsingSettings
from seatrial_service.settings import is_loopback, own_database_url, own_direct_url
from seatrial_trading.quant import sizing

MIN_SECRET = 16


class EngineSettings(ParsingSettings):
    """Settings of the engine in addition to those of every service; a limit that is not set is not checked."""

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_ENGINE_")

    database_url: str = own_database_url("ENGINE")
    database_direct_url: str = own_direct_url("ENGINE")
    port: int = Field(5000, ge=0, le=65_535, description="Port to listen on, 0 for a free one.")
    metrics_url: str = Field(
        "http://127.0.0.1:9999", validation_alias="SEATRIAL_METRICS_URL", description="URL of the metrics service."
    )
    update_interval_seconds: float = Field(
        30.0,
        gt=0,
        le=86_400,
        validation_alias="METRICS_UPDATE_INTERVAL",
        description="Seconds between two heartbeats and samples of the machine.",
    )
    webhook_secret: str = Field(
        "", repr=False, description="Secret of signed webhooks at /webhook; empty refuses them."
    )
    webhook_token: str = Field(
        "",
        repr=False,
        description="Token of senders that cannot sign (TradingView): in /webhook/{token}, or `secret` in the body.",
    )
    name: str = Field("engine", min_length=1, max_length=64, description="Name of this engine in its events.")
    account: str = Field("default", min_length=1, max_length=64, description="Account of signals that name none.")
    environment: Literal["live", "paper"] = Field("paper", description="Environment of its events.")
    currency: str = Field(
        "USD", min_length=1, max_length=16, description="Currency of the account; there is no conversion."
    )
    opening_balance: Decimal = Field(
        Decimal(10_000), gt=0, le=10**15, allow_inf_nan=False, description="Money of a new account."
    )
    fee: Decimal = Field(
        Decimal("0.001"),
        ge=0,
        le=Decimal("0.1"),
        allow_inf_nan=False,
        description="Ratio charged on each fill: 0.001 is 0.1 %.",
    )
    slippage_bps: Decimal = Field(
        Decimal(0), ge=0, le=1_000, allow_inf_nan=False, description="Basis points against the trader on market fills."
    )
    lot: Decimal = Field(Decimal(0), ge=0, allow_inf_nan=False, description="Step of quantities, 0 for none.")
    size: str = Field(
        "equity:1.0",
        description="Size of a signal without a quantity: fixed:10, notional:1000, equity:1.0, risk:0.01 and so on.",
    )
    allow_short: bool = Field(False, description="Whether a sell may open a short position.")
    min_notional: Decimal = Field(Decimal(0), ge=0, allow_inf_nan=False, description="Smallest value of an entry.")
    max_position_notional: Decimal | None = Field(
        None, gt=0, allow_inf_nan=False, description="Largest value of one position."
    )
    max_open_positions: int | None = Field(None, ge=1, description="Largest number of open positions.")
    max_daily_loss: Decimal | None = Field(
        None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Loss of a UTC day, as a ratio of its opening equity, from which entries are rejected.",
    )
    max_orders_per_minute: int | None = Field(None, ge=1, description="Largest number of orders in 60 seconds.")
    disk_path: str = Field(".", description="Path on the disk whose usage is sampled.")

    @classmethod
    def load(cls, **values: Any) -> Self:  # Any: settings have different types
        """Read the settings, or raise SettingsError naming the variable."""
        settings = super().load(**values)
        try:
            sizing.parse(settings.size)
        except ValidationFailed as error:
            raise SettingsError(f"bad settings: SEATRIAL_ENGINE_SIZE: {error.detail}") from error
        for name in ("webhook_secret", "webhook_token"):
            _require_strong(name, getattr(settings, name), settings.host)
        return settings

    @property
    def config(self) -> EngineConfig:
        """Return the trading configuration."""
        return EngineConfig(
            name=self.name,
            account=self.account,
            environment=Environment(self.environment),
            currency=self.currency,
            initial_balance=self.opening_balance,
            fee_rate=self.fee,
            slippage_bps=self.slippage_bps,
            lot_size=self.lot,
            size=self.size,
            limits=RiskLimits(
                max_position_notional=self.max_position_notional,
                max_open_positions=self.max_open_positions,
                max_daily_loss_ratio=self.max_daily_loss,
                max_orders_per_minute=self.max_orders_per_minute,
                min_notional=self.min_notional,
                allow_short=self.allow_short,
            ),
        )


def _require_strong(name: str, secret: str, host: str) -> None:
    weak = secret.lower() in DEFAULT_SECRETS or len(secret) < MIN_SECRET
    if secret and weak and not is_loopback(host):
        raise SettingsError(
            f"SEATRIAL_ENGINE_{name.upper()} is a default secret or shorter than {MIN_SECRET} characters, and "
            f"{host} can be reached from other machines; make a random one, for example with `openssl rand -hex 24`"
        )
