"""Which strategy a request means: a registered name, a rule document, or a Python callback (never over the wire)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from seatrial_backtesting.callback.runner import Callback
from seatrial_core.errors import FieldError, ValidationFailed
from seatrial_trading.strategy import registry
from seatrial_trading.strategy.protocol import StrategySpec


@dataclass(frozen=True)
class StrategyRef:
    """A strategy with its parameters; `spec` for array strategies, `callback` for functions.

    `size` is the sizing that the strategy itself states.
    """

    name: str
    version: str
    params: Mapping[str, Any]  # Any: JSON
    spec: StrategySpec | None = None
    model: BaseModel | None = None
    callback: Callback | None = None
    size: str | None = None

    @property
    def facts(self) -> dict[str, Any]:  # Any: JSON
        """Return what identifies the strategy in a manifest."""
        return {"name": self.name, "version": self.version, "params": dict(self.params)}


def choose(strategy: object, params: Mapping[str, Any] | None = None) -> StrategyRef:
    """Return the strategy that a name, a rule document or a callable stands for.

    Args:
        strategy: A registered name (looked up in a dict, nothing else), a rule document, or `f(history, symbol)`.
        params: Values for its parameters.

    Raises:
        ValidationFailed: No such strategy, a bad rule document, or parameters it does not have.
    """
    values = dict(params or {})
    if isinstance(strategy, str):
        return _of_spec(registry.get(strategy), values)
    if isinstance(strategy, Mapping):
        return _of_rules(dict(strategy), values)
    if callable(strategy):
        if values:
            raise _refused("params", values, "none: a callable brings its own")
        return StrategyRef(_name_of(strategy), "callback", {}, callback=strategy)
    raise _refused("strategy", type(strategy).__name__, "a callable, a registered name or a rule document")


def _of_spec(spec: StrategySpec, values: Mapping[str, Any]) -> StrategyRef:
    model = spec.parse(values)
    return StrategyRef(spec.name, spec.version, model.model_dump(mode="json"), spec=spec, model=model)


def _of_rules(document: dict[str, Any], values: Mapping[str, Any]) -> StrategyRef:  # Any: JSON
    # Imported here: the models of the rule language take a tenth of a second, which only rules need.
    from seatrial_trading.strategy.rules import compile_rules

    spec = compile_rules(document)
    made = _of_spec(spec, values)
    assert made.model is not None
    sizing = spec.sizing(made.model)
    return replace(made, size=None if sizing is None else str(sizing))


def _name_of(strategy: object) -> str:
    return str(getattr(strategy, "__qualname__", type(strategy).__qualname__))


def _refused(field: str, value: object, allowed: str) -> ValidationFailed:
    return ValidationFailed(f"`{field}` was {value!r}; allowed: {allowed}", errors=[FieldError(field, value, allowed)])
