"""Combines checks into one verdict; a run is PASS only if every check is."""

from collections.abc import Iterable, Mapping

from seatrial_core.contracts.stress import CheckState, StressCheck, Verdict

EXIT_TOOL_ERROR = 5
EXIT_CODES: Mapping[Verdict, int] = {
    Verdict.PASS: 0,
    Verdict.FAIL: 1,
    Verdict.CONSISTENCY_VIOLATION: 2,
    Verdict.INCONCLUSIVE: 3,
    Verdict.INVALID: 4,
}
REQUIRED_KINDS = {"generator", "slo", "ledger"}

_VERDICT_OF: Mapping[CheckState, Verdict] = {
    CheckState.PASS: Verdict.PASS,
    CheckState.FAIL: Verdict.FAIL,
    CheckState.VIOLATION: Verdict.CONSISTENCY_VIOLATION,
    CheckState.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    CheckState.UNKNOWN: Verdict.INCONCLUSIVE,
    CheckState.INVALID: Verdict.INVALID,
}
# A lost order counts even if the generator was slow; a latency measured by a slow generator does not.
_WORST_FIRST = (
    Verdict.CONSISTENCY_VIOLATION,
    Verdict.INVALID,
    Verdict.FAIL,
    Verdict.INCONCLUSIVE,
    Verdict.PASS,
)


def of(checks: Iterable[StressCheck]) -> Verdict:
    """Return the verdict of a run; INVALID if a required kind of check is missing."""
    all_checks = list(checks)
    verdicts = {_VERDICT_OF[check.state] for check in all_checks}
    if not {check.kind for check in all_checks} >= REQUIRED_KINDS:
        verdicts.add(Verdict.INVALID)
    return next(verdict for verdict in _WORST_FIRST if verdict in verdicts)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of several verdicts; INVALID if there are none."""
    candidates = set(verdicts) or {Verdict.INVALID}
    return next(verdict for verdict in _WORST_FIRST if verdict in candidates)
