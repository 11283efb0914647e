"""The settings of the stress service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from seatrial_service.settings import ServiceSettings


class StressSettings(ServiceSettings):
    """What can be set, beside what every service has."""

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_STRESS_")

    port: int = Field(8003, ge=0, le=65_535, description="Port to listen on, 0 for a free one.")
    ui_port: int = Field(
        8089, ge=0, le=65_535, description="Port of Locust's own page on the same host, 0 for no page."
    )
    engine_url: str = Field(
        "http://127.0.0.1:5000",
        validation_alias="SEATRIAL_ENGINE_URL",
        description="The engine that Locust's page names first.",
    )
    targets: str = Field(
        "", description="Origins (http://HOST:PORT, separated by commas) that load may go to beside this machine."
    )

    @property
    def allowed_targets(self) -> tuple[str, ...]:
        """Return the origins that load may go to beside this machine."""
        return tuple(each.strip() for each in self.targets.split(",") if each.strip())
