"""The parts of a rule document once it has been read: numbers, series of numbers and conditions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ArithmeticOp = Literal["add", "sub", "mul", "div"]
RollingOp = Literal["rolling_min", "rolling_max", "rolling_mean"]
CompareOp = Literal["lt", "le", "gt", "ge", "crosses_above", "crosses_below", "between"]
LogicOp = Literal["all", "any", "not"]
Side = Literal["long", "short"]


@dataclass(frozen=True)
class Parameter:
    """A number that a run chooses: from `low` to `high`, in sweeps by `step`; a whole number when all three are."""

    name: str
    low: float
    high: float
    step: float
    default: float
    is_whole: bool

    def values(self) -> list[float]:
        """Return every value that a sweep tries."""
        count = int((self.high - self.low) / self.step + 1e-9) + 1
        numbers = [self.low + position * self.step for position in range(count)]
        return [int(value) for value in numbers] if self.is_whole else numbers


@dataclass(frozen=True)
class ParameterRef:
    """A number given as the name of a parameter."""

    name: str


Number = float | ParameterRef


@dataclass(frozen=True)
class Constant:
    """The same number at every bar."""

    number: Number


@dataclass(frozen=True)
class Column:
    """A column of the candles."""

    name: str


@dataclass(frozen=True)
class IndicatorOutput:
    """One output of an indicator of this document."""

    indicator: str
    output: str


@dataclass(frozen=True)
class Arithmetic:
    """Two or more series, combined from left to right."""

    op: ArithmeticOp
    parts: tuple["Series", ...]


@dataclass(frozen=True)
class Shift:
    """A series as it was `bars` bars ago, never ahead."""

    series: "Series"
    bars: Number


@dataclass(frozen=True)
class Rolling:
    """The lowest, highest or mean of the last `n` values of a series."""

    op: RollingOp
    series: "Series"
    n: Number


Series = Constant | Column | IndicatorOutput | Arithmetic | Shift | Rolling


@dataclass(frozen=True)
class Compare:
    """A question about two series, or three for `between`."""

    op: CompareOp
    parts: tuple[Series, ...]


@dataclass(frozen=True)
class Logic:
    """Conditions put together."""

    op: LogicOp
    parts: tuple["Condition", ...]


Condition = Compare | Logic


@dataclass(frozen=True)
class Indicator:
    """An indicator with its arguments; `source` is the column it is computed from."""

    fn: str
    arguments: Mapping[str, Number]
    source: str


@dataclass(frozen=True)
class Distance:
    """How far a stop or target is from the fill price: a ratio, ATRs of the decision bar, or multiples of the stop."""

    kind: Literal["ratio", "atr_mult", "r_multiple"]
    number: Number
    n: Number = 14.0


@dataclass(frozen=True)
class Size:
    """A sizing whose numbers may be parameters."""

    kind: str
    value: Number
    cap: Number | None = None


@dataclass(frozen=True)
class StrategyRuleDocument:
    """A whole strategy."""

    name: str
    side: Side
    indicators: Mapping[str, Indicator]
    entry: Condition
    exit: Condition | None = None
    stop_loss: Distance | None = None
    take_profit: Distance | None = None
    trailing: Distance | None = None
    size: Size | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
