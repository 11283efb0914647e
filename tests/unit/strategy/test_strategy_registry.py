"""The registry: names are looked up in a dict, and a bad parameter is named with what is allowed."""

import sys
import types
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from seatrial_core.errors import ValidationFailed
from seatrial_trading.strategy import registry
from seatrial_trading.strategy.sma_cross import SMA_CROSS

NAMES = ["buy_and_hold", "donchian_breakout", "macd", "rsi_bollinger", "sma_cross"]
OFFERED = replace(SMA_CROSS, name="their_own")
MISNAMED = replace(SMA_CROSS, name="other")
EMPTY = object()


def test_the_built_in_strategies_are_known_by_name() -> None:
    assert set(registry.names()) >= set(NAMES)
    assert [registry.get(name).name for name in NAMES] == NAMES


@pytest.mark.parametrize(
    "name", ["", "RSI", "os.system", "../sma_cross", "sma_cross:base64", "__class__", "a" * 65, "sma_cross\n"]
)
def test_an_unknown_name_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(registry.UnknownStrategy, match=r"known strategies: .*rsi_bollinger") as caught:
        registry.get(name)

    assert caught.value.status == 422
    assert caught.value.errors[0].field == "strategy"


@pytest.mark.parametrize(
    ("strategy", "values", "field", "allowed"),
    [
        ("rsi_bollinger", {"rsi_period": 1}, "params.rsi_period", "integer >= 2 and <= 5000"),
        ("rsi_bollinger", {"stop_loss": float("nan")}, "params.stop_loss", "number > 0 and < 1"),
        (
            "rsi_bollinger",
            {"rsi": 14},
            "params.rsi",
            "one of rsi_period, rsi_below, band_period, band_width, stop_loss",
        ),
        ("sma_cross", {"mode": "both"}, "params.mode", "one of long_flat, long_short"),
        ("sma_cross", {"fast": 30, "slow": 10}, "params", "`fast` must be less than `slow`, found fast=30 slow=10"),
        ("buy_and_hold", {"x": 1}, "params.x", "no parameters"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(strategy: str, values: dict[str, object], field: str, allowed: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        registry.get(strategy).parse(values)

    assert caught.value.errors[0].field == field
    assert allowed in caught.value.errors[0].allowed
    assert strategy in str(caught.value)


def test_parameters_of_another_model_are_read_by_name() -> None:
    theirs = SMA_CROSS.parse({"fast": 3, "slow": 9})

    assert OFFERED.warm_up_bars(theirs) == 10


def test_an_installed_package_can_offer_a_strategy(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("their_package")
    module.__dict__.update(OFFERED=OFFERED, MISNAMED=MISNAMED, EMPTY=EMPTY)
    monkeypatch.setitem(sys.modules, "their_package", module)
    offers = [
        EntryPoint(name, f"their_package:{attribute}", registry.ENTRY_POINT_GROUP)
        for name, attribute in [
            ("their_own", "OFFERED"),
            ("sma_cross", "OFFERED"),
            ("Bad-Name", "OFFERED"),
            ("misnamed", "MISNAMED"),
            ("empty", "EMPTY"),
            ("missing", "NOT_THERE"),
        ]
    ]

    specs = registry.gather([SMA_CROSS], offers)

    assert specs == {"sma_cross": SMA_CROSS, "their_own": OFFERED}
