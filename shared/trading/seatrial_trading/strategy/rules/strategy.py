"""A rule document as a strategy: parameters with bounds, and signals from candles."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, create_model

from seatrial_core.errors import field_error
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.sizing import Sizing, parse
from seatrial_trading.quant.volatility import atr
from seatrial_trading.strategy.protocol import parse_params
from seatrial_trading.strategy.rules.document_parser import parse_document
from seatrial_trading.strategy.rules.evaluation import Evaluation
from seatrial_trading.strategy.rules.syntax_tree import Distance, Number, Parameter, StrategyRuleDocument
from seatrial_trading.strategy.rules.warm_up import bars_needed
from seatrial_trading.strategy.signals import Signals


def compile_rules(raw: object) -> "RuleStrategy":
    """Return the strategy of a rule document.

    Args:
        raw: The document as JSON data.

    Raises:
        ValidationFailed: Names the field, its value and what is allowed.

    Example:
        >>> rules = {"version": 1, "entry": {"gt": ["close", "open"]}}
        >>> compile_rules(rules).name
        'rules'
    """
    document = parse_document(raw)
    text = json.dumps(raw, sort_keys=True, separators=(",", ":"))
    return RuleStrategy(document, hashlib.sha256(text.encode()).hexdigest()[:12])


@dataclass(frozen=True)
class RuleStrategy:
    """A strategy made of a rule document; its version is taken from the document's content."""

    document: StrategyRuleDocument
    version: str

    @property
    def name(self) -> str:
        """Return the document's name, `rules` when it has none."""
        return self.document.name

    @property
    def ranges(self) -> Mapping[str, Parameter]:
        """Return the parameters that a sweep can vary."""
        return self.document.parameters

    @cached_property
    def params(self) -> type[BaseModel]:
        """Return the model of the document's parameters."""
        fields: dict[str, Any] = {item.name: _field(item) for item in self.document.parameters.values()}
        config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())
        model: type[BaseModel] = create_model("RuleParams", __config__=config, **fields)
        return model

    def parse(self, values: Mapping[str, Any]) -> BaseModel:
        """Return validated parameters; what is left out has its default."""
        return parse_params(self.name, self.params, values)

    def warm_up_bars(self, params: BaseModel) -> int:
        """Return the number of bars that must have closed before the first signal."""
        return bars_needed(self.document, params.model_dump())

    def sizing(self, params: BaseModel) -> Sizing | None:
        """Return the sizing of the document, None when the run decides it."""
        size = self.document.size
        if size is None:
            return None
        values = params.model_dump()
        cap = "" if size.cap is None or size.kind != "kelly" else f":{_number(size.cap, values)!r}"
        return parse(f"{size.kind}:{_number(size.value, values)!r}{cap}", "sizing")

    def signals(self, candles: Candles, params: BaseModel) -> Signals:
        """Return one row of signals per candle; an entry whose stop or target is undefined is not made."""
        run = Evaluation(self.document, candles, params.model_dump())
        self._check_macd(run)
        enters = run.truth(self.document.entry).yes
        stop = _ratios(run, self.document.stop_loss)
        target = _ratios(run, self.document.take_profit, stop)
        trailing = _ratios(run, self.document.trailing)
        for distance, highest in ((stop, 1.0), (trailing, 1.0), (target, np.inf)):
            if distance is not None:
                enters = enters & (distance > 0.0) & (distance < highest)
        side = 1 if self.document.side == "long" else -1
        exit_condition = self.document.exit
        return Signals(
            entry=np.where(enters, side, 0).astype(np.int8),
            exit=run.truth(exit_condition).yes
            if exit_condition is not None
            else np.zeros(len(candles), dtype=np.bool_),
            stop_loss=stop,
            take_profit=target,
            trailing=trailing,
            stop_base="fill",
        )

    def _check_macd(self, run: Evaluation) -> None:
        for name, indicator in self.document.indicators.items():
            if indicator.fn == "macd":
                fast, slow = run.number(indicator.arguments["fast"]), run.number(indicator.arguments["slow"])
                if fast >= slow:
                    raise field_error(f"indicators.{name}.fast", fast, f"less than slow, which is {slow:g}")


def _field(item: Parameter) -> tuple[Any, Any]:  # what create_model takes
    bounds = Field(ge=item.low, le=item.high)
    if item.is_whole:
        return Annotated[int, Field(ge=int(item.low), le=int(item.high))], int(item.default)
    return Annotated[float, bounds], item.default


def _number(number: Number, values: Mapping[str, float]) -> float:
    return number if isinstance(number, float) else float(values[number.name])


def _ratios(run: Evaluation, distance: Distance | None, stop: Floats | None = None) -> Floats | None:
    # Ratios of the fill price; ATRs are divided by the close of the decision.
    if distance is None:
        return None
    number, candles = run.number(distance.number), run.candles
    match distance.kind:
        case "ratio":
            return np.full(len(candles), number)
        case "atr_mult":
            n = int(run.number(distance.n))
            by_range: Floats = number * atr(candles.high, candles.low, candles.close, n) / candles.close
            return by_range
        case "r_multiple":
            return None if stop is None else number * stop
