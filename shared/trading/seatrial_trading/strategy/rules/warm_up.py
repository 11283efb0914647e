"""How many bars must have closed before a rule document can say anything."""

from collections.abc import Mapping
from typing import assert_never

from seatrial_trading.strategy.rules.functions import FUNCTIONS
from seatrial_trading.strategy.rules.tree import (
    Arithmetic,
    Column,
    Compare,
    Condition,
    Constant,
    Distance,
    IndicatorOutput,
    Number,
    ParameterRef,
    Rolling,
    Series,
    Shift,
    StrategyRuleDocument,
)

Chosen = Mapping[str, float]


def bars_needed(document: StrategyRuleDocument, chosen: Chosen) -> int:
    """Return after how many bars every part that an entry needs is known."""
    stops = [_of_distance(item, chosen) for item in (document.stop_loss, document.take_profit, document.trailing)]
    return max(_of_condition(document.entry, document, chosen), *stops)


def _of_condition(condition: Condition, document: StrategyRuleDocument, chosen: Chosen) -> int:
    if isinstance(condition, Compare):
        one_before = 1 if condition.op in ("crosses_above", "crosses_below") else 0
        return one_before + max(_of_series(part, document, chosen) for part in condition.parts)
    return max(_of_condition(part, document, chosen) for part in condition.parts)


def _of_series(series: Series, document: StrategyRuleDocument, chosen: Chosen) -> int:
    match series:
        case Constant() | Column():
            return 1
        case IndicatorOutput(name, _):
            indicator = document.indicators[name]
            arguments = {key: _number(value, chosen) for key, value in indicator.arguments.items()}
            return FUNCTIONS[indicator.fn].warm_up(arguments)
        case Arithmetic(_, parts):
            return max(_of_series(part, document, chosen) for part in parts)
        case Shift(inner, bars):
            return int(_number(bars, chosen)) + _of_series(inner, document, chosen)
        case Rolling(_, inner, n):
            return int(_number(n, chosen)) - 1 + _of_series(inner, document, chosen)
        case _:
            assert_never(series)


def _of_distance(distance: Distance | None, chosen: Chosen) -> int:
    return int(_number(distance.n, chosen)) + 1 if distance and distance.kind == "atr_mult" else 1


def _number(number: Number, chosen: Chosen) -> float:
    return float(chosen[number.name]) if isinstance(number, ParameterRef) else number
