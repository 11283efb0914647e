"""The rule language: documents become signals, never see ahead, and are refused by place, value and what is allowed."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial_core.errors import ValidationFailed
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.indicators import atr
from seatrial_trading.quant.sizing import Sizing, SizingKind
from seatrial_trading.strategy import registry
from seatrial_trading.strategy.rules import RuleStrategy, compile_rules, json_schema, read_text
from seatrial_trading.strategy.signals import Signals

STEADY = settings(deadline=None, derandomize=True, database=None)  # the first example compiles

RSI_BOLLINGER = {
    "version": 1,
    "name": "oversold",
    "indicators": {"rsi": {"fn": "rsi", "n": 14}, "bb": {"fn": "bollinger", "n": 20, "k": 2}},
    "entry": {"all": [{"lt": ["rsi", 30]}, {"lt": ["close", "bb.lower"]}]},
    "exit": {"any": [{"gt": ["rsi", 70]}]},
    "stop_loss": {"atr_mult": 2},
    "take_profit": {"r_multiple": 1.5},
    "sizing": {"kelly": {"fraction": 0.5, "cap": 0.25}},
}


def market(closes: list[float]) -> Candles:
    close = np.array(closes)
    opens = np.concatenate([close[:1], close[:-1]])
    rows = {
        "time": np.arange(len(close)) * 60_000,
        "open": opens,
        "high": np.maximum(opens, close) * 1.001,
        "low": np.minimum(opens, close) * 0.999,
        "close": close,
        "volume": np.arange(len(close), dtype=np.float64),
    }
    return Candles.from_columns("TEST", {name: values.tolist() for name, values in rows.items()}, 60_000)


def random_walk(bars: int) -> Candles:
    return market((100.0 * np.exp(np.cumsum(np.random.default_rng(7).normal(0, 0.01, bars)))).tolist())


def run(raw: object, candles: Candles, **params: float) -> Signals:
    strategy = compile_rules(raw)
    return strategy.signals(candles, strategy.parse(params))


def entries(entry: object, closes: list[float], indicators: object = None) -> list[int]:
    signals = run({"version": 1, "indicators": indicators or {}, "entry": entry}, market(closes))
    return np.flatnonzero(signals.entry).tolist()


def test_the_documents_example_enters_where_rsi_bollinger_does() -> None:
    candles = random_walk(3_000)
    built_in = registry.get("rsi_bollinger")

    signals = run(RSI_BOLLINGER, candles)

    expected = built_in.signals(candles, built_in.parse({}))
    assert signals.entry.any()
    np.testing.assert_array_equal(signals.entry, expected.entry)


def test_stops_by_atr_and_r_become_ratios_of_the_fill() -> None:
    candles = random_walk(200)

    signals = run(RSI_BOLLINGER, candles)

    assert signals.stop_base == "fill"
    assert signals.stop_loss is not None
    assert signals.take_profit is not None
    np.testing.assert_allclose(signals.stop_loss, 2 * atr(candles.high, candles.low, candles.close, 14) / candles.close)
    np.testing.assert_allclose(signals.take_profit, 1.5 * signals.stop_loss)


def test_an_entry_with_an_undefined_stop_is_not_made() -> None:
    document = {"version": 1, "entry": {"gt": ["close", 0]}, "stop_loss": {"atr_mult": 1, "n": 3}}

    assert np.flatnonzero(run(document, random_walk(6)).entry).tolist() == [3, 4, 5]


def test_a_short_document_sells() -> None:
    document = {"version": 1, "side": "short", "entry": {"gt": ["close", "open"]}, "exit": {"lt": ["close", "open"]}}

    signals = run(document, market([1.0, 2.0, 1.5]))

    assert signals.entry.tolist() == [0, -1, 0]
    assert signals.exit.tolist() == [False, False, True]


CLOSES = [5.0, 4.0, 3.0, 3.0, 4.0, 5.0, 4.0]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"lt": ["close", 4]}, [2, 3]),
        ({"le": ["close", 4]}, [1, 2, 3, 4, 6]),
        ({"gt": ["close", 4]}, [0, 5]),
        ({"ge": ["close", 5]}, [0, 5]),
        ({"between": ["close", 3.5, 4.5]}, [1, 4, 6]),
        ({"not": {"between": ["close", 3.5, 5]}}, [2, 3]),
        ({"crosses_above": ["close", 3]}, [4]),
        ({"crosses_below": ["close", 4]}, [2]),
        ({"gt": ["close", {"shift": ["close", 1]}]}, [4, 5]),
        ({"not": {"gt": ["close", {"shift": ["close", 1]}]}}, [1, 2, 3, 6]),
        ({"gt": ["close", {"shift": ["close", 0]}]}, []),
        ({"gt": [{"sub": ["close", {"shift": ["close", 2]}]}, 1]}, [5]),
        ({"ge": [{"rolling_min": ["close", 3]}, 3]}, [2, 3, 4, 5, 6]),
        ({"lt": [{"rolling_max": ["close", 2]}, 4]}, [3]),
        ({"lt": [{"rolling_mean": ["close", 2]}, 3.5]}, [3]),
        ({"gt": [{"div": [1, {"sub": ["close", 4]}]}, 0]}, [0, 5]),
        ({"not": {"gt": [{"div": [1, {"sub": ["close", 4]}]}, 0]}}, [2, 3]),
        ({"any": [{"gt": ["close", {"shift": ["close", 1]}]}, {"gt": ["close", 4]}]}, [0, 4, 5]),
        ({"ge": [{"mul": ["close", 2, 0.5]}, {"add": [2, 1, 2]}]}, [0, 5]),
        ({"gt": ["volume", 5]}, [6]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_each_operator_has_its_meaning(entry: object, expected: list[int]) -> None:
    assert entries(entry, CLOSES) == expected


def test_indicators_are_named_with_their_output() -> None:
    lines = {
        "line": {"fn": "sma", "n": 2},
        "channel": {"fn": "donchian", "n": 2},
        "v": {"fn": "sma", "n": 2, "source": "volume"},
    }

    assert entries({"gt": ["close", "line"]}, CLOSES, lines) == [4, 5]
    assert entries({"gt": ["close", {"shift": ["channel.upper", 1]}]}, CLOSES, lines) == [5]
    assert entries({"ge": ["v", 5.5]}, CLOSES, lines) == [6]


SWEPT = {
    "version": 1,
    "indicators": {"s": {"fn": "sma", "n": {"param": "n", "range": [2, 10, 4], "default": 6}}},
    "entry": {"gt": ["close", {"mul": ["s", {"param": "edge", "range": [1, 1.1, 0.05]}]}]},
    "stop_loss": {"ratio": {"param": "stop", "range": [0.01, 0.05, 0.01]}},
    "sizing": {"risk": {"param": "stop"}},
}


def test_every_number_can_be_a_parameter_with_bounds() -> None:
    strategy = compile_rules(SWEPT)

    params = strategy.parse({"n": 10, "stop": 0.03})

    assert params.model_dump() == {"n": 10, "edge": 1.0, "stop": 0.03}
    assert strategy.parse({}).model_dump()["n"] == 6
    assert strategy.ranges["n"].values() == [2, 6, 10]
    assert strategy.ranges["edge"].values() == pytest.approx([1.0, 1.05, 1.1])
    assert strategy.warm_up_bars(params) == 10
    assert strategy.sizing(params) == Sizing(SizingKind.RISK, 0.03)
    with pytest.raises(ValidationFailed, match=r"`params.n` was 11; allowed: integer >= 2 and <= 10"):
        strategy.parse({"n": 11})


def test_a_parameter_changes_the_signals() -> None:
    candles = random_walk(300)

    assert run(SWEPT, candles, n=2).entry.tobytes() != run(SWEPT, candles, n=10).entry.tobytes()


def test_sizing_is_read_as_text_or_object() -> None:
    def sized(sizing: object) -> Sizing | None:
        strategy: RuleStrategy = compile_rules({"version": 1, "entry": {"gt": ["close", 1]}, "sizing": sizing})
        return strategy.sizing(strategy.parse({}))

    assert sized("equity:0.5") == sized({"equity": 0.5}) == Sizing(SizingKind.EQUITY, 0.5)
    assert sized({"kelly": {"fraction": 0.5, "cap": 0.1}}) == Sizing(SizingKind.KELLY, 0.5, cap=0.1)
    assert sized(None) is None


def test_the_same_document_has_the_same_version_and_another_one_another() -> None:
    reordered = dict(reversed(list(RSI_BOLLINGER.items())))

    assert compile_rules(RSI_BOLLINGER).version == compile_rules(reordered).version
    assert compile_rules(RSI_BOLLINGER).version != compile_rules({**RSI_BOLLINGER, "side": "short"}).version


def nested(depth: int) -> object:
    return {"gt": ["close", 1]} if depth <= 1 else {"not": nested(depth - 1)}


def bad(**change: object) -> dict[str, object]:
    return {"version": 1, "entry": {"gt": ["close", 1]}, **change}


@pytest.mark.parametrize(
    ("document", "field", "allowed"),
    [
        ([], "rules", "an object"),
        ({"entry": {}}, "version", "1"),
        ({"version": True, "entry": {}}, "version", "1"),
        ({"version": 1}, "entry", "a condition"),
        (bad(code="import os"), "code", "one of version, name"),
        (bad(name="../x"), "name", "a name like"),
        (bad(side="both"), "side", "long or short"),
        (bad(entry=True), "entry", "an object with one key of all, any, not, lt"),
        (bad(entry={"eval": ["close", 1]}), "entry", "an object with one key of all, any, not, lt"),
        (bad(entry={"lt": ["close"]}), "entry.lt", "a list of 2"),
        (bad(entry={"lt": ["__class__", 1]}), "entry.lt[0]", "one of open, high, low, close, volume"),
        (bad(entry={"lt": ["close.__class__", 1]}), "entry.lt[0]", "one of open"),
        (bad(entry={"lt": ["close", float("nan")]}), "entry.lt[1]", "a finite number"),
        (bad(entry={"lt": ["close", 10**400]}), "entry.lt[1]", "a finite number"),
        (bad(entry={"lt": ["close", True]}), "entry.lt[1]", "a finite number"),
        (
            bad(entry={"lt": ["close", {"shift": ["close", -1]}]}),
            "entry.lt[1].shift[1]",
            "a whole number from 0 to 5000",
        ),
        (
            bad(entry={"lt": ["close", {"shift": ["close", 1.5]}]}),
            "entry.lt[1].shift[1]",
            "a whole number from 0 to 5000",
        ),
        (bad(entry={"lt": ["close", {"rolling_max": ["close", 0]}]}), "entry.lt[1].rolling_max[1]", "from 1 to 5000"),
        (bad(entry={"all": []}), "entry.all", "a list of 1 to 64"),
        (bad(entry=nested(9)), "entry" + ".not" * 8, "at most 8 levels"),
        (bad(entry={"all": [{"gt": ["close", 1]}] * 22}), "entry.all[21]", "at most 64 nodes"),
        (bad(indicators={"x": {"fn": "os.system"}}), "indicators.x.fn", "one of sma, ema, rsi"),
        (bad(indicators={"x": {"fn": "sma"}}), "indicators.x.n", "a whole number from 1 to 5000"),
        (bad(indicators={"x": {"fn": "sma", "n": 5001}}), "indicators.x.n", "a whole number from 1 to 5000"),
        (bad(indicators={"x": {"fn": "sma", "n": 5, "k": 2}}), "indicators.x.k", "one of fn, n, source"),
        (bad(indicators={"close": {"fn": "sma", "n": 5}}), "indicators", "that is not open"),
        (bad(indicators={"x": {"fn": "macd", "fast": 30}}), "indicators.x.fast", "less than slow, which is 26"),
        (bad(indicators={"b": {"fn": "bollinger"}}, entry={"lt": ["close", "b"]}), "entry.lt[1]", "one of b.upper"),
        (bad(indicators={"r": {"fn": "rsi"}}, entry={"lt": ["close", "r.x"]}), "entry.lt[1]", "one of r"),
        (bad(stop_loss=0.02), "stop_loss", "an object with one key of ratio, atr_mult"),
        (bad(stop_loss={"ratio": 1.5}), "stop_loss.ratio", "a finite number from 1e-09 to 0.99"),
        (bad(take_profit={"r_multiple": 2}), "take_profit.r_multiple", "only together with a stop_loss"),
        (bad(sizing="half:1"), "sizing", "fixed:UNITS"),
        (bad(sizing={"equity": 2}), "sizing.equity", "a finite number from 1e-09 to 1"),
        (bad(entry={"gt": ["close", {"param": "n"}]}), "entry.gt[1].range", "a list of 2 to 3"),
        (
            bad(entry={"gt": ["close", {"param": "copy", "range": [1, 2]}]}),
            "entry.gt[1].param",
            "not one of pydantic's",
        ),
        (bad(entry={"gt": ["close", {"param": "n", "range": [2, 1]}]}), "entry.gt[1].range", "LOW <= HIGH"),
        (bad(entry={"gt": ["close", {"param": "n", "range": [0, 1, 1e-9]}]}), "entry.gt[1].range", "at most 100000"),
        (
            bad(entry={"gt": [{"param": "n", "range": [1, 2]}, {"param": "n", "range": [1, 3]}]}),
            "entry.gt[1]",
            "elsewhere",
        ),
        (
            bad(indicators={"x": {"fn": "sma", "n": {"param": "n", "range": [0, 9]}}}),
            "indicators.x.n.range",
            "from 1 to",
        ),
        (
            bad(indicators={"x": {"fn": "sma", "n": {"param": "n", "range": [1, 2, 0.5]}}}),
            "indicators.x.n.range",
            "whole",
        ),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, str) else "",
)
def test_a_bad_document_is_refused_by_place_value_and_what_is_allowed(
    document: object, field: str, allowed: str
) -> None:
    with pytest.raises(ValidationFailed) as caught:
        compile_rules(document)

    assert caught.value.errors[0].field == field
    assert allowed in caught.value.errors[0].allowed


def test_a_macd_whose_parameters_clash_is_refused_when_it_runs() -> None:
    document = bad(
        indicators={"m": {"fn": "macd", "fast": {"param": "fast", "range": [5, 40]}}},
        entry={"gt": ["m.line", "m.signal"]},
    )

    with pytest.raises(ValidationFailed, match=r"`indicators.m.fast` was 30.0; allowed: less than slow"):
        run(document, random_walk(50), fast=30)


leaves = st.one_of(
    st.sampled_from(["open", "high", "low", "close", "volume", "r", "b.upper", "b.lower", "m.signal"]),
    st.floats(90.0, 110.0),
)
numbers = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda op, a, b: {op: [a, b]}, st.sampled_from(["add", "sub", "mul", "div"]), inner, inner),
        st.builds(
            lambda op, a, n: {op: [a, n]},
            st.sampled_from(["shift", "rolling_min", "rolling_max", "rolling_mean"]),
            inner,
            st.integers(1, 6),
        ),
    ),
    max_leaves=3,
)
questions = st.builds(
    lambda op, a, b: {op: [a, b]},
    st.sampled_from(["lt", "le", "gt", "ge", "crosses_above", "crosses_below"]),
    numbers,
    numbers,
)
conditions = st.recursive(
    questions,
    lambda inner: st.one_of(
        st.builds(lambda part: {"not": part}, inner),
        st.builds(
            lambda op, parts: {op: parts}, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=2)
        ),
    ),
    max_leaves=3,
)


@STEADY
@given(entry=conditions, leave=conditions, seed=st.integers(0, 99), cut=st.integers(1, 60))
def test_no_document_sees_ahead(entry: object, leave: object, seed: int, cut: int) -> None:
    candles = market((100.0 + np.cumsum(np.random.default_rng(seed).normal(0, 1, 60))).tolist())
    lines = {
        "r": {"fn": "rsi", "n": 3},
        "b": {"fn": "bollinger", "n": 4},
        "m": {"fn": "macd", "fast": 2, "slow": 4, "signal": 2},
    }
    document = bad(indicators=lines, entry=entry, exit=leave, stop_loss={"atr_mult": 1, "n": 3})

    strategy = compile_rules(document)
    whole = strategy.signals(candles, strategy.parse({}))
    prefix = strategy.signals(candles.head(cut), strategy.parse({}))

    assert prefix.entry.tobytes() == whole.entry[:cut].tobytes()
    assert prefix.exit.tobytes() == whole.exit[:cut].tobytes()
    assert prefix.stop_loss is not None
    assert whole.stop_loss is not None
    assert prefix.stop_loss.tobytes() == whole.stop_loss[:cut].tobytes()


@pytest.mark.parametrize(
    ("entry", "bars"),
    [
        ({"gt": ["close", 1]}, 1),
        ({"lt": ["r", 30]}, 15),
        ({"crosses_above": ["m.line", "m.signal"]}, 35),
        ({"gt": [{"rolling_max": [{"shift": ["b.upper", 3]}, 5]}, 1]}, 27),
        ({"all": [{"gt": ["close", 1]}, {"not": {"gt": ["a", 1]}}]}, 15),
    ],
)
def test_the_warm_up_ends_when_every_part_is_defined(entry: object, bars: int) -> None:
    lines = {"r": {"fn": "rsi"}, "m": {"fn": "macd"}, "b": {"fn": "bollinger"}, "a": {"fn": "atr"}}
    strategy = compile_rules(bad(indicators=lines, entry=entry))
    candles = random_walk(100)
    params = strategy.parse({})
    either = compile_rules(bad(indicators=lines, entry={"any": [entry, {"not": entry}]}))

    is_defined = either.signals(candles, params).entry != 0

    assert strategy.warm_up_bars(params) == bars
    assert is_defined[bars - 1 :].all()
    assert not is_defined[: bars - 1].any()


def test_text_is_read_as_json_or_safe_yaml_only() -> None:
    yaml = "version: 1\nentry: {gt: [close, 1]}\n"

    assert compile_rules(read_text(yaml, "rules.yaml")).name == "rules"
    assert read_text('{"version": 1}') == {"version": 1}
    with pytest.raises(ValidationFailed, match=r"x\.yml is not YAML"):
        read_text("!!python/object/apply:os.system ['true']", "x.yml")
    with pytest.raises(ValidationFailed, match=r"rules\.json is not JSON"):
        read_text("{'version': 1}")
    with pytest.raises(ValidationFailed, match="is not JSON"):
        read_text("[" * 60_000)
    with pytest.raises(ValidationFailed, match="at most 65536"):
        read_text(" " * 70_000)


def test_a_yaml_that_contains_itself_ends_at_the_depth_limit() -> None:
    with pytest.raises(ValidationFailed, match="at most 64 levels"):
        read_text("version: 1\nentry: &a {not: *a}\n", "x.yaml")


def test_the_schema_names_every_operator_indicator_and_field() -> None:
    text = json.dumps(json_schema())

    for word in ["crosses_above", "between", "rolling_mean", "shift", "bollinger", "donchian", "r_multiple", "kelly"]:
        assert f'"{word}"' in text
    assert set(json_schema()["properties"]) >= set(RSI_BOLLINGER)
