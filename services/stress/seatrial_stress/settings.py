"""The settings of the stress service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from seatrial_shared.settings import ServiceSettings


class StressSettings(ServiceSettings):
    """What can be set, beside what every service has.

    `ui_port` is where Locust's own page is, 0 for nowhere; it listens on the same host as the service.
    `targets` are the origins (http://HOST:PORT, separated by commas) that load may go to beside this machine.
    """

    model_config = SettingsConfigDict(env_prefix="SEATRIAL_STRESS_")

    port: int = Field(8003, ge=0, le=65_535)
    ui_port: int = Field(8089, ge=0, le=65_535)
    engine_url: str = Field("http://127.0.0.1:5000", validation_alias="SEATRIAL_ENGINE_URL")
    targets: str = ""

    @property
    def allowed_targets(self) -> tuple[str, ...]:
        """Return the origins that load may go to beside this machine."""
        return tuple(each.strip() for each in self.targets.split(",") if each.strip())
