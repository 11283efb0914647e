"""The figures of a running engine: from sums and counts, unknown with a reason, without numpy."""

import subprocess
import sys
from decimal import Decimal

import pytest

from seatrial_core.figures import live


def test_drawdown_is_measured_from_the_peak() -> None:
    assert live.drawdown_ratio(Decimal("7500"), Decimal("10000")).value == pytest.approx(0.25)
    assert live.drawdown_ratio(10_001.0, 10_000.0).value == 0.0
    assert live.drawdown_ratio(-100, 10_000).value == pytest.approx(1.01)
    assert live.drawdown_ratio(1, 0).value is None


def test_win_rate_waits_for_its_minimum() -> None:
    assert live.win_rate_ratio(9, 19, minimum=20).reason == "19 closed trades, needs at least 20"
    assert live.win_rate_ratio(9, 20, minimum=20).value == pytest.approx(0.45)
    assert live.win_rate_ratio(0, 0).value is None


def test_session_loss_is_zero_while_the_session_gains() -> None:
    assert live.session_loss_ratio(Decimal("-500"), Decimal("10000")).value == pytest.approx(0.05)
    assert live.session_loss_ratio(10.0, 10_000.0).value == 0.0
    assert live.session_loss_ratio(-1.0, 0.0).value is None


def test_session_loss_of_decimals_is_exact() -> None:
    assert live.session_loss(Decimal("-1"), Decimal("3")) == Decimal(1) / 3
    assert live.session_loss(Decimal("1"), Decimal("3")) == 0
    assert live.session_loss(Decimal("-1"), Decimal(0)) is None


def test_error_ratio_counts_errors_and_failed_calls() -> None:
    assert live.error_ratio(errors=1, failed_calls=1, trades=9, api_calls=30).value == pytest.approx(2 / 40)
    assert live.error_ratio(errors=5, failed_calls=5, trades=5, api_calls=9).reason == (
        "19 trades, calls and errors, needs at least 20"
    )


def test_profit_factor_and_open_risk() -> None:
    assert live.profit_factor(Decimal("350"), Decimal("-175")).value == pytest.approx(2.0)
    assert live.profit_factor(1.0, 0.0).reason == "no losing trade"
    assert live.open_risk_ratio(200.0, 10_000.0).value == pytest.approx(0.02)
    assert live.open_risk_ratio(200.0, 0.0).value is None


def test_nothing_that_is_not_finite_leaves_as_a_value() -> None:
    assert live.drawdown_ratio(float("nan"), 10_000.0).value is None
    assert live.session_loss_ratio(float("nan"), 1.0).value is None
    assert live.profit_factor(float("inf"), 1.0).value is None


def test_services_need_no_numpy_for_live_figures_and_sizing() -> None:
    code = (
        "import sys; import seatrial_core.figures.live, seatrial_trading.quant.sizing; sys.exit('numpy' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0
