"""The demo: real daily prices through engine, metrics, alerts and backtest, and a summary of what really happened."""

from seatrial.stack.demo.run_demo import run

__all__ = ["run"]
