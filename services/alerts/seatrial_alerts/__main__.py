"""Serves the alerts service: `python -m seatrial_alerts`."""

import asyncio
import sys

from fastapi import FastAPI

from seatrial_alerts import app, rulefile
from seatrial_alerts.settings import AlertsSettings
from seatrial_shared import serving
from seatrial_shared.db.session import Database
from seatrial_shared.db.upgrade import head
from seatrial_shared.settings import ServiceSettings


def main() -> int:
    """Serve until told to stop; return the exit code."""
    return serving.run("alerts", load, build)


def load() -> ServiceSettings:
    """Read the settings, and look through the file of rules that they name."""
    settings = AlertsSettings.load()
    rulefile.load(settings.rules_file)
    return settings


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application, or raise when the database is away or its schema is another."""
    assert isinstance(settings, AlertsSettings)
    asyncio.run(_look(settings.database_url))
    return app.build(settings)


async def _look(url: str) -> None:
    database = Database(url, pool_size=1, application="seatrial-alerts-start")
    try:
        await database.require_head(head())
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
