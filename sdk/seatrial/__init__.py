"""Monitor a trading engine in production and test it before it trades.

The public names are imported on first use, so that importing the package is fast.
"""

from typing import TYPE_CHECKING

from seatrial.lazy import exports

if TYPE_CHECKING:
    from seatrial.config.trading_config import TradingConfig as TradingConfig
    from seatrial.engine.trading_engine import TradingEngine as TradingEngine
    from seatrial.monitoring.metrics_collector import MetricsCollector as MetricsCollector
    from seatrial.monitoring.performance_monitor import PerformanceMonitor as PerformanceMonitor
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
        "MetricsCollector": "seatrial.monitoring.metrics_collector",
        "PerformanceMonitor": "seatrial.monitoring.performance_monitor",
        "StressTester": "seatrial.testing.stress_tester",
        "TradingBotTests": "seatrial.testing.unit_tests",
        "TradingConfig": "seatrial.config.trading_config",
        "TradingEngine": "seatrial.engine.trading_engine",
        "calculate_rsi": "seatrial.testing.indicators",
        "run_all_tests": "seatrial.testing.test_runner",
        "run_performance_tests": "seatrial.testing.test_runner",
    },
)
