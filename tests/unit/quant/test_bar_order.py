"""The order of the bars of several series: by time, then by series."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seatrial_trading.quant.bar_order import BarOrder

TIMES = st.lists(st.integers(0, 40), min_size=1, max_size=30, unique=True).map(sorted)
SERIES = st.lists(TIMES, min_size=1, max_size=5)


@given(SERIES)
def test_steps_are_the_bars_of_each_time_in_the_order_of_the_series(times: list[list[int]]) -> None:
    expected: dict[int, list[tuple[int, int]]] = {}
    for series, column in enumerate(times):
        for bar, time in enumerate(column):
            expected.setdefault(time, []).append((series, bar))

    order = BarOrder.of([np.array(column, dtype=np.int64) for column in times])

    assert [order.of_step(step) for step in range(len(order))] == [expected[time] for time in sorted(expected)]
