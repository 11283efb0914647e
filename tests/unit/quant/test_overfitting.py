"""PSR, MinTRL and the deflated Sharpe ratio, to the values of the 2014 paper's example."""

import math

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]  # an oracle of the tests only

from seatrial_trading.quant.overfitting import (
    SharpeMoments,
    deflated_sharpe,
    effective_trials,
    expected_maximum_sharpe,
    minimum_track_record,
    moments,
    probabilistic_sharpe,
)

# A yearly Sharpe of 2.5 on 250 observations a year, 1250 of them; the trials' yearly Sharpe ratios vary by 1/2.
EXAMPLE = SharpeMoments(sharpe=2.5 / math.sqrt(250), observations=1250, skewness=-3.0, kurtosis=10.0)
VARIANCE = 0.5 / 250


def test_the_papers_example_is_deflated_to_the_known_values() -> None:
    assert expected_maximum_sharpe(VARIANCE, 100) == pytest.approx(0.1131720, abs=5e-8)
    assert deflated_sharpe(EXAMPLE, VARIANCE, 100).value == pytest.approx(0.9003968, abs=1e-7)
    assert deflated_sharpe(EXAMPLE, VARIANCE, 46).value == pytest.approx(0.9505017, abs=1e-7)


def test_normal_returns_need_more_trials_to_be_doubted() -> None:
    normal = SharpeMoments(sharpe=EXAMPLE.sharpe, observations=1250)

    assert deflated_sharpe(normal, VARIANCE, 88).value == pytest.approx(0.9504908, abs=1e-7)


def test_one_trial_is_not_deflated() -> None:
    assert expected_maximum_sharpe(VARIANCE, 1) == 0.0
    assert deflated_sharpe(EXAMPLE, VARIANCE, 1) == probabilistic_sharpe(EXAMPLE)


def test_psr_is_the_normal_probability_of_the_distance() -> None:
    distance = EXAMPLE.sharpe * math.sqrt(1249) / math.sqrt(EXAMPLE.radicand)

    assert probabilistic_sharpe(EXAMPLE).value == pytest.approx(float(stats.norm.cdf(distance)), abs=1e-9)


def test_the_minimum_track_record_is_where_psr_reaches_the_confidence() -> None:
    needed = minimum_track_record(EXAMPLE, confidence=0.95).value

    assert needed is not None
    distance = EXAMPLE.sharpe * math.sqrt(needed - 1) / math.sqrt(EXAMPLE.radicand)
    assert float(stats.norm.cdf(distance)) == pytest.approx(0.95, abs=1e-9)


def test_moments_are_those_of_scipy_with_raw_kurtosis() -> None:
    values = np.random.default_rng(3).standard_t(5, 500) * 0.01 + 0.001

    sample_moments = moments(values)

    assert sample_moments is not None
    assert sample_moments.sharpe == pytest.approx(values.mean() / values.std(ddof=1), rel=1e-12)
    assert sample_moments.skewness == pytest.approx(float(stats.skew(values)), rel=1e-10)
    assert sample_moments.kurtosis == pytest.approx(float(stats.kurtosis(values, fisher=False)), rel=1e-10)
    assert moments(np.full(50, 0.01)) is None
    assert moments([0.01]) is None


def test_an_undefined_figure_has_a_reason() -> None:
    assert probabilistic_sharpe(SharpeMoments(0.1, 29)).reason == "29 returns, needs at least 30"
    assert probabilistic_sharpe(SharpeMoments(1.0, 100, skewness=5.0)).value is None
    assert minimum_track_record(SharpeMoments(0.0, 100)).reason == "the Sharpe ratio is not above the benchmark"
    assert minimum_track_record(SharpeMoments(1.0, 100, skewness=5.0)).value is None


def test_correlated_trials_count_less() -> None:
    assert effective_trials(100, 0.0) == 100.0
    assert effective_trials(100, 1.0) == 1.0
    assert effective_trials(101, 0.5) == 51.0
