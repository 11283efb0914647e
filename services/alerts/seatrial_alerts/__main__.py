"""Serves the alerts service: `python -m seatrial_alerts`."""

import sys

from fastapi import FastAPI

from seatrial_alerts import app, rulefile
from seatrial_alerts.settings import AlertsSettings
from seatrial_service import serving
from seatrial_service.settings import ServiceSettings


def main() -> int:
    """Serve until a signal stops the service; return the exit code."""
    return serving.run("alerts", load, build)


def load() -> ServiceSettings:
    """Read the settings and check the file of rules that they name."""
    settings = AlertsSettings.load()
    rulefile.load(settings.rules_file)
    return settings


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application."""
    assert isinstance(settings, AlertsSettings)
    return app.build(settings)


if __name__ == "__main__":
    sys.exit(main())
