"""Sharpe, Sortino, PSR, MinTRL and DSR to 1e-9 of values worked out to 60 digits apart from this code.

The paper's example (Bailey and Lopez de Prado 2014: a yearly Sharpe ratio of 2.5, 1250 days of 250 a year, skewness -3,
raw kurtosis 10, trials whose yearly ratios vary by 1/2), and forty returns that anybody can write down.
"""

import math

import numpy as np
import pytest

from seatrial_trading.quant import overfitting, returns
from seatrial_trading.quant.overfitting import SharpeMoments

EXACT = 1e-9
EXAMPLE = SharpeMoments(sharpe=2.5 / math.sqrt(250), observations=1250, skewness=-3.0, kurtosis=10.0)
VARIANCE = 0.5 / 250
FORTY = np.array([(7 * i) % 11 - 4 for i in range(40)]) / 100.0
EIGHT = np.array([17, 15, 23, -5, 12, 9, 13, -4]) / 100.0


@pytest.mark.parametrize(("benchmark", "golden"), [(0.0, 0.999996859507898), (0.1, 0.951551753066226)])
def test_the_probabilistic_sharpe_ratio_is_golden(benchmark: float, golden: float) -> None:
    assert overfitting.probabilistic_sharpe(EXAMPLE, benchmark).value == pytest.approx(golden, rel=0, abs=EXACT)


@pytest.mark.parametrize(
    ("trials", "expected_maximum", "golden"),
    [(100, 0.113172001865132, 0.900396834449391), (46, 0.100362370617654, 0.950501706875579)],
)
def test_the_deflated_sharpe_ratio_is_golden(trials: int, expected_maximum: float, golden: float) -> None:
    probability = overfitting.deflated_sharpe(EXAMPLE, VARIANCE, trials).value

    assert overfitting.expected_maximum_sharpe(VARIANCE, trials) == pytest.approx(expected_maximum, rel=0, abs=EXACT)
    assert probability == pytest.approx(golden, rel=0, abs=EXACT)


def test_the_deflated_sharpe_ratio_of_normal_returns_is_golden() -> None:
    normal = SharpeMoments(sharpe=EXAMPLE.sharpe, observations=1250)

    probability = overfitting.deflated_sharpe(normal, VARIANCE, 88).value

    assert probability == pytest.approx(0.950490816676014, rel=0, abs=EXACT)


@pytest.mark.parametrize(("benchmark", "golden"), [(0.0, 166.643288676535601), (0.1, 1227.179535229450008)])
def test_the_minimum_track_record_is_golden(benchmark: float, golden: float) -> None:
    assert overfitting.minimum_track_record(EXAMPLE, benchmark).value == pytest.approx(golden, rel=EXACT)


def test_the_forty_returns_have_golden_ratios() -> None:
    moments = overfitting.moments(FORTY)

    assert moments is not None
    assert vars(moments) == pytest.approx(
        {
            "sharpe": 0.322310081062748,
            "observations": 40,
            "skewness": -0.018093544632771,
            "kurtosis": 1.749452771330360,  # raw: three more than the excess that a normal has none of
        },
        rel=0,
        abs=EXACT,
    )
    assert overfitting.probabilistic_sharpe(moments).value == pytest.approx(0.976585354759489, rel=0, abs=EXACT)
    assert returns.sharpe(FORTY, 252).value == pytest.approx(5.116513917246596, rel=0, abs=EXACT)
    assert returns.sharpe(FORTY, 252, 0.05).value == pytest.approx(5.022160280909807, rel=0, abs=EXACT)
    assert returns.sortino(FORTY, 252).value == pytest.approx(10.005944179282579, rel=0, abs=EXACT)


def test_the_eight_returns_have_golden_ratios() -> None:
    assert returns.sharpe(EIGHT, 1).value == pytest.approx(1.016094669595861, rel=0, abs=EXACT)
    assert returns.sortino(EIGHT, 1).value == pytest.approx(4.417261042993862, rel=0, abs=EXACT)
