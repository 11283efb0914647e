"""The settings of the stress service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from seatrial_service.settings import ServiceSettings, own_database_url, own_direct_url


class StressSettings(ServiceSettings):
    """Settings of the stress service, in addition to those of every service."""

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_STRESS_")

    database_url: str = own_database_url("STRESS")
    database_direct_url: str = own_direct_url("STRESS")
    port: int = Field(8003, ge=0, le=65_535, description="Port to listen on, 0 for a free one.")
    ui_port: int = Field(
        8089, ge=0, le=65_535, description="Port of Locust's own page on the same host, 0 for no page."
    )
    engine_url: str = Field(
        "http://127.0.0.1:5000",
        validation_alias="SEATRIAL_ENGINE_URL",
        description="Engine that is loaded by default, and the host that Locust's page suggests.",
    )
    targets: str = Field(
        "", description="Origins (http://HOST:PORT, comma-separated) that may be loaded in addition to this machine."
    )

    max_requests: int = Field(
        250_000,
        ge=1,
        le=10_000_000,
        description="Most requests of one run, rate times duration; a larger plan is refused.",
    )

    @property
    def allowed_targets(self) -> tuple[str, ...]:
        """Return the origins that may be loaded in addition to this machine."""
        return tuple(item.strip() for item in self.targets.split(",") if item.strip())
