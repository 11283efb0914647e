"""Resolves a strategy: a registered name, a rule document, or a Python callback (never from a REST request)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from seatrial_backtesting.callback.runner import Callback
from seatrial_core.errors import field_error
from seatrial_trading.strategy import registry
from seatrial_trading.strategy.protocol import StrategySpec


@dataclass(frozen=True)
class StrategyRef:
    """A resolved strategy with its parameters.

    Args:
        name: Registered name, name of the rule document, or qualified name of the callback.
        version: Version of the strategy; `callback` for callbacks.
        params: Parameters, as JSON.
        spec: The array strategy, None for a callback.
        model: Its parsed parameters.
        callback: The function, None for an array strategy.
        size: Order size that the strategy itself specifies, if any.
    """

    name: str
    version: str
    params: Mapping[str, Any]  # Any: JSON
    spec: StrategySpec | None = None
    model: BaseModel | None = None
    callback: Callback | None = None
    size: str | None = None

    @property
    def identity(self) -> dict[str, Any]:  # Any: JSON
        """Return name, version and parameters, as they are in a manifest."""
        return {"name": self.name, "version": self.version, "params": dict(self.params)}


def resolve_strategy(strategy: object, params: Mapping[str, Any] | None = None) -> StrategyRef:
    """Return the strategy of a name, a rule document or a callable.

    Args:
        strategy: A registered name (only looked up in the registry), a rule document, or `f(history, symbol)`.
        params: Values for its parameters.

    Raises:
        ValidationFailed: Unknown name, invalid rule document, or parameters that the strategy lacks.
    """
    values = dict(params or {})
    if isinstance(strategy, str):
        return _of_spec(registry.get(strategy), values)
    if isinstance(strategy, Mapping):
        return _of_rules(dict(strategy), values)
    if callable(strategy):
        if values:
            raise field_error("params", values, "none, a callable takes no parameters")
        return StrategyRef(_name_of(strategy), "callback", {}, callback=strategy)
    raise field_error("strategy", type(strategy).__name__, "a callable, a registered name or a rule document")


def _of_spec(spec: StrategySpec, values: Mapping[str, Any]) -> StrategyRef:
    model = spec.parse(values)
    return StrategyRef(spec.name, spec.version, model.model_dump(mode="json"), spec=spec, model=model)


def _of_rules(document: dict[str, Any], values: Mapping[str, Any]) -> StrategyRef:  # Any: JSON
    # Imported here: the models of the rule language take 0.1 s to import and only rules need them.
    from seatrial_trading.strategy.rules import compile_rules

    spec = compile_rules(document)
    strategy = _of_spec(spec, values)
    assert strategy.model is not None
    sizing = spec.sizing(strategy.model)
    return replace(strategy, size=None if sizing is None else str(sizing))


def _name_of(strategy: object) -> str:
    return str(getattr(strategy, "__qualname__", type(strategy).__qualname__))
