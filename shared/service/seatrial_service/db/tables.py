"""Imports the tables of all services into one metadata, for migrations and their test."""

from seatrial_service.db import access as access
from seatrial_service.db import alerts as alerts
from seatrial_service.db import backtest as backtest
from seatrial_service.db import engine as engine
from seatrial_service.db import metrics as metrics
from seatrial_service.db import stress as stress
from seatrial_service.db.base import metadata

__all__ = ["metadata"]
