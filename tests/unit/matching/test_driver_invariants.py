"""Invariants I10 and I11: every driver makes the same trades; equal runs have the same digest everywhere."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.matching import test_ledger_invariants, test_symmetry_invariants
from tests.unit.matching.invariants import DECLARED, INVARIANTS, MIN_EXAMPLES, Declared, examples, invariant
from tests.unit.matching.random_markets import ANY_TERMS, HOUR_MS, SEEDS, RandomMarket, random_market

from seatrial_backtesting.callback.runner import run_callback
from seatrial_backtesting.callback.signals import resolve_signals
from seatrial_backtesting.run import run as backtest
from seatrial_backtesting.strategy_ref import resolve_strategy
from seatrial_trading.matching import BarStepper, EntryOrder, ExecutionConfig, OrderKind, TradeRecord, simulate
from seatrial_trading.matching.layout import SizeKind

Answer = dict[str, Any]  # Any: what a callback returns
OWN_SIZES = {SizeKind.FIXED: "quantity", SizeKind.EQUITY: "size_pct", SizeKind.RISK: "risk_pct"}
KINDS = {kind: kind.name.lower() for kind in OrderKind}
# Few enough to be quick, enough for every kind of trade: each is run whole in two more processes.
FEW_IDENTITIES, IDENTITIES = 4, 100


def answers(market: RandomMarket) -> list[Answer | None]:
    """Return what a callback would answer to decide the same as the market's signals."""
    return [_answer(market, bar) for bar in range(len(market.candles))]


def _answer(market: RandomMarket, bar: int) -> Answer | None:
    signals = market.signals
    if signals.exit[bar]:
        return {"action": "close"}
    if not signals.entry[bar]:
        return None

    def at(name: str) -> float:
        return float(getattr(signals, name)[bar])

    base, kind = int(at("base")), OrderKind(int(at("entry_type")))
    ratio, trail = ("_pct" if base == 0 else ""), ("" if base == 1 else "_pct")
    answer: Answer = {
        f"stop_loss{ratio}": at("stop_loss"),
        f"take_profit{ratio}": at("take_profit"),
        f"trailing{trail}": at("trailing"),
    }
    if kind in (OrderKind.LIMIT, OrderKind.STOP_LIMIT):
        answer["limit_price"] = at("limit_price")
    if kind in (OrderKind.STOP, OrderKind.STOP_LIMIT):
        answer["stop_price"] = at("stop_price")
    if kind != OrderKind.MARKET and at("expires"):
        answer["expires_bars"] = int(at("expires"))
    if signals.size is not None and SizeKind(int(at("size_kind"))) in OWN_SIZES:
        answer[OWN_SIZES[SizeKind(int(at("size_kind")))]] = at("size")
    defined = {key: value for key, value in answer.items() if not np.isnan(value)}
    return {"action": "buy" if signals.entry[bar] > 0 else "short", "order_type": KINDS[kind], **defined}


def callback(answers: Sequence[Answer | None]) -> Callable[[Sequence[Mapping[str, Any]], str], Answer | None]:
    """Return a callback that answers by heart."""
    return lambda history, symbol: answers[len(history) - 1]


def sayable(market: RandomMarket) -> RandomMarket:
    """Return the market with nothing but what a callback can say: no size in money, no exit and entry at once."""
    signals = market.signals
    assert signals.size is not None and signals.size_kind is not None
    size = np.where(signals.size_kind == SizeKind.NOTIONAL, np.nan, signals.size)
    return replace(market, signals=replace(signals, size=size, entry=np.where(signals.exit, 0, signals.entry)))


@invariant("I10", few=30, thorough=500)
@given(SEEDS, ANY_TERMS, st.sampled_from([1, -1]))
def test_i10_a_callback_trades_what_its_signals_trade(seed: int, terms: ExecutionConfig, side: int) -> None:
    market = sayable(random_market(seed, side=side))
    asked = run_callback(callback(answers(market)), market.candles, "raise", False)

    signals, _ = resolve_signals(asked.decisions, market.candles, terms)
    from_answers, whole = simulate(market.candles, signals, terms), simulate(market.candles, market.signals, terms)

    assert from_answers.trades == whole.trades
    assert from_answers.equity.tolist() == whole.equity.tolist()


def stepped(market: RandomMarket, terms: ExecutionConfig, restart_at: int) -> tuple[list[TradeRecord], list[float]]:
    """Return trades and equity of the bar-driven exchange, which is restarted once."""
    signals, bars = market.signals, market.candles
    stepper, trades, equity = BarStepper(terms, "W", HOUR_MS), [], [terms.cash]
    columns = ("stop_loss", "take_profit", "trailing", "base", "entry_type", "limit_price", "stop_price", "expires")
    rows = zip(*(getattr(signals, name).tolist() for name in (*columns, "size_kind", "size")), strict=True)
    for i, (stop, target, trail, base, kind, limit, trigger, wait, size_kind, size) in enumerate(rows):
        if i == restart_at:
            stepper = BarStepper.load(terms, stepper.dump(), "W", HOUR_MS)
        o, high, low, close = (float(column[i]) for column in (bars.open, bars.high, bars.low, bars.close))
        fills = stepper.on_bar(int(bars.time_ms[i]), o, high, low, close)
        trades += [fill.trade for fill in fills if fill.trade]
        equity.append(stepper.equity)
        order = EntryOrder(OrderKind(kind), limit, trigger, wait, SizeKind(size_kind), size)
        entry, leave = int(signals.entry[i]), bool(signals.exit[i])
        stepper.decide(entry, leave, stop, target, trail, "price" if base else "fill", order)
    if terms.close_at_end:
        trades += [fill.trade for fill in stepper.finish() if fill.trade]
        equity[-1] = stepper.equity
    return trades, equity


@invariant("I10", few=30, thorough=500)
@given(SEEDS, ANY_TERMS, st.integers(0, 89))
def test_i10_the_bar_driven_exchange_trades_what_whole_arrays_trade(
    seed: int, terms: ExecutionConfig, restart_at: int
) -> None:
    market = random_market(seed)
    assert market.signals.base is not None
    base = np.minimum(market.signals.base, 1)  # a step takes all three as prices, or all as ratios
    market = replace(market, signals=replace(market.signals, base=base))

    whole = simulate(market.candles, market.signals, terms)

    assert stepped(market, terms, restart_at) == (whole.trades, whole.equity.tolist())


def identities(first: int, count: int) -> list[str]:
    """Return the manifests' identities of some backtests of callbacks and of registered strategies."""
    digests = []
    for seed in range(first, first + count):
        market = sayable(random_market(seed, side=1))
        order = (
            resolve_strategy("rsi_bollinger", {"rsi_below": 45.0})
            if seed % 2
            else resolve_strategy(callback(answers(market)))
        )
        digests.append(str(backtest(market.candles, order)["manifest"]["sha256"]))
    return digests


def declare_identities() -> Declared:
    """Declare I11, whose examples are runs in other processes and not drawn by Hypothesis."""
    return Declared("I11", "test_i11_the_same_run_has_the_same_identity_in_every_process", IDENTITIES)


def test_i11_the_same_run_has_the_same_identity_in_every_process() -> None:
    count = examples(FEW_IDENTITIES, IDENTITIES)
    program = (
        "import sys; from tests.unit.matching.test_driver_invariants import identities;"
        "print(' '.join(identities(0, int(sys.argv[1]))))"
    )
    here = identities(0, count)
    for hashes in ("1", "4242"):
        there = subprocess.run(
            [sys.executable, "-c", program, str(count)],
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        )
        assert there.stdout.split() == here
    assert len(set(here)) == count


def test_every_invariant_has_a_test_and_five_thousand_examples_in_total() -> None:
    modules = (test_ledger_invariants, test_symmetry_invariants, sys.modules[__name__])
    declared = [*DECLARED, declare_identities()]

    assert {item.invariant for item in declared} == set(INVARIANTS)
    assert all(any(hasattr(module, item.test) for module in modules) for item in declared)
    assert sum(item.thorough for item in declared) >= MIN_EXAMPLES
