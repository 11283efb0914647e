"""Bounds of the share of slow requests."""

from hypothesis import given
from hypothesis import strategies as some

from seatrial_stress.checks import slo
from seatrial_stress.checks.slo import LatencySample


def test_bounds_are_at_least_as_wide_as_clopper_pearson() -> None:
    # R: binom.test(3, 100, alternative=...)$conf.int at 95 %: upper 0.07571, lower 0.00823
    samples = [LatencySample(n / 10, 2.0 if n in {10, 45, 80} else 0.0) for n in range(100)]

    share = slo.bounds(samples, 1.0)

    assert share.upper >= 0.0757
    assert share.lower <= 0.0083


@given(bad=some.integers(0, 50), n=some.integers(50, 500))
def test_bounds_enclose_the_ratio(bad: int, n: int) -> None:
    share = slo.bounds([LatencySample(k / 20, float(k < bad)) for k in range(n)], 0.5)

    assert 0 <= share.lower <= share.ratio + 1e-9
    assert share.ratio - 1e-9 <= share.upper <= 1
