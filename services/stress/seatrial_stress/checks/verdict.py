"""One verdict out of many checks; only a run in which every check passed is green."""

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
NEEDED = {"generator", "slo", "ledger"}

_MEANING: Mapping[CheckState, Verdict] = {
    CheckState.PASS: Verdict.PASS,
    CheckState.FAIL: Verdict.FAIL,
    CheckState.VIOLATION: Verdict.CONSISTENCY_VIOLATION,
    CheckState.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    CheckState.UNKNOWN: Verdict.INCONCLUSIVE,
    CheckState.INVALID: Verdict.INVALID,
}
# A lost order is lost even when the generator was slow; a slow answer measured by a slow generator says nothing.
_WORST_FIRST = (
    Verdict.CONSISTENCY_VIOLATION,
    Verdict.INVALID,
    Verdict.FAIL,
    Verdict.INCONCLUSIVE,
    Verdict.PASS,
)


def of(checks: Iterable[StressCheck]) -> Verdict:
    """Return the verdict of a run; INVALID when a whole kind of check is missing."""
    found = list(checks)
    verdicts = {_MEANING[check.state] for check in found}
    if not {check.kind for check in found} >= NEEDED:
        verdicts.add(Verdict.INVALID)
    return next(verdict for verdict in _WORST_FIRST if verdict in verdicts)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict of several runs together; INVALID when there are none."""
    found = set(verdicts) or {Verdict.INVALID}
    return next(verdict for verdict in _WORST_FIRST if verdict in found)
