"""The settings of the backtest service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from seatrial_shared.settings import ServiceSettings


class BacktestSettings(ServiceSettings):
    """What can be set, beside what every service has.

    `stalled_seconds` is how long a worker may be silent before its jobs are given to another; it beats four times in
    that time. `most_attempts` is how often a job is begun before it is given up.
    """

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_BACKTEST_")

    port: int = Field(8001, ge=0, le=65_535)
    workers: int = Field(2, ge=1, le=64)
    upload_bytes: int = Field(32 << 20, ge=1 << 10, le=1 << 30)
    stalled_seconds: float = Field(30.0, ge=0.4, le=3_600)
    most_attempts: int = Field(3, ge=1, le=100)
