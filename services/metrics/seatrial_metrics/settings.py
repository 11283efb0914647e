"""The settings of the metrics service."""

import os
from typing import Any, Self

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from seatrial_shared.settings import ServiceSettings, clash

PORT_NAMES = ("SEATRIAL_METRICS_PORT", "MONITORING_PORT")


class MetricsSettings(ServiceSettings):
    """What can be set, beside what every service has.

    `retention_days` = 0 keeps the events for ever; else events received before are dropped by whole days. The books
    and counters stay either way.
    """

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_METRICS_")

    port: int = Field(9999, ge=0, le=65_535, validation_alias=AliasChoices(*PORT_NAMES))
    update_interval_seconds: float = Field(30.0, gt=0, le=86_400, validation_alias="METRICS_UPDATE_INTERVAL")
    disk_path: str = "."
    retention_days: int = Field(0, ge=0)
    label_budget: int = Field(100, ge=1, le=10_000)

    @classmethod
    def load(cls, **values: Any) -> Self:  # Any: each setting has a type of its own
        """Read the settings, or raise SettingsError naming the variable."""
        clash(os.environ, *PORT_NAMES)
        return super().load(**values)
