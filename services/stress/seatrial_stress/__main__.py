"""Serves the stress service: `python -m seatrial_stress`."""

import sys

from fastapi import FastAPI

from seatrial_service import serving
from seatrial_service.settings import ServiceSettings
from seatrial_stress import app
from seatrial_stress.settings import StressSettings


def main() -> int:
    """Serve until SIGTERM or SIGINT and return the exit code."""
    return serving.run("stress", load, build)


def load() -> StressSettings:
    """Read the settings."""
    return StressSettings.load()


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application."""
    assert isinstance(settings, StressSettings)
    return app.build(settings)


if __name__ == "__main__":
    sys.exit(main())
