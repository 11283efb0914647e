"""Whatever a name can mean is proven free of lookahead: built-ins, installed packages, rule documents."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from tests.unit.lookahead.lookahead_bars import hours, proof

from seatrial_trading.lookahead import CheckPlan, LookaheadCheck, LookaheadVerdict, run_checks, signals_subject
from seatrial_trading.strategy import registry

SETTINGS: dict[str, list[dict[str, Any]]] = {  # Any: parameters
    "rsi_bollinger": [{"rsi_period": 7, "rsi_below": 40}, {"rsi_below": 45}],
    "sma_cross": [{"fast": 3, "slow": 9}, {"fast": 5, "slow": 40, "mode": "long_short"}],
    "macd": [{"fast": 5, "slow": 13, "signal": 4}],
    "donchian_breakout": [{}],
}
CASES = [(name, values) for name in registry.names() for values in [{}, *SETTINGS.get(name, [])]]


@dataclass(frozen=True)
class Rules:
    """A rule document and its name."""

    name: str
    document: dict[str, Any]  # Any: JSON


DOCUMENTS = [
    Rules(
        "dip",
        {
            "indicators": {"r": {"fn": "rsi", "n": 14}},
            "entry": {"lt": ["r", {"param": "low", "default": 45, "range": [10, 60, 5]}]},
            "stop_loss": {"ratio": 0.02},
            "take_profit": {"ratio": 0.03},
        },
    ),
    Rules(
        "bands",
        {
            "indicators": {"bb": {"fn": "bollinger", "n": 20, "k": 2}},
            "entry": {"crosses_below": ["close", "bb.lower"]},
            "exit": {"gt": ["close", "bb.middle"]},
            "stop_loss": {"atr_mult": 2},
        },
    ),
    Rules(
        "breakout",
        {
            "indicators": {"top": {"fn": "donchian", "n": 20}},
            "entry": {"gt": ["close", {"shift": ["top.upper", 1]}]},
            "exit": {"lt": ["close", {"shift": ["close", 5]}]},
        },
    ),
    Rules(
        "averages",
        {
            "indicators": {"fast": {"fn": "ema", "n": 5}, "slow": {"fn": "sma", "n": 21}},
            "entry": {"crosses_above": ["fast", "slow"]},
            "exit": {"crosses_below": ["fast", "slow"]},
        },
    ),
]


@pytest.mark.parametrize(("name", "values"), CASES, ids=str)
def test_a_registered_strategy_is_free_of_lookahead(name: str, values: dict[str, Any]) -> None:
    spec = registry.get(name)

    report = run_checks(signals_subject(spec, spec.parse(values)), hours(300), CheckPlan(poisonings=40))

    assert report.verdict is LookaheadVerdict.CLEAN, report
    assert report.coverage.exhaustive
    assert report.coverage.runs_raised == 0


@pytest.mark.parametrize("rules", DOCUMENTS, ids=lambda rules: rules.name)
def test_a_rule_document_is_free_of_lookahead(rules: Rules) -> None:
    report = proof({"version": 1, "name": rules.name, **rules.document}, hours(250))

    assert report.verdict is LookaheadVerdict.CLEAN, report


def test_a_strategy_of_another_package_is_proven_like_ours() -> None:
    offer = EntryPoint("peeker", "tests.unit.lookahead.peeker:PEEKER", registry.ENTRY_POINT_GROUP)
    spec = registry.gather(registry.BUILT_IN, [offer])["peeker"]

    report = run_checks(signals_subject(spec, spec.parse({})), hours(300))

    assert LookaheadCheck.PREFIX_REPLAY in {finding.check for finding in report.findings}


@pytest.mark.parametrize("name", ["rsi_bollinger", "macd"])
def test_a_long_series_is_sampled_and_reported_as_such(name: str) -> None:
    spec = registry.get(name)

    report = run_checks(signals_subject(spec, spec.parse({})), hours(3_000), CheckPlan(cuts=60, poisonings=10, seed=3))

    assert report.verdict is LookaheadVerdict.CLEAN
    assert not report.coverage.exhaustive
    assert report.coverage.cuts <= 60 + 10
    assert report.coverage.seed == 3
    assert 0 < report.coverage.decisions_cut < report.coverage.decisions
