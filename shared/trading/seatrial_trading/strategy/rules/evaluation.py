"""Evaluates a rule document over candles; a value that is undefined at a bar stays undefined."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

import numpy as np

from seatrial_trading.quant.averages import sma
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.channels import rolling_max, rolling_min
from seatrial_trading.quant.column import Bools, Floats
from seatrial_trading.strategy.rules.functions import FUNCTIONS
from seatrial_trading.strategy.rules.syntax_tree import (
    Arithmetic,
    Column,
    Compare,
    Condition,
    Constant,
    IndicatorOutput,
    Number,
    ParameterRef,
    Rolling,
    Series,
    Shift,
    StrategyRuleDocument,
)


@dataclass(frozen=True)
class Truth:
    """A condition at every bar: true, false, or neither while a value is undefined."""

    yes: Bools
    no: Bools


@dataclass(frozen=True)
class Evaluation:
    """One document on one market with parameter values; indicators are computed at their first use."""

    document: StrategyRuleDocument
    candles: Candles
    parameters: Mapping[str, float]
    lines: dict[tuple[str, str], Floats] = field(default_factory=dict)

    def number(self, number: Number) -> float:
        """Return the number, or the value of its parameter."""
        return float(self.parameters[number.name]) if isinstance(number, ParameterRef) else number

    def truth(self, condition: Condition) -> Truth:
        """Return a condition at every bar, by Kleene's logic: `not` of undefined is undefined."""
        if isinstance(condition, Compare):
            return self._compare(condition)
        parts = [self.truth(part) for part in condition.parts]
        yes, no = [part.yes for part in parts], [part.no for part in parts]
        match condition.op:
            case "all":
                return Truth(np.logical_and.reduce(yes), np.logical_or.reduce(no))
            case "any":
                return Truth(np.logical_or.reduce(yes), np.logical_and.reduce(no))
            case "not":
                return Truth(no[0], yes[0])
            case _:
                assert_never(condition.op)

    def series(self, series: Series) -> Floats:
        """Return a series at every bar, float64[n]; NaN where it is undefined."""
        match series:
            case Constant(number):
                return np.full(len(self.candles), self.number(number))
            case Column(name):
                return columns(self.candles)[name]
            case IndicatorOutput(indicator, output):
                return self._line(indicator, output)
            case Arithmetic():
                return self._arithmetic(series)
            case Shift(inner, bars):
                return shifted(self.series(inner), int(self.number(bars)))
            case Rolling():
                return self._rolling(series)
            case _:
                assert_never(series)

    def _line(self, name: str, output: str) -> Floats:
        if (name, output) not in self.lines:
            indicator = self.document.indicators[name]
            function = FUNCTIONS[indicator.fn]
            arguments = {key: self.number(value) for key, value in indicator.arguments.items()}
            lines = function.compute(columns(self.candles)[indicator.source], self.candles, arguments)
            for key, values in zip(function.outputs or ("",), lines, strict=True):
                self.lines[name, key] = values
        return self.lines[name, output]

    def _arithmetic(self, series: Arithmetic) -> Floats:
        first, *others = [self.series(part) for part in series.parts]
        result = first.copy()
        with np.errstate(all="ignore"):
            for other in others:
                match series.op:
                    case "add":
                        result += other
                    case "sub":
                        result -= other
                    case "mul":
                        result *= other
                    case "div":
                        result /= other
                    case _:
                        assert_never(series.op)
        result[~np.isfinite(result)] = np.nan  # a division by zero is undefined, not infinite
        return result

    def _rolling(self, series: Rolling) -> Floats:
        values, n = self.series(series.series), int(self.number(series.n))
        match series.op:
            case "rolling_min":
                return rolling_min(values, n)
            case "rolling_max":
                return rolling_max(values, n)
            case "rolling_mean":
                return sma(values, n)
            case _:
                assert_never(series.op)

    def _compare(self, condition: Compare) -> Truth:
        first, second, *rest = [self.series(part) for part in condition.parts]
        match condition.op:
            case "lt":
                return Truth(first < second, first >= second)
            case "le":
                return Truth(first <= second, first > second)
            case "gt":
                return Truth(first > second, first <= second)
            case "ge":
                return Truth(first >= second, first < second)
            case "crosses_above":
                return _crosses(first, second)
            case "crosses_below":
                return _crosses(second, first)
            case "between":
                return Truth((second <= first) & (first <= rest[0]), (first < second) | (first > rest[0]))
            case _:
                assert_never(condition.op)


def columns(candles: Candles) -> dict[str, Floats]:
    """Return the columns that a document can name."""
    return {
        "open": candles.open,
        "high": candles.high,
        "low": candles.low,
        "close": candles.close,
        "volume": candles.volume,
    }


def shifted(values: Floats, bars: int) -> Floats:
    """Return `values` as they were `bars` bars ago."""
    result = np.full(len(values), np.nan)
    result[bars:] = values[: max(len(values) - bars, 0)]
    return result


def _crosses(first: Floats, second: Floats) -> Truth:
    gap = first - second
    before = shifted(gap, 1)
    is_defined = ~np.isnan(gap) & ~np.isnan(before)
    crossed = is_defined & (gap > 0.0) & (before <= 0.0)
    return Truth(crossed, is_defined & ~crossed)
