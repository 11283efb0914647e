"""Gathers every service's tables on the one metadata, for migrations and their test."""

from seatrial_shared.db import alerts as alerts
from seatrial_shared.db import backtest as backtest
from seatrial_shared.db import engine as engine
from seatrial_shared.db import metrics as metrics
from seatrial_shared.db import stress as stress
from seatrial_shared.db.base import metadata

__all__ = ["metadata"]
