"""Serves the backtest service: `python -m seatrial_backtest`."""

import sys

from fastapi import FastAPI

from seatrial_backtest import app
from seatrial_backtest.settings import BacktestSettings
from seatrial_service import serving
from seatrial_service.settings import ServiceSettings


def main() -> int:
    """Serve until a stop signal; return the exit code."""
    return serving.run("backtest", load, build)


def load() -> BacktestSettings:
    """Read the settings."""
    return BacktestSettings.load()


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application."""
    assert isinstance(settings, BacktestSettings)
    return app.build(settings)


if __name__ == "__main__":
    sys.exit(main())
