"""The demo: real daily prices through engine, metrics, alerts and backtest, and a summary."""

from seatrial.stack.demo.run_demo import run

__all__ = ["run"]
