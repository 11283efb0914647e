"""Serves the engine: `python -m seatrial_engine`."""

import asyncio
import sys

from fastapi import FastAPI

from seatrial_engine import app, machine
from seatrial_engine.settings import EngineSettings
from seatrial_shared import serving
from seatrial_shared.db.session import Database
from seatrial_shared.db.upgrade import head
from seatrial_shared.settings import ServiceSettings


def main() -> int:
    """Serve until told to stop; return the exit code."""
    return serving.run("engine", load, build)


def load() -> EngineSettings:
    """Read the settings and look whether they can be met."""
    settings = EngineSettings.load()
    machine.require_disk(settings.disk_path)
    return settings


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application, or raise when the database is away or its schema is another."""
    assert isinstance(settings, EngineSettings)
    asyncio.run(_look(settings.database_url))
    return app.build(settings)


async def _look(url: str) -> None:
    database = Database(url, pool_size=1, application="seatrial-engine-start")
    try:
        await database.require_head(head())
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
