"""Runs every test of a trading bot: as functions, as `python -m seatrial.testing.test_runner`, or as a script."""

import sys
import unittest
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from seatrial.monitoring.performance_monitor import PerformanceMonitor
from seatrial.testing.stress_tester import NotYet

UNIT_TESTS = "seatrial.testing.unit_tests"


@dataclass(frozen=True)
class Line:
    """One row of the table: what ran, how it ended, in words."""

    name: str
    passed: bool
    said: str


def run_all_tests() -> unittest.TestResult:
    """Run the unit tests of the guide's seven areas and return unittest's result; never ends the process."""
    suite = unittest.defaultTestLoader.loadTestsFromName(UNIT_TESTS)
    return unittest.TextTestRunner(verbosity=2).run(suite)


def run_performance_tests(trading_engine: object) -> PerformanceMonitor:
    """Run the stress tests of an engine under a running monitor, and return the monitor.

    Raises:
        NotYet: This release has no stress tests.
    """
    raise NotYet(f"performance tests of {type(trading_engine).__name__} need the stress tests; this release has none")


def main() -> int:
    """Run both, print a table, return 0 when everything passed and 1 otherwise."""
    lines = [_unit_tests(), _performance_tests()]
    table = Table("tests", "verdict", "what happened")
    for line in lines:
        table.add_row(line.name, "PASS" if line.passed else "FAIL", line.said)
    Console().print(table)
    return 0 if all(line.passed for line in lines) else 1


def _unit_tests() -> Line:
    result = run_all_tests()
    bad = len(result.failures) + len(result.errors)
    passed = result.wasSuccessful() and result.testsRun > 0 and not result.skipped
    return Line("unit tests", passed, f"{result.testsRun} run, {bad} failed, {len(result.skipped)} skipped")


def _performance_tests() -> Line:
    from seatrial.config.trading_config import TradingConfig
    from seatrial.engine.trading_engine import TradingEngine

    engine = TradingEngine(TradingConfig())
    try:
        run_performance_tests(engine).stop_monitoring()
    except NotYet as reason:
        return Line("performance tests", False, str(reason))
    finally:
        engine.stop_trading()
    return Line("performance tests", True, "done")


if __name__ == "__main__":
    sys.exit(main())
