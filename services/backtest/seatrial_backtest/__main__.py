"""Serves the backtest service: `python -m seatrial_backtest`."""

import asyncio
import sys

from fastapi import FastAPI

from seatrial_backtest import app
from seatrial_backtest.settings import BacktestSettings
from seatrial_shared import serving
from seatrial_shared.db.session import Database
from seatrial_shared.db.upgrade import head
from seatrial_shared.settings import ServiceSettings


def main() -> int:
    """Serve until told to stop; return the exit code."""
    return serving.run("backtest", BacktestSettings.load, build)


def build(settings: ServiceSettings) -> FastAPI:
    """Return the application, or raise when the database is away or its schema is another."""
    assert isinstance(settings, BacktestSettings)
    asyncio.run(_look(settings.database_url))
    return app.build(settings)


async def _look(url: str) -> None:
    database = Database(url, pool_size=1, application="seatrial-backtest-start")
    try:
        await database.require_head(head())
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
