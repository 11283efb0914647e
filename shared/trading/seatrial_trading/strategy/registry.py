"""Registry of strategies by name: the built-in ones and those of installed packages."""

import functools
import logging
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from seatrial_core.errors import FieldError, ValidationFailed
from seatrial_trading.strategy.buy_and_hold import BUY_AND_HOLD
from seatrial_trading.strategy.donchian_breakout import DONCHIAN_BREAKOUT
from seatrial_trading.strategy.macd import MACD
from seatrial_trading.strategy.protocol import StrategySpec
from seatrial_trading.strategy.rsi_bollinger import RSI_BOLLINGER
from seatrial_trading.strategy.sma_cross import SMA_CROSS

ENTRY_POINT_GROUP = "seatrial.strategies"
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
BUILT_IN: tuple[StrategySpec, ...] = (RSI_BOLLINGER, SMA_CROSS, MACD, DONCHIAN_BREAKOUT, BUY_AND_HOLD)

log = logging.getLogger(__name__)


class UnknownStrategy(ValidationFailed):
    """No strategy has this name."""

    code = "unknown_strategy"


def get(name: str) -> StrategySpec:
    """Return the strategy called `name`.

    Raises:
        UnknownStrategy: There is none; lists the names.
    """
    spec = strategies().get(name) if isinstance(name, str) else None
    if spec is None:
        allowed = ", ".join(names())
        raise UnknownStrategy(
            f"`strategy` was {name!r}; known strategies: {allowed}",
            errors=[FieldError("strategy", name, f"one of {allowed}")],
        )
    return spec


def names() -> list[str]:
    """Return the names of all strategies, sorted."""
    return sorted(strategies())


@functools.cache
def strategies() -> Mapping[str, StrategySpec]:
    """Return every strategy by name; entry points are read once per process."""
    return MappingProxyType(gather(BUILT_IN, entry_points(group=ENTRY_POINT_GROUP)))


def gather(built_in: Iterable[StrategySpec], points: Iterable[EntryPoint]) -> dict[str, StrategySpec]:
    """Return the built-in strategies and those of entry points; a broken or clashing one is logged and skipped."""
    specs = {spec.name: spec for spec in built_in}
    for point in points:
        try:
            spec = point.load()
        except (ImportError, AttributeError) as error:
            log.warning("strategy_not_loaded entry_point=%s error=%s", point.name, error)
            continue
        problem = _refusal(point.name, spec, specs)
        if problem:
            log.warning("strategy_refused entry_point=%s reason=%s", point.name, problem)
        else:
            specs[point.name] = spec
    return specs


def _refusal(name: str, spec: object, specs: Mapping[str, StrategySpec]) -> str | None:
    if not NAME.fullmatch(name):
        return f"the name must match ^{NAME.pattern}$"
    if name in specs:
        return "the name is taken"
    missing = [
        part for part in ("name", "version", "params", "parse", "warm_up_bars", "signals") if not hasattr(spec, part)
    ]
    if missing:
        return f"it has no {', '.join(missing)}"
    if spec.name != name:  # type: ignore[attr-defined]  # hasattr above
        return "its name is not the entry point's"
    return None
