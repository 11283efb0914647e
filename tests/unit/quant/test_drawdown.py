"""Drawdown: worked curves, and what always holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial_core.errors import ValidationFailed
from seatrial_trading.quant.drawdown import deepest, max_drawdown, underwater

STEADY = settings(deadline=None, derandomize=True, database=None)  # the first example compiles

curves = st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([100.0, 110.0, 99.0, 105.0, 88.0, 120.0], 0.20),
        ([100.0, 90.0, 94.5, 92.61], 0.10),
        ([100.0, 100.0, 101.0], 0.0),
        ([100.0], 0.0),
        ([100.0, 50.0, 200.0, 120.0], 0.5),
        ([100.0, -50.0], 1.5),
    ],
)
def test_the_deepest_fall_is_found(curve: list[float], expected: float) -> None:
    assert max_drawdown(curve).value == pytest.approx(expected, abs=1e-12)


def test_an_empty_curve_and_one_from_zero_have_no_drawdown() -> None:
    assert max_drawdown([]).reason == "no equity"
    assert max_drawdown([0.0, 1.0]).reason == "the equity does not begin above zero"


def test_a_drawdown_has_its_start_and_end() -> None:
    #        0      1     2     3     4     5      6      7
    curve = [100.0, 90.0, 100.0, 110.0, 88.0, 99.0, 111.0, 105.0]
    times = np.arange(8) * 1_000

    drawdown = deepest(np.array(curve), times)

    assert drawdown.depth_ratio == pytest.approx(0.2)
    assert (drawdown.peak, drawdown.trough, drawdown.recovered) == (3, 4, 6)
    assert drawdown.underwater_ms == 2_000 + 3_000 + 1_000
    assert drawdown.longest_underwater_ms == 3_000


def test_a_drawdown_that_is_still_open_has_not_recovered() -> None:
    drawdown = deepest(np.array([100.0, 120.0, 60.0, 110.0]), np.arange(4) * 1_000)

    assert (drawdown.peak, drawdown.trough, drawdown.recovered) == (1, 2, -1)
    assert drawdown.longest_underwater_ms == 2_000


def test_a_curve_without_its_times_is_refused() -> None:
    with pytest.raises(ValidationFailed, match="`times_ms` was '2 instants'"):
        deepest(np.array([1.0, 2.0, 3.0]), np.arange(2))


@STEADY
@given(curve=curves)
def test_it_is_the_greatest_of_all_points_and_between_0_and_1(curve: list[float]) -> None:
    depth = max_drawdown(curve).value

    assert depth is not None
    assert 0.0 <= depth < 1.0
    assert depth == pytest.approx(float(underwater(curve).max()), abs=1e-15)


@STEADY
@given(curve=curves)
def test_the_places_of_a_drawdown_are_in_order(curve: list[float]) -> None:
    drawdown = deepest(np.array(curve), np.arange(len(curve)))

    assert drawdown.peak <= drawdown.trough
    assert drawdown.recovered == -1 or drawdown.recovered > drawdown.trough
    assert 0 <= drawdown.longest_underwater_ms <= drawdown.underwater_ms <= len(curve) - 1
