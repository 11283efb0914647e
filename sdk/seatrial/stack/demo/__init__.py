"""The demo: real daily prices through engine, metrics, alerts and backtest, and a summary of what really happened."""

from seatrial.stack.demo.showing import run

__all__ = ["run"]
