"""The settings of the alerts service."""

from typing import Annotated

import httpx
from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from seatrial_shared.settings import ServiceSettings


def _webhook(url: str) -> str:
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ValueError(f"must be an http:// or https:// address with a host, or empty for none: {error}") from error
    if url and (address.scheme not in {"http", "https"} or not address.host):
        raise ValueError("must be an http:// or https:// address with a host, or empty for none")
    return url


class AlertsSettings(ServiceSettings):
    """What can be set, beside what every service has.

    The webhook's address may be loopback or private, because the operator set it. With a secret every notification is
    signed. The file of rules (TOML, or JSON) is read at start; what it says goes over what is stored.
    """

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_ALERTS_")

    port: int = Field(8002, ge=0, le=65_535)
    update_interval_seconds: float = Field(30.0, gt=0, le=86_400, validation_alias="METRICS_UPDATE_INTERVAL")
    webhook_url: Annotated[str, AfterValidator(_webhook)] = Field("", validation_alias="ALERT_WEBHOOK_URL")
    webhook_secret: str = Field("", validation_alias="ALERT_WEBHOOK_SECRET", repr=False)
    metrics_url: str = Field("http://127.0.0.1:9999", validation_alias="SEATRIAL_METRICS_URL")
    rules_file: str = ""
    engine_url: str = Field("http://127.0.0.1:5000", validation_alias="SEATRIAL_ENGINE_URL")
    delivery_attempts: int = Field(20, ge=1, le=1_000)
    delivery_timeout_seconds: float = Field(10.0, gt=0, le=120)
