"""Adapts callbacks, functions of candles and factories to the look-ahead check."""

import random
from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.callback.parsing import CallbackAction, CallbackDecision
from seatrial_backtesting.callback.runner import Callback, CallbackRun, run_callback
from seatrial_backtesting.data.loader import LoadOptions, load
from seatrial_backtesting.lookahead.outside_data import OutsideData, find_outside_data
from seatrial_backtesting.lookahead.state import capture_state
from seatrial_backtesting.strategy_ref import StrategyRef, resolve_strategy
from seatrial_core.errors import field_error
from seatrial_trading.lookahead import (
    CheckPlan,
    LookaheadReport,
    Progress,
    StrategyDecisions,
    StrategyUnderTest,
    altered_bars,
    run_checks,
    signals_subject,
)
from seatrial_trading.lookahead.comparison import Decide
from seatrial_trading.lookahead.decisions import differing, of_signals
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

CURTAINS = ("noise", "nan")
SEED = 20_000
FORMS = "f(historical_data, symbol) -> dict | None, f(candles) -> Signals, or f(candles) -> callback"
UNPROVEN = (
    "it decides from {names}, whose numbers are not the bars': how they were made cannot be seen. Make them inside a "
    "function of the candles, `make(candles) -> strategy`, and check that"
)
FIXED = "it can reach {names}, which cannot be changed for a trial (a tuple, or memory that is read-only)"


def check(
    strategy: object,
    data: object,
    params: Mapping[str, Any] | None = None,
    plan: CheckPlan | None = None,
    options: LoadOptions | None = None,
    progress: Progress | None = None,
) -> LookaheadReport:
    """Check whether a strategy uses past data only, and return the report.

    Args:
        strategy: A registered name, a rule document, or a function: `f(historical_data, symbol)`, `f(candles)` that
            returns Signals, or `f(candles)` that returns such a callback.
        data: A file, a DataFrame, rows, columns or Candles to run it on.
        params: Parameters of a registered strategy or rule document.
        plan: How much to check.
        options: How to read the data.
        progress: Called with the name of the check, the number of finished steps and their total.
    """
    choice, candles = resolve_strategy(strategy, params), load(data, options).candles
    subject = strategy_under_test(choice, candles)
    return run_checks(subject, candles, plan) if progress is None else run_checks(subject, candles, plan, progress)


def strategy_under_test(choice: StrategyRef, candles: Candles) -> StrategyUnderTest:
    """Return the strategy in the form that the look-ahead check runs.

    Args:
        choice: The strategy; a callable of one argument is given the candles and returns Signals or a callback.
        candles: The bars of the check, to recognise them in other data that the strategy can reach.
    """
    if choice.spec is not None and choice.model is not None:
        return signals_subject(choice.spec, choice.model)
    if choice.callback is None:
        raise field_error("strategy", choice.name, FORMS)
    function: Any = choice.callback  # Any: the number of arguments varies
    outside = find_outside_data(function, candles)
    if _arguments(function) == 1:
        return _of_maker(choice.name, function, outside, candles)
    return _of_callback(choice.name, function, outside, candles)


def decisions_of(answers: CallbackRun, bars: int) -> StrategyDecisions:
    """Return the answers of a callback as decisions, including refused answers and exceptions."""
    decisions = answers.decisions
    table = np.array(decisions.rows, dtype=np.float64).reshape(len(decisions.rows), len(CallbackDecision._fields))
    columns: dict[str, NDArray[Any]] = {"action": np.full(bars, "", dtype=object)}  # Any: floats or texts
    for place, name in enumerate(CallbackDecision._fields):
        if name != "action":
            columns[name] = np.full(bars, np.nan)
            columns[name][decisions.at] = table[:, place]
    texts = columns["action"]
    for bar, row in zip(decisions.at, decisions.rows, strict=True):
        texts[bar] = CallbackAction(int(row.action)).name.lower()
    active = np.asarray(texts != "", dtype=np.bool_)
    for bar, refusal in decisions.refused.items():
        texts[bar] = f"refused: {refusal.reason}"
    for failure in answers.failures:
        texts[failure.index] = f"raised {failure.error}"
    return StrategyDecisions(columns, active)


def _of_callback(name: str, callback: Callback, outside: OutsideData, candles: Candles) -> StrategyUnderTest:
    def carried(bars: Candles) -> StrategyDecisions:
        return decisions_of(run_callback(callback, bars, "skip"), len(bars))

    decide = _fresh(carried, callback, outside)
    return StrategyUnderTest(
        name,
        decide,
        carried=carried,
        seeded=_seeded(carried),
        revealing=tuple(_fresh(_curtained(callback, outside, change), callback, outside) for change in CURTAINS)
        if outside.series
        else (),
        outside=outside.names,
        unproven=_unproven(decide, outside, candles),
        costly=True,
    )


def _of_maker(
    name: str, make: Callable[[Candles], object], outside: OutsideData, candles: Candles
) -> StrategyUnderTest:
    def carried(bars: Candles) -> StrategyDecisions:
        made = make(bars)
        if isinstance(made, Signals):
            return of_signals(made)
        if isinstance(made, Mapping):
            return of_signals(_signals(made, len(bars)))
        if callable(made):
            return decisions_of(run_callback(made, bars, "skip"), len(bars))
        raise field_error("strategy", type(made).__name__, FORMS)

    decide = _fresh(carried, make, outside)
    return StrategyUnderTest(
        name,
        decide,
        carried=carried,
        seeded=_seeded(carried),
        hiding=outside.hidden if outside.series else None,
        outside=outside.names,
        unproven=_unproven(decide, outside, candles),
        costly=_is_asked_bar_by_bar(make, candles),
    )


def _is_asked_bar_by_bar(make: Callable[[Candles], object], candles: Candles) -> bool:
    try:
        return callable(make(candles))
    except Exception:  # noqa: BLE001  the run itself raises again and reports it
        return False


def _signals(columns: Mapping[str, Any], bars: int) -> Signals:  # Any: arrays of the strategy
    entry = np.asarray(columns["entry"]).astype(np.int8)
    leave = np.asarray(columns.get("exit", np.zeros(bars)), dtype=np.bool_)
    others = {name: value for name, value in columns.items() if name not in ("entry", "exit")}
    return Signals(entry, leave, **others)


def _curtained(callback: Callback, outside: OutsideData, change: str) -> Decide:
    def decide(bars: Candles) -> StrategyDecisions:
        with outside.curtain(change) as show:

            def shown(history: Any, symbol: str) -> Mapping[str, Any] | None:  # Any: the guide's
                show(len(history))
                return callback(history, symbol)

            return decisions_of(run_callback(shown, bars, "skip"), len(bars))

    return decide


def _fresh(carried: Decide, strategy: object, outside: OutsideData) -> Decide:
    restore = capture_state(strategy, outside.cells)

    def decide(bars: Candles) -> StrategyDecisions:
        restore()
        return carried(bars)

    return decide


def _seeded(decide: Decide) -> Decide:
    def run(bars: Candles) -> StrategyDecisions:
        python, numpy = random.getstate(), np.random.get_state()
        try:
            random.seed(SEED)
            np.random.seed(SEED)
            return decide(bars)
        finally:
            random.setstate(python)
            np.random.set_state(numpy)

    return run


def _unproven(decide: Decide, outside: OutsideData, candles: Candles) -> str:
    if outside.fixed:
        return FIXED.format(names=", ".join(outside.fixed))
    derived = outside.only_derived()
    if not derived.series:
        return ""
    bars = altered_bars.copied(candles)
    try:
        plain = decide(bars)
        with derived.hidden(0):
            other = decide(bars)
    except Exception:  # noqa: BLE001  an exception on false numbers shows that it uses them
        return UNPROVEN.format(names=", ".join(derived.names))
    return UNPROVEN.format(names=", ".join(derived.names)) if len(differing(plain, other, len(candles))) else ""


def _arguments(function: Callable[..., object]) -> int:
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):
        return 2
    required = [
        parameter
        for parameter in parameters
        if parameter.default is Parameter.empty
        and parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    ]
    return len(required)
