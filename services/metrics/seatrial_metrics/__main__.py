"""Serves the metrics service: `python -m seatrial_metrics`."""

import sys

from fastapi import FastAPI

from seatrial_metrics import app, system_metrics
from seatrial_metrics.settings import MetricsSettings
from seatrial_service import serving
from seatrial_service.settings import ServiceSettings


def main() -> int:
    """Serve until told to stop; return the exit code."""
    return serving.run("metrics", load, build)


def load() -> MetricsSettings:
    """Read the settings and look whether they can be met."""
    settings = MetricsSettings.load()
    system_metrics.require_disk(settings.disk_path)
    return settings


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application."""
    assert isinstance(settings, MetricsSettings)
    return app.build(settings)


if __name__ == "__main__":
    sys.exit(main())
