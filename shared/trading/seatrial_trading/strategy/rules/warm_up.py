"""Computes the warm-up of a rule document from its syntax tree."""

from collections.abc import Mapping
from typing import assert_never

from seatrial_trading.strategy.rules.functions import FUNCTIONS
from seatrial_trading.strategy.rules.syntax_tree import (
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

ParameterValues = Mapping[str, float]


def bars_needed(document: StrategyRuleDocument, values: ParameterValues) -> int:
    """Return the number of bars after which every value that an entry needs is defined.

    Args:
        document: The rules.
        values: Values of the parameters by name.
    """
    stops = [_of_distance(item, values) for item in (document.stop_loss, document.take_profit, document.trailing)]
    return max(_of_condition(document.entry, document, values), *stops)


def _of_condition(condition: Condition, document: StrategyRuleDocument, values: ParameterValues) -> int:
    if isinstance(condition, Compare):
        one_before = 1 if condition.op in ("crosses_above", "crosses_below") else 0
        return one_before + max(_of_series(part, document, values) for part in condition.parts)
    return max(_of_condition(part, document, values) for part in condition.parts)


def _of_series(series: Series, document: StrategyRuleDocument, values: ParameterValues) -> int:
    match series:
        case Constant() | Column():
            return 1
        case IndicatorOutput(name, _):
            indicator = document.indicators[name]
            arguments = {key: _number(value, values) for key, value in indicator.arguments.items()}
            return FUNCTIONS[indicator.fn].warm_up(arguments)
        case Arithmetic(_, parts):
            return max(_of_series(part, document, values) for part in parts)
        case Shift(inner, bars):
            return int(_number(bars, values)) + _of_series(inner, document, values)
        case Rolling(_, inner, n):
            return int(_number(n, values)) - 1 + _of_series(inner, document, values)
        case _:
            assert_never(series)


def _of_distance(distance: Distance | None, values: ParameterValues) -> int:
    return int(_number(distance.n, values)) + 1 if distance and distance.kind == "atr_mult" else 1


def _number(number: Number, values: ParameterValues) -> float:
    return float(values[number.name]) if isinstance(number, ParameterRef) else number
