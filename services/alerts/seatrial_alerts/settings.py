"""The settings of the alerts service."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from seatrial_core.notifications import checked_webhook_url
from seatrial_service.settings import ServiceSettings, own_database_url, own_direct_url


class AlertsSettings(ServiceSettings):
    """The settings of this service, in addition to those of every service."""

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_ALERTS_")

    database_url: str = own_database_url("ALERTS")
    database_direct_url: str = own_direct_url("ALERTS")
    port: int = Field(8002, ge=0, le=65_535, description="Port to listen on, 0 for a free one.")
    update_interval_seconds: float = Field(
        30.0,
        gt=0,
        le=86_400,
        validation_alias="METRICS_UPDATE_INTERVAL",
        description="Longest time in seconds between two evaluations; a new event is evaluated at once.",
    )
    # The address may be loopback or private, because the operator set it.
    webhook_url: Annotated[str, AfterValidator(checked_webhook_url)] = Field(
        "",
        validation_alias="ALERT_WEBHOOK_URL",
        repr=False,
        description="Where notifications are posted; empty for nowhere.",
    )
    webhook_secret: str = Field(
        "",
        validation_alias="ALERT_WEBHOOK_SECRET",
        repr=False,
        description="Signs every notification (HMAC-SHA256); empty leaves them unsigned.",
    )
    metrics_url: str = Field(
        "http://127.0.0.1:9999", validation_alias="SEATRIAL_METRICS_URL", description="Where the metrics service is."
    )
    rules_file: str = Field("", description="Rules to read at the start, TOML or JSON; they override stored rules.")
    engine_url: str = Field(
        "http://127.0.0.1:5000", validation_alias="SEATRIAL_ENGINE_URL", description="The engine that alerts halt."
    )
    delivery_attempts: int = Field(20, ge=1, le=1_000, description="Attempts after which a notification is dead.")
    delivery_timeout_seconds: float = Field(10.0, gt=0, le=120, description="Time limit of one attempt.")
