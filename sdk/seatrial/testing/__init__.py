"""Tests of a trading bot: unit tests, backtests, stress tests."""

from typing import TYPE_CHECKING

from seatrial.lazy import exports

if TYPE_CHECKING:
    from seatrial.testing.backtesting_engine import BacktestingEngine as BacktestingEngine
    from seatrial.testing.indicators import calculate_rsi as calculate_rsi
    from seatrial.testing.stress_tester import StressTester as StressTester
    from seatrial.testing.test_runner import run_all_tests as run_all_tests
    from seatrial.testing.test_runner import run_performance_tests as run_performance_tests
    from seatrial.testing.unit_tests import TradingBotTests as TradingBotTests

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "BacktestingEngine": "seatrial.testing.backtesting_engine",
        "StressTester": "seatrial.testing.stress_tester",
        "TradingBotTests": "seatrial.testing.unit_tests",
        "calculate_rsi": "seatrial.testing.indicators",
        "run_all_tests": "seatrial.testing.test_runner",
        "run_performance_tests": "seatrial.testing.test_runner",
    },
)
