"""Serves the engine: `python -m seatrial_engine`."""

import sys

from fastapi import FastAPI

from seatrial_engine import app
from seatrial_engine.runtime import system_metrics
from seatrial_engine.settings import EngineSettings
from seatrial_service import serving
from seatrial_service.settings import ServiceSettings


def main() -> int:
    """Serve until told to stop; return the exit code."""
    return serving.run("engine", load, build)


def load() -> EngineSettings:
    """Read the settings and look whether they can be met."""
    settings = EngineSettings.load()
    system_metrics.require_disk(settings.disk_path)
    return settings


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application."""
    assert isinstance(settings, EngineSettings)
    return app.build(settings)


if __name__ == "__main__":
    sys.exit(main())
