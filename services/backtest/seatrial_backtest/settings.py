"""The settings of the backtest service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from seatrial_service.parsing.parser_limits import ParsingSettings
from seatrial_service.settings import own_database_url, own_direct_url


class BacktestSettings(ParsingSettings):
    """Settings of the backtest service, in addition to those of every service."""

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_BACKTEST_")

    database_url: str = own_database_url("BACKTEST")
    database_direct_url: str = own_direct_url("BACKTEST")
    port: int = Field(8001, ge=0, le=65_535, description="Port to listen on, 0 for a free one.")
    workers: int = Field(2, ge=1, le=64, description="Jobs that run at the same time.")
    upload_bytes: int = Field(32 << 20, ge=1 << 10, le=1 << 30, description="Largest dataset that may be uploaded.")
    max_rows: int = Field(5_000_000, ge=1, le=100_000_000, description="Most bars of an uploaded dataset.")
    max_queued: int = Field(
        1_000, ge=1, le=100_000, description="Most jobs that wait in the queue; a further one is refused."
    )
    # A worker sends four heartbeats in it.
    stalled_seconds: float = Field(
        30.0, ge=0.4, le=3_600, description="How long a worker may be silent before its jobs go to another."
    )
    most_attempts: int = Field(3, ge=1, le=100, description="How often a job is begun before it is given up.")
