"""Serves the engine: `python -m seatrial_engine`."""

import sys

from fastapi import FastAPI

from seatrial_core.system_metrics import require_disk_path
from seatrial_engine import app
from seatrial_engine.settings import EngineSettings
from seatrial_service import serving
from seatrial_service.settings import ServiceSettings


def main() -> int:
    """Serve until stopped; return the exit code."""
    return serving.run("engine", load, build)


def load() -> EngineSettings:
    """Return the settings, or raise SettingsError when one cannot be used."""
    settings = EngineSettings.load()
    require_disk_path(settings.disk_path, "SEATRIAL_ENGINE_DISK_PATH")
    return settings


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application."""
    assert isinstance(settings, EngineSettings)
    return app.build(settings)


if __name__ == "__main__":
    sys.exit(main())
