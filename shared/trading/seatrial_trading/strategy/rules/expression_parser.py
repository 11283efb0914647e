"""Parses the expressions of a rule document; every error names the place, the value and what is allowed."""

import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn, TypeGuard, cast

from pydantic import BaseModel

from seatrial_core.errors import field_error
from seatrial_trading.strategy.rules.functions import FUNCTIONS, MAX_BARS
from seatrial_trading.strategy.rules.syntax_tree import (
    Arithmetic,
    ArithmeticOp,
    Column,
    Compare,
    CompareOp,
    Condition,
    Constant,
    Indicator,
    IndicatorOutput,
    Logic,
    LogicOp,
    Number,
    Parameter,
    ParameterRef,
    Rolling,
    RollingOp,
    Series,
    Shift,
)

COLUMNS = ("open", "high", "low", "close", "volume")
ARITHMETIC = ("add", "sub", "mul", "div")
ROLLING = ("rolling_min", "rolling_max", "rolling_mean")
COMPARE = {"lt": 2, "le": 2, "gt": 2, "ge": 2, "crosses_above": 2, "crosses_below": 2, "between": 3}
LOGIC = ("all", "any", "not")
MAX_DEPTH = 8
MAX_NODES = 64
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
RESERVED = frozenset(dir(BaseModel))  # a parameter becomes a field of a pydantic model


class ExpressionParser:
    """Parses the expressions of one document; collects its indicators and parameters and counts its nodes."""

    def __init__(self) -> None:
        self.indicators: dict[str, Indicator] = {}
        self.parameters: dict[str, Parameter] = {}
        self.nodes = 0

    def condition(self, item: object, path: str, depth: int = 1) -> Condition:
        """Return the condition of `item`."""
        self._count(item, path, depth)
        op, argument = self._single(item, path, (*LOGIC, *COMPARE))
        path = f"{path}.{op}"
        if op == "not":
            return Logic("not", (self.condition(argument, path, depth + 1),))
        if op in LOGIC:
            parts = self._list(argument, path, 1, MAX_NODES)
            conditions = tuple(self.condition(part, f"{path}[{at}]", depth + 1) for at, part in enumerate(parts))
            return Logic(cast(LogicOp, op), conditions)  # in LOGIC
        if op not in COMPARE:
            self._refuse(path, op, f"a condition: {', '.join((*LOGIC, *COMPARE))}")
        return Compare(cast(CompareOp, op), self._series(argument, path, depth, COMPARE[op], COMPARE[op]))  # in COMPARE

    def series(self, item: object, path: str, depth: int = 1) -> Series:
        """Return the series of `item`: a number, a name, or arithmetic on them."""
        self._count(item, path, depth)
        if isinstance(item, str):
            return self._reference(item, path)
        if not isinstance(item, Mapping) or "param" in item:
            return Constant(self.number(item, path))
        op, argument = self._single(item, path, (*ARITHMETIC, *ROLLING, "shift"))
        path = f"{path}.{op}"
        if op in ARITHMETIC:
            return Arithmetic(
                cast(ArithmeticOp, op), self._series(argument, path, depth, 2, MAX_NODES)
            )  # in ARITHMETIC
        inner, bars = self._list(argument, path, 2, 2)
        series = self.series(inner, f"{path}[0]", depth + 1)
        if op == "shift":
            return Shift(series, self.number(bars, f"{path}[1]", 0, MAX_BARS, is_whole=True))
        number = self.number(bars, f"{path}[1]", 1, MAX_BARS, is_whole=True)
        return Rolling(cast(RollingOp, op), series, number)  # the only ones left

    def number(
        self, item: object, path: str, low: float = -math.inf, high: float = math.inf, *, is_whole: bool = False
    ) -> Number:
        """Return the number or parameter of `item`, checked against its bounds."""
        allowed = _number_words(low, high, is_whole=is_whole)
        if isinstance(item, Mapping):
            parameter = self._parameter(item, path)
            fits = low <= parameter.low and parameter.high <= high and (parameter.is_whole or not is_whole)
            if not fits:
                self._refuse(f"{path}.range", [parameter.low, parameter.high, parameter.step], allowed)
            return ParameterRef(parameter.name)
        if not _is_number(item) or not low <= float(item) <= high or (is_whole and float(item) != int(item)):
            self._refuse(path, item, f"{allowed}, or {{'param': NAME, 'range': [LOW, HIGH, STEP]}}")
        return float(item)

    def _parameter(self, item: Mapping[Any, Any], path: str) -> Parameter:  # Any: what the sender wrote
        unknown = [key for key in item if key not in ("param", "range", "default")]
        if unknown:
            self._refuse(f"{path}.{unknown[0]}", item[unknown[0]], "only param, range and default")
        name = item.get("param")
        if not isinstance(name, str) or not NAME.fullmatch(name) or name in RESERVED:
            self._refuse(f"{path}.param", name, f"a name like ^{NAME.pattern}$ that is not one of pydantic's own")
        earlier = self.parameters.get(name)
        if "range" not in item and earlier is not None and "default" not in item:
            return earlier
        parameter = self._range(name, item, path)
        if earlier is not None and earlier != parameter:
            self._refuse(path, dict(item), f"the range and default that `{name}` has elsewhere, or its name alone")
        self.parameters[name] = parameter
        return parameter

    def _range(self, name: str, item: Mapping[Any, Any], path: str) -> Parameter:  # Any: what the sender wrote
        numbers = self._list(item.get("range"), f"{path}.range", 2, 3)
        if not all(_is_number(number) for number in numbers):
            self._refuse(f"{path}.range", numbers, "[LOW, HIGH, STEP] of finite numbers")
        low, high = float(numbers[0]), float(numbers[1])
        step = float(numbers[2]) if len(numbers) == 3 else 1.0
        if not low <= high or not step > 0 or (high - low) / step > 100_000:
            self._refuse(f"{path}.range", numbers, "LOW <= HIGH and STEP > 0, at most 100000 values")
        default = item.get("default", numbers[0])
        if not _is_number(default) or not low <= float(default) <= high:
            self._refuse(f"{path}.default", default, f"a number from {low:g} to {high:g}")
        whole = all(float(number) == int(number) for number in (*numbers, default))
        return Parameter(name, low, high, step, float(default), whole)

    def _reference(self, text: str, path: str) -> Series:
        if text in COLUMNS:
            return Column(text)
        name, _, output = text.partition(".")
        indicator = self.indicators.get(name)
        if indicator is None:
            self._refuse(path, text, f"one of {', '.join((*COLUMNS, *self._lines()))}")
        outputs = FUNCTIONS[indicator.fn].outputs
        if output not in (outputs or ("",)) or (text.endswith(".") and not output):
            self._refuse(path, text, f"one of {', '.join(self._lines())}")
        return IndicatorOutput(name, output)

    def _lines(self) -> list[str]:
        return [
            f"{name}.{output}" if output else name
            for name, indicator in self.indicators.items()
            for output in FUNCTIONS[indicator.fn].outputs or ("",)
        ]

    def _series(self, argument: object, path: str, depth: int, least: int, limit: int) -> tuple[Series, ...]:
        parts = self._list(argument, path, least, limit)
        return tuple(self.series(part, f"{path}[{at}]", depth + 1) for at, part in enumerate(parts))

    def _count(self, item: object, path: str, depth: int) -> None:
        self.nodes += 1
        if depth > MAX_DEPTH:
            self._refuse(path, _short(item), f"at most {MAX_DEPTH} levels")
        if self.nodes > MAX_NODES:
            self._refuse(path, _short(item), f"at most {MAX_NODES} nodes in a document")

    def _single(self, item: object, path: str, allowed: tuple[str, ...]) -> tuple[str, object]:
        if not isinstance(item, Mapping) or len(item) != 1 or next(iter(item)) not in allowed:
            self._refuse(path, _short(item), f"an object with one key of {', '.join(allowed)}")
        op, argument = next(iter(item.items()))
        return str(op), argument

    def _list(self, item: object, path: str, least: int, limit: int) -> list[Any]:  # Any: what the sender wrote
        if not isinstance(item, list) or not least <= len(item) <= limit:
            words = f"{least}" if least == limit else f"{least} to {limit}"
            self._refuse(path, _short(item), f"a list of {words}")
        return item

    def _refuse(self, path: str, value: object, allowed: str) -> NoReturn:
        raise field_error(path, _short(value), allowed)


def _is_number(item: object) -> TypeGuard[int | float]:
    if isinstance(item, bool) or not isinstance(item, int | float):
        return False
    try:
        return math.isfinite(item)
    except OverflowError:
        return False


def _number_words(low: float, high: float, *, is_whole: bool) -> str:
    kind = "a whole number" if is_whole else "a finite number"
    if math.isinf(low) and math.isinf(high):
        return kind
    return f"{kind} from {low:g} to {high:g}"


def _short(item: object) -> object:
    if isinstance(item, Mapping):
        return f"an object with the keys {sorted(map(str, item))[:5]}"
    if isinstance(item, list) and len(item) > 5:
        return f"a list of {len(item)}"
    return item[:100] if isinstance(item, str) else item
