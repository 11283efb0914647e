"""Interface of a strategy: a name, parameters with bounds, and signals from candles."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from seatrial_core.errors import FieldError, ValidationFailed
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

P = TypeVar("P", bound=BaseModel)


class StrategySpec(Protocol):
    """A strategy that can be run: built in, from a package or from a rule document.

    `signals` is causal: on `candles.head(k)` it returns the first k rows of what it returns on all candles.
    """

    @property
    def name(self) -> str:
        """Return the name in results and on the command line."""

    @property
    def version(self) -> str:
        """Return the version, part of a result's identity."""

    @property
    def params(self) -> type[BaseModel]:
        """Return the model of the parameters."""

    def parse(self, values: Mapping[str, Any]) -> BaseModel:  # Any: not yet validated
        """Return validated parameters.

        Args:
            values: Parameters by name; one that is left out has its default.

        Raises:
            ValidationFailed: Names each wrong field, its value and what is allowed.
        """

    def warm_up_bars(self, params: BaseModel) -> int:
        """Return the number of bars that must have closed before the first signal."""

    def signals(self, candles: Candles, params: BaseModel) -> Signals:
        """Return one row of signals per candle, decided at its close.

        Args:
            candles: The n bars of the run.
            params: Parameters that `parse` returned.
        """


@dataclass(frozen=True)
class ArrayStrategy(Generic[P]):
    """A strategy made of one function over whole arrays.

    Args:
        name: Name in results and on the command line.
        version: Part of a result's identity.
        summary: One line for lists of strategies.
        params: Model of the parameters.
        warm_up: Returns the number of bars that must have closed before the first signal.
        compute: Returns one row of signals per candle.
    """

    name: str
    version: str
    summary: str
    params: type[P]
    warm_up: Callable[[P], int]
    compute: Callable[[Candles, P], Signals]

    def parse(self, values: Mapping[str, Any]) -> P:
        """Return validated parameters; what is left out has its default."""
        return parse_params(self.name, self.params, values)

    def warm_up_bars(self, params: BaseModel) -> int:
        """Return the number of bars that must have closed before the first signal."""
        return self.warm_up(self._own(params))

    def signals(self, candles: Candles, params: BaseModel) -> Signals:
        """Return one row of signals per candle, decided at its close."""
        return self.compute(candles, self._own(params))

    def _own(self, params: BaseModel) -> P:
        return params if isinstance(params, self.params) else self.parse(params.model_dump())


def parse_params(strategy: str, model: type[P], values: Mapping[str, Any]) -> P:
    """Return `values` as the strategy's parameters.

    Args:
        strategy: Name of the strategy, for the message of an error.
        model: Model of its parameters.
        values: Parameters by name; one that is left out has its default.

    Raises:
        ValidationFailed: Names each wrong field, its value and what is allowed.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problems = [_problem(model, item) for item in error.errors()]
    lines = "; ".join(f"`{item.field}` was {item.value!r}; allowed: {item.allowed}" for item in problems)
    raise ValidationFailed(f"parameters of {strategy}: {lines}", errors=problems)


def _problem(model: type[BaseModel], item: Mapping[str, Any]) -> FieldError:
    field = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return FieldError(f"params.{field}", item["input"], _names(model))
    if not field:
        return FieldError("params", item["input"], item["msg"])
    return FieldError(f"params.{field}", item["input"], _allowed(model, field, str(item["msg"])))


def _names(model: type[BaseModel]) -> str:
    return f"one of {', '.join(model.model_fields)}" if model.model_fields else "no parameters"


def _allowed(model: type[BaseModel], field: str, message: str) -> str:
    schema = model.model_json_schema()["properties"].get(field, {})
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {schema[key]}" for key, sign in signs.items() if key in schema]
    if not bounds:
        return message
    return f"{schema.get('type', 'value')} {' and '.join(bounds)}"
