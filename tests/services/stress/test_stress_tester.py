"""StressTester on user engines: missing records are UNKNOWN, and a broken engine never passes."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from seatrial.config.trading_config import TradingConfig
from seatrial.engine.trading_engine import TradingEngine
from seatrial.testing.stress_tester import StressTester
from seatrial_core.contracts.stress import CheckState, StressReport, Verdict

NAMES = ["high_frequency", "memory_under_load", "concurrent_trades", "api_failure"]


class Bare:
    """An engine with only `process_signal`."""

    def process_signal(self, signal: dict[str, Any]) -> dict[str, Any]:
        return {"status": "filled", "order_id": signal["client_order_id"]}


class Raising:
    """An engine that raises on every signal."""

    def process_signal(self, signal: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError(f"no {signal['symbol']} today")


class Hanging:
    """An engine that never returns."""

    def process_signal(self, signal: dict[str, Any]) -> dict[str, Any]:
        time.sleep(3_600)
        return signal


def states(report: StressReport) -> dict[str, CheckState]:
    return {check.name: check.state for check in report.checks}


def lines(results: Mapping[str, StressReport]) -> list[str]:
    return [f"{name}: {report}" for name, report in results.items()]


@pytest.fixture(autouse=True)
def no_metrics_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SEATRIAL_METRICS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))


def test_reference_engine_is_consistent_under_all_four_plans() -> None:
    engine = TradingEngine(TradingConfig())
    try:
        results = StressTester(engine, duration_seconds=2.0).run_stress_tests()
    finally:
        engine.stop_trading()

    assert list(results) == NAMES
    for report in results.values():
        ledger = [check.state for check in report.checks if check.kind == "ledger"]
        assert set(ledger) == {CheckState.PASS}, str(report)
    assert states(results["api_failure"])["faults_injected"] is CheckState.PASS
    assert all(line.split(": ", 1)[1].split()[0] in set(Verdict) for line in lines(results))
    assert all("\n" not in line for line in lines(results))


def test_checks_without_records_are_unknown() -> None:
    results = StressTester(Bare(), duration_seconds=1.0).run_stress_tests()

    assert all(report.verdict is not Verdict.PASS for report in results.values())
    assert states(results["high_frequency"])["no_lost_ack"] is CheckState.UNKNOWN
    assert states(results["api_failure"])["faults_injected"] is CheckState.UNKNOWN
    assert "no_lost_ack" in str(results["high_frequency"])


@pytest.mark.parametrize("engine", [Raising(), Hanging()], ids=["raises", "hangs"])
def test_broken_engine_never_passes(engine: object) -> None:
    results = StressTester(engine, duration_seconds=1.0).run_stress_tests()

    assert list(results) == NAMES
    assert all(report.verdict in {Verdict.FAIL, Verdict.INVALID} for report in results.values()), lines(results)


def test_object_without_process_signal_is_refused() -> None:
    with pytest.raises(TypeError, match="process_signal"):
        StressTester(object())
