"""Each Python block of the guide runs with only the import root changed: its calls, names and argument order."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.support.ports import free_port

SPAN = 30


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def environment(tmp_path: Path, port: int) -> dict[str, str]:
    """A machine on which nothing of Seatrial runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEATRIAL_", "ALERT_"))}
    unreachable = {
        f"SEATRIAL_{service}_URL": "http://127.0.0.1:1" for service in ("METRICS", "ALERTS", "ENGINE", "BACKTEST")
    }
    return {**kept, **unreachable, "SEATRIAL_SPILL_DIR": str(tmp_path / "spill"), "MONITORING_PORT": str(port)}


def run(block: str, environment: dict[str, str], folder: Path, *, status: int = 0) -> str:
    """Run a block in a separate process and return its output."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(block)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stderr[-3000:]
    return done.stdout + done.stderr


def test_basic_monitoring_setup(environment: dict[str, str], tmp_path: Path, port: int) -> None:
    out = run(
        f"""
        from seatrial.engine.trading_engine import TradingEngine
        from seatrial.monitoring import PerformanceMonitor
        from seatrial.config.trading_config import TradingConfig

        config = TradingConfig(...)
        engine = TradingEngine(config)

        monitor = PerformanceMonitor(engine.db_manager, config)
        monitor.start_monitoring()

        import time, urllib.request
        deadline = time.monotonic() + 10
        page = ""
        while "\\nsystem_disk_percent " not in page and time.monotonic() < deadline:
            page = urllib.request.urlopen("http://localhost:{port}/metrics").read().decode()
            time.sleep(0.05)
        print(page)
        """,
        environment,
        tmp_path,
    )

    assert "\nopen_positions 0.0\n" in out
    assert "\ncurrent_pnl 0.0\n" in out
    assert "# TYPE trades_total counter" in out


def test_manual_metrics_collection(environment: dict[str, str], tmp_path: Path) -> None:
    run(
        """
        from seatrial.monitoring import MetricsCollector

        metrics = MetricsCollector()

        metrics.record_trade("rsi_bollinger", "BUY", "filled", 1.25)
        metrics.record_api_latency("place_order", 0.25)
        metrics.record_webhook("success")

        metrics.update_system_metrics()
        """,
        environment,
        tmp_path,
    )

    waiting = list((tmp_path / "spill").glob("*.json"))
    assert len(waiting) == 1
    assert '"rsi_bollinger"' in waiting[0].read_text()


def test_alert_configuration(environment: dict[str, str], tmp_path: Path) -> None:
    run(
        """
        alert_thresholds = {
            'max_drawdown': 0.10,
            'win_rate_min': 0.45,
            'daily_loss_limit': 0.05,
            'api_latency_max': 5.0,
            'error_rate_max': 0.05
        }

        from seatrial.config.trading_config import TradingConfig
        from seatrial.monitoring import PerformanceMonitor
        assert TradingConfig().alert_thresholds == alert_thresholds
        PerformanceMonitor(None, TradingConfig(alert_thresholds=alert_thresholds), alert_thresholds=alert_thresholds)
        """,
        environment,
        tmp_path,
    )


def test_unit_tests(environment: dict[str, str], tmp_path: Path) -> None:
    out = run(
        """
        from seatrial.testing import TradingBotTests
        import unittest

        unittest.main(module='seatrial.testing.unit_tests', verbosity=2)
        """,
        environment,
        tmp_path,
    )

    assert "OK" in out
    assert "skipped" not in out


def test_backtesting(environment: dict[str, str], tmp_path: Path) -> None:
    out = run(
        """
        from seatrial.testing import BacktestingEngine
        from seatrial.testing import calculate_rsi
        import math

        closes = [100 + 8 * math.sin(i / 7) - i / 50 for i in range(400)]
        historical_data = [
            {'timestamp': 1_600_000_000 + 3600 * i, 'open': c, 'high': c + 1, 'low': c - 1, 'close': c, 'volume': 1.0}
            for i, c in enumerate(closes)
        ]

        def my_strategy(historical_data, symbol):
            if len(historical_data) < 20:
                return None

            current_rsi = calculate_rsi(historical_data)
            if current_rsi < 30:
                return {
                    'symbol': symbol,
                    'action': 'buy',
                    'stop_loss': historical_data[-1]['close'] * 0.98,
                    'take_profit': historical_data[-1]['close'] * 1.04
                }
            return None

        backtester = BacktestingEngine(my_strategy, initial_balance=10000)
        results = backtester.run_backtest(historical_data, "BTCUSDT")

        print(f"Win Rate: {results['win_rate']:.2%}")
        print(f"Total Return: {results['total_return']:.2%}")
        print(f"Max Drawdown: {results['max_drawdown']:.2%}")
        print("trades:", results['total_trades'])
        """,
        environment,
        tmp_path,
    )

    assert "Win Rate: " in out
    assert int(out.rsplit("trades:", 1)[1]) > 3


def test_stress_testing(environment: dict[str, str], tmp_path: Path) -> None:
    run(
        """
        from seatrial.engine.trading_engine import TradingEngine
        from seatrial.config.trading_config import TradingConfig
        trading_engine = TradingEngine(TradingConfig())
        from seatrial.testing import StressTester

        stress_tester = StressTester(trading_engine)
        results = stress_tester.run_stress_tests()

        print("Stress Test Results:")
        for test_name, result in results.items():
            print(f"{test_name}: {result}")
        """,
        environment,
        tmp_path,
    )


def test_quick_test_runner(environment: dict[str, str], tmp_path: Path) -> None:
    run(
        """
        from seatrial.engine.trading_engine import TradingEngine
        from seatrial.config.trading_config import TradingConfig
        trading_engine = TradingEngine(TradingConfig())
        from seatrial.testing.test_runner import run_all_tests, run_performance_tests

        run_all_tests()

        monitor = run_performance_tests(trading_engine)
        """,
        environment,
        tmp_path,
    )


def test_individual_test_execution(environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seatrial.testing.unit_tests"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "OK" in done.stderr


IGNORED = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"  # as a shell script starts a background job
MAIN = """
import os, signal, threading, time, urllib.request
from seatrial.engine.trading_engine import TradingEngine
from seatrial.config.trading_config import TradingConfig
from seatrial.monitoring import PerformanceMonitor

def main():
    config = TradingConfig({config})
    trading_engine = TradingEngine(config)

    monitor = PerformanceMonitor(trading_engine.db_manager, config)
    monitor.start_monitoring()

    trading_engine.start_auto_trading()

    try:
        trading_engine.webhook_handler.run(host='0.0.0.0', port={port})
    except KeyboardInterrupt:
        monitor.stop_monitoring()
        trading_engine.stop_trading()
        print("stopped")

def interrupt():
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen("http://127.0.0.1:{port}/health/live") as answer:
                print("live", answer.status, flush=True)
                break
        except OSError:
            time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
main()
print("threads", [t.name for t in threading.enumerate() if t.name not in ("MainThread", "seatrial-sender")])
"""


@pytest.mark.parametrize("before", ["", IGNORED], ids=["foreground", "background"])
def test_main_application(before: str, environment: dict[str, str], tmp_path: Path) -> None:
    main = MAIN.format(config="webhook_secret='a long secret of the owner'", port=free_port())

    out = run(before + main, environment, tmp_path)

    assert "live 200" in out
    assert "stopped" in out
    assert "threads []" in out


def test_main_application_without_a_secret_names_the_setting(environment: dict[str, str], tmp_path: Path) -> None:
    out = run(MAIN.format(config="...", port=1).replace("threading.Thread(", "(lambda **_: threading.Thread())("),
              environment, tmp_path, status=1)  # fmt: skip

    assert "webhook_secret" in out


def test_enhanced_error_handling(environment: dict[str, str], tmp_path: Path) -> None:
    out = run(
        """
        import time
        from seatrial.monitoring import MetricsCollector

        class TradingEngine:
            def __init__(self, config):
                self.metrics = MetricsCollector()

            def process_signal(self, signal_data):
                start_time = time.time()
                try:
                    action = signal_data['action']
                    result = {'status': 'done'}
                    duration = time.time() - start_time
                    self.metrics.record_trade(
                        strategy=signal_data.get('strategy', 'manual'),
                        side=action.upper(),
                        status='success',
                        duration=duration
                    )
                    return result
                except Exception as e:
                    self.metrics.record_error('signal_processing')

        engine = TradingEngine(None)
        engine.process_signal({'action': 'buy'})
        engine.process_signal({})
        from prometheus_client import generate_latest
        print(generate_latest(engine.metrics.recorder.registry).decode())
        """,
        environment,
        tmp_path,
    )

    assert 'trades_total{side="BUY",status="success",strategy="manual"} 1.0' in out
    assert 'trading_errors_total{kind="signal_processing"} 1.0' in out
