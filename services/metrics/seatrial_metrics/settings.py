"""The settings of the metrics service."""

import os
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from seatrial_core.contracts.events import Environment, Zone
from seatrial_core.label_budget import LABEL_BUDGET
from seatrial_service.settings import ServiceSettings, clash, own_database_url, own_direct_url

PORT_NAMES = ("SEATRIAL_METRICS_PORT", "MONITORING_PORT")


class MetricsSettings(ServiceSettings):
    """The settings of the metrics service, in addition to those of every service."""

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_METRICS_")

    database_url: str = own_database_url("METRICS")
    database_direct_url: str = own_direct_url("METRICS")
    port: int = Field(
        9999,
        ge=0,
        le=65_535,
        validation_alias=AliasChoices(*PORT_NAMES),
        description="Port to listen on, 0 for a free one; the guide's MONITORING_PORT is the same setting.",
    )
    update_interval_seconds: float = Field(
        30.0,
        gt=0,
        le=86_400,
        validation_alias="METRICS_UPDATE_INTERVAL",
        description="Seconds between two samples of this machine.",
    )
    disk_path: str = Field(".", description="The disk whose use is sampled.")
    retention_days: int = Field(
        0,
        ge=0,
        description="Days that events are kept, 0 without limit; equity and counters always stay.",
    )
    currency: str = Field(
        "",
        max_length=16,
        description="Currency of portfolios, for example USD; empty for the one that all accounts share. Accounts in "
        "other currencies are converted by `fx_rate` events.",
    )
    fx_max_age_seconds: float = Field(
        86_400.0,
        gt=0,
        le=31_622_400,
        description="Age of an exchange rate above which a portfolio figure that needs it is absent.",
    )
    headline: Environment | Literal[""] = Field(
        "",
        description="Environment that the guide's metrics show; empty for live, else for the only one that has data.",
    )
    max_accounts: int = Field(
        1_000,
        ge=1,
        le=100_000,
        description="Accounts that one environment may have; events of further ones are refused.",
    )
    session_zone: Zone = Field(
        "UTC", description="IANA time zone in which the days of portfolios begin; accounts name their own."
    )
    max_clock_skew_seconds: float = Field(
        5.0,
        ge=0,
        le=3_600,
        description="How far events may be ahead of this service's clock; within it they count as of their receipt.",
    )
    label_budget: int = Field(
        LABEL_BUDGET,
        ge=1,
        le=10_000,
        description="Values that one label may have; further ones are summed as `__other__`.",
    )

    @property
    def fx_max_age(self) -> timedelta:
        """Return the age of an exchange rate above which no figure uses it."""
        return timedelta(seconds=self.fx_max_age_seconds)

    @property
    def max_clock_skew(self) -> timedelta:
        """Return how far events may be ahead of the service's clock."""
        return timedelta(seconds=self.max_clock_skew_seconds)

    @classmethod
    def load(cls, **values: Any) -> Self:  # Any: settings have different types
        """Return the settings.

        Raises:
            SettingsError: A setting is invalid; the message names its variable.
        """
        clash(os.environ, *PORT_NAMES)
        return super().load(**values)
