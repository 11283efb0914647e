"""The lookahead proof: does any decision depend on bars that had not closed, on an earlier run, or on chance?"""

from seatrial_trading.lookahead.decisions import Decisions
from seatrial_trading.lookahead.examination import examine
from seatrial_trading.lookahead.findings import Check, Coverage, Finding, Report, Verdict, WarmUp
from seatrial_trading.lookahead.subject import Plan, Progress, Subject, signals_subject

__all__ = [
    "Check",
    "Coverage",
    "Decisions",
    "Finding",
    "Plan",
    "Progress",
    "Report",
    "Subject",
    "Verdict",
    "WarmUp",
    "examine",
    "signals_subject",
]
