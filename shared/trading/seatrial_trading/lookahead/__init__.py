"""Lookahead checks: does any decision depend on bars that had not closed, on an earlier run, or on chance?"""

from seatrial_trading.lookahead.checks import run_checks
from seatrial_trading.lookahead.decisions import StrategyDecisions
from seatrial_trading.lookahead.findings import (
    Coverage,
    LookaheadCheck,
    LookaheadFinding,
    LookaheadReport,
    LookaheadVerdict,
    WarmUp,
)
from seatrial_trading.lookahead.subject import CheckPlan, Progress, StrategyUnderTest, signals_subject

__all__ = [
    "LookaheadCheck",
    "Coverage",
    "StrategyDecisions",
    "LookaheadFinding",
    "CheckPlan",
    "Progress",
    "LookaheadReport",
    "StrategyUnderTest",
    "LookaheadVerdict",
    "WarmUp",
    "run_checks",
    "signals_subject",
]
