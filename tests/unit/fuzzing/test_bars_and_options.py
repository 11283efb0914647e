"""Price data and options of the command line of any content are read, or refused with a documented error."""

from contextlib import suppress
from typing import Any

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from seatrial.cli.backtest_options import parse_params, read_strategy
from seatrial_backtesting.data.loader import LoadOptions, load
from seatrial_backtesting.execution_settings import ExecutionSettings
from seatrial_core.errors import SeatrialError
from seatrial_stress.plans import catalog
from seatrial_trading.quant.candles import Candles

FEW = settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
NAMES = ("time", "open", "high", "low", "close", "volume")
NUMBERS = st.one_of(
    st.floats(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, -0.0, 1, 1e308, 5e-324, 10**400, 2**63, -(2**63), float("nan"), float("inf"), True]),
)
CELLS: st.SearchStrategy[Any] = NUMBERS | st.text(max_size=6) | st.none()
COLUMNS = st.dictionaries(st.sampled_from(NAMES), st.lists(CELLS, max_size=4), max_size=6) | st.fixed_dictionaries(
    {name: st.lists(NUMBERS, min_size=2, max_size=2) for name in NAMES}
)
CSV_CELLS = ("", "1", "-1", "1e400", "nan", "inf", "2020-01-01", "0001-01-01", '"', "\x00", "9" * 400)
AMOUNTS = ("cash", "fee", "maker_fee", "slippage_bps", "lot", "tick", "min_notional")
LINES = st.lists(st.lists(st.sampled_from(CSV_CELLS)), max_size=4).map(
    lambda rows: "\n".join(",".join(row) for row in rows)
)
TEXTS = st.text(st.characters(), max_size=40) | st.text("0123456789.,:;/=-+eE[]{}naif", max_size=40)
PLAN_NAMES = ("rps", "duration_seconds", "seed", "users")


@FEW
@given(COLUMNS, st.none() | st.integers(-(2**70), 2**70))
@example({name: [1e308, 1e308] for name in NAMES}, None)
@example({name: [2**63, 2**64] for name in NAMES}, 1)
def test_candles(columns: dict[str, list[Any]], interval_ms: int | None) -> None:
    with suppress(SeatrialError):
        candles = Candles.from_columns("X", columns, interval_ms)

        prices = np.array([candles.open, candles.high, candles.low, candles.close])
        assert np.isfinite(prices).all()
        assert (prices > 0).all()
        assert (np.diff(candles.time_ms) > 0).all()


@FEW
@given(COLUMNS)
def test_columns_of_bars(columns: dict[str, list[Any]]) -> None:
    with suppress(SeatrialError):
        load(columns)


@FEW
@given(LINES.map(lambda text: f"{','.join(NAMES)}\n{text}".encode(errors="replace")) | st.binary(max_size=80))
def test_csv_of_bars(content: bytes) -> None:
    with suppress(SeatrialError):
        load(content, LoadOptions(symbol="X"))


@FEW
@given(st.lists(TEXTS, max_size=3))
def test_parameters_of_a_strategy(texts: list[str]) -> None:
    with suppress(SeatrialError):
        parse_params(texts)


@FEW
@given(TEXTS)
@example("@/nonexistent")
@example("a\x00b.json")
@example("\ud800.yaml")
@example("x" * 5_000 + ".json")
def test_strategy(text: str) -> None:
    with suppress(SeatrialError):
        read_strategy(text)


@FEW
@given(
    st.fixed_dictionaries(
        {},
        optional={
            **{name: st.floats() for name in AMOUNTS},
            "size": TEXTS,
            "seed": st.integers(),
        },
    )
)
def test_execution_settings(values: dict[str, Any]) -> None:
    with suppress(SeatrialError):
        ExecutionSettings(**values)


@FEW
@given(st.dictionaries(st.sampled_from(PLAN_NAMES), st.floats() | st.integers(), max_size=3))
def test_options_of_a_plan(values: dict[str, Any]) -> None:
    with suppress(SeatrialError):
        catalog.with_overrides(catalog.get("baseline"), **values)
