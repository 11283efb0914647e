"""Serves the stress service: `python -m seatrial_stress`."""

import asyncio
import sys

from fastapi import FastAPI

from seatrial_shared import serving
from seatrial_shared.db.session import Database
from seatrial_shared.db.upgrade import head
from seatrial_shared.settings import ServiceSettings
from seatrial_stress import app
from seatrial_stress.settings import StressSettings


def main() -> int:
    """Serve until told to stop; return the exit code."""
    return serving.run("stress", StressSettings.load, build)


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application, or raise when the database is away or its schema is another."""
    assert isinstance(settings, StressSettings)
    asyncio.run(_look(settings.database_url))
    return app.build(settings)


async def _look(url: str) -> None:
    database = Database(url, pool_size=1, application="seatrial-stress-start")
    try:
        await database.require_head(head())
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
