"""The settings of the alerts service."""

from typing import Annotated

import httpx
from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from seatrial_service.settings import ServiceSettings


def _webhook(url: str) -> str:
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ValueError(f"must be an http:// or https:// address with a host, or empty for none: {error}") from error
    if url and (address.scheme not in {"http", "https"} or not address.host):
        raise ValueError("must be an http:// or https:// address with a host, or empty for none")
    return url


class AlertsSettings(ServiceSettings):
    """What can be set, beside what every service has."""

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_ALERTS_")

    port: int = Field(8002, ge=0, le=65_535, description="Port to listen on, 0 for a free one.")
    update_interval_seconds: float = Field(
        30.0,
        gt=0,
        le=86_400,
        validation_alias="METRICS_UPDATE_INTERVAL",
        description="Seconds after which rules are looked at though no event came; each commit wakes them at once.",
    )
    # The address may be loopback or private, because the operator set it.
    webhook_url: Annotated[str, AfterValidator(_webhook)] = Field(
        "", validation_alias="ALERT_WEBHOOK_URL", description="Where notifications are posted; empty for nowhere."
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
    rules_file: str = Field(
        "", description="Rules to read at start, TOML or JSON; what it says goes over what is stored."
    )
    engine_url: str = Field(
        "http://127.0.0.1:5000", validation_alias="SEATRIAL_ENGINE_URL", description="The engine to halt."
    )
    delivery_attempts: int = Field(20, ge=1, le=1_000, description="Attempts before a notification is given up.")
    delivery_timeout_seconds: float = Field(10.0, gt=0, le=120, description="How long one attempt may take.")
