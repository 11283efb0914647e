"""The public Python names: module paths, lazy imports, and the error when an extra is missing."""

import os
import subprocess
import sys
import unittest
from importlib import import_module
from pathlib import Path

import pytest
from tests.support.ports import free_port

import seatrial

NAMES = {
    "seatrial.config.trading_config": ["TradingConfig"],
    "seatrial.engine.trading_engine": ["TradingEngine"],
    "seatrial.monitoring.metrics_collector": ["MetricsCollector"],
    "seatrial.monitoring.performance_monitor": ["PerformanceMonitor"],
    "seatrial.testing.backtesting_engine": ["BacktestingEngine"],
    "seatrial.testing.stress_tester": ["StressTester"],
    "seatrial.testing.test_runner": ["run_all_tests", "run_performance_tests"],
    "seatrial.testing.unit_tests": ["TradingBotTests"],
    "seatrial.testing": ["calculate_rsi"],
}
CASES = [(module, name) for module, names in NAMES.items() for name in names]


@pytest.mark.parametrize(("module", "name"), CASES, ids=[name for _, name in CASES])
def test_every_name_is_in_its_module_its_package_and_seatrial(module: str, name: str) -> None:
    package = import_module(".".join(module.split(".")[:2]))
    thing = getattr(import_module(module), name)

    assert getattr(package, name) is thing
    assert getattr(seatrial, name) is thing
    assert name in dir(package)
    assert name in seatrial.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'TradingRobot'"):
        _ = seatrial.TradingRobot


@pytest.mark.parametrize(
    ("missing", "name", "extra"),
    [("numpy", "BacktestingEngine", "backtest"), ("seatrial_engine", "TradingEngine", "engine")],
)
def test_a_missing_extra_says_what_to_install(missing: str, name: str, extra: str) -> None:
    script = f"""
import sys
sys.modules[{missing!r}] = None
import seatrial
try:
    seatrial.{name}
except ImportError as error:
    print(error)
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True).stdout

    assert f"{name} needs {missing}, which is not installed" in out
    assert f"seatrial[{extra}]" in out


def test_what_the_plain_install_brings_needs_no_extra(quiet: dict[str, str]) -> None:
    script = """
import sys
for name in ("numpy", "numba", "fastapi", "uvicorn", "sqlalchemy", "structlog", "pydantic_settings", "seatrial_engine"):
    sys.modules[name] = None
from seatrial import MetricsCollector, PerformanceMonitor, TradingConfig
MetricsCollector().update_system_metrics()
monitor = PerformanceMonitor(None, TradingConfig(), port=PORT)
monitor.start_monitoring(); monitor.stop_monitoring()
"""
    done = subprocess.run(
        [sys.executable, "-c", script.replace("PORT", str(free_port()))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=quiet,
    )

    assert done.returncode == 0, done.stderr


@pytest.fixture
def quiet(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing answers and nothing is left behind."""
    return {**os.environ, "SEATRIAL_METRICS_URL": "http://127.0.0.1:1", "SEATRIAL_SPILL_DIR": str(tmp_path)}


def test_the_unit_tests_are_named_after_the_seven_areas() -> None:
    from seatrial.testing import TradingBotTests

    areas = (
        "kelly_criterion_position_sizing",
        "rsi_calculation",
        "bollinger_bands",
        "api_request_handling",
        "risk_limits_enforcement",
        "database_operations",
        "webhook_signature_validation",
    )
    names = unittest.defaultTestLoader.getTestCaseNames(TradingBotTests)

    assert [area for area in areas if not any(name.startswith(f"test_{area}") for name in names)] == []


@pytest.mark.parametrize("module", ["engine.trading_engine", "testing.unit_tests"])
def test_a_module_of_the_guide_names_the_extra_that_it_lacks(module: str) -> None:
    code = f"import sys; sys.modules['seatrial_engine'] = None; import seatrial.{module}"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    message = "needs seatrial_engine, which is not installed: pip install 'seatrial[engine]'"
    assert done.stderr.splitlines()[-1].endswith(message)
