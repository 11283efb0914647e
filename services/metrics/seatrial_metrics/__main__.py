"""Serves the metrics service: `python -m seatrial_metrics`."""

import sys

from fastapi import FastAPI

from seatrial_core.system_metrics import require_disk_path
from seatrial_metrics import app
from seatrial_metrics.settings import MetricsSettings
from seatrial_service import serving
from seatrial_service.settings import ServiceSettings


def main() -> int:
    """Serve until stopped; return the exit code."""
    return serving.run("metrics", load, build)


def load() -> MetricsSettings:
    """Read and check the settings."""
    settings = MetricsSettings.load()
    require_disk_path(settings.disk_path, "SEATRIAL_METRICS_DISK_PATH")
    return settings


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application."""
    assert isinstance(settings, MetricsSettings)
    return app.build(settings)


if __name__ == "__main__":
    sys.exit(main())
