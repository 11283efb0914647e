"""Serves the metrics service: `python -m seatrial_metrics`."""

import asyncio
import sys

from fastapi import FastAPI

from seatrial_metrics import app, machine
from seatrial_metrics.settings import MetricsSettings
from seatrial_shared import serving
from seatrial_shared.db.session import Database
from seatrial_shared.db.upgrade import head
from seatrial_shared.settings import ServiceSettings


def main() -> int:
    """Serve until told to stop; return the exit code."""
    return serving.run("metrics", load, build)


def load() -> MetricsSettings:
    """Read the settings and look whether they can be met."""
    settings = MetricsSettings.load()
    machine.require_disk(settings.disk_path)
    return settings


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application, or raise when the database is away or its schema is another."""
    assert isinstance(settings, MetricsSettings)
    asyncio.run(_look(settings.database_url))
    return app.build(settings)


async def _look(url: str) -> None:
    database = Database(url, pool_size=1, application="seatrial-metrics-start")
    try:
        await database.require_head(head())
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
