"""Runs all tests of a trading bot: from Python, with `python -m seatrial.testing.test_runner`, or as a script."""

import argparse
import sys
import unittest
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from seatrial.lazy import MissingExtra, load_module
from seatrial.monitoring.performance_monitor import PerformanceMonitor
from seatrial.terminal import SafeConsole
from seatrial.testing.stress_tester import DURATION_SECONDS, StressTester

UNIT_TESTS = "seatrial.testing.unit_tests"


@dataclass(frozen=True)
class SummaryRow:
    """One row of the result table."""

    name: str
    passed: bool
    detail: str


def run_all_tests() -> unittest.TestResult:
    """Run the unit tests of the guide's seven areas and return unittest's result; never exits the process."""
    suite = unittest.defaultTestLoader.loadTestsFromName(UNIT_TESTS)
    return unittest.TextTestRunner(verbosity=2).run(suite)


def run_performance_tests(trading_engine: object, *, duration_seconds: float = DURATION_SECONDS) -> PerformanceMonitor:
    """Run the four stress tests of an engine under a monitor, and return the monitor, still running.

    Args:
        trading_engine: The engine; the monitor uses its `db_manager` and `config` if it has them.
        duration_seconds: Duration of each stress test, > 0.
    """
    database = getattr(trading_engine, "db_manager", None)
    monitor = PerformanceMonitor(database, getattr(trading_engine, "config", None))
    tester = StressTester(trading_engine, duration_seconds=duration_seconds)
    monitor.start_monitoring()
    try:
        monitor.last_results = dict(tester.run_stress_tests())
    except BaseException:
        monitor.stop_monitoring()
        raise
    return monitor


def main(arguments: Sequence[str] | None = None) -> int:
    """Run unit and stress tests, print a table, and return 0 if all passed, else 1."""
    parser = argparse.ArgumentParser(prog="seatrial.testing.test_runner", description="Unit tests, then stress tests.")
    parser.add_argument(
        "--duration", type=float, default=DURATION_SECONDS, help="seconds of each stress test [default: %(default)s]"
    )
    duration_seconds = parser.parse_args(arguments).duration
    try:
        load_module(UNIT_TESTS, "the unit tests")
    except MissingExtra as error:
        sys.stderr.write(f"{error}\n")
        return 1
    lines = [_unit_tests(), *_stress_tests(duration_seconds)]
    table = Table("tests", "verdict", "detail")
    for line in lines:
        table.add_row(line.name, "PASS" if line.passed else "FAIL", line.detail)
    SafeConsole().print(table)
    return 0 if all(line.passed for line in lines) else 1


def _unit_tests() -> SummaryRow:
    result = run_all_tests()
    bad = len(result.failures) + len(result.errors)
    passed = result.wasSuccessful() and result.testsRun > 0 and not result.skipped
    return SummaryRow("unit tests", passed, f"{result.testsRun} run, {bad} failed, {len(result.skipped)} skipped")


def _stress_tests(duration_seconds: float) -> list[SummaryRow]:
    from seatrial.config.trading_config import TradingConfig
    from seatrial.engine.trading_engine import TradingEngine

    engine = TradingEngine(TradingConfig())
    try:
        monitor = run_performance_tests(engine, duration_seconds=duration_seconds)
        monitor.stop_monitoring()
    except Exception as error:  # noqa: BLE001  a test that cannot run has failed; the table has the reason
        return [SummaryRow("stress tests", False, f"{type(error).__name__}: {error}")]
    finally:
        engine.stop_trading()
    lines = [
        SummaryRow(f"stress {name}", getattr(report, "exit_code", None) == 0, str(report))
        for name, report in (monitor.last_results or {}).items()
    ]
    return lines or [SummaryRow("stress tests", False, "none ran")]


if __name__ == "__main__":
    sys.exit(main())
