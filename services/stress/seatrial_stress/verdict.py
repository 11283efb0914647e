"""Makes one verdict of many checks; nothing is green by accident."""

from collections.abc import Iterable, Sequence

from seatrial_shared.contracts.stress import Check, Verdict

# A lost order is lost even when the generator was slow; a slow answer of a saturated generator is nobody's fault.
ORDER = (Verdict.CONSISTENCY_VIOLATION, Verdict.INVALID, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
NEEDED = frozenset({"generator", "samples", "ledger"})


def combine(checks: Sequence[Check]) -> Verdict:
    """Return the gravest verdict; a run without one of the needed checks is INVALID."""
    if not {check.name for check in checks} >= NEEDED:
        return Verdict.INVALID
    return gravest(check.verdict for check in checks)


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the gravest of some verdicts, INVALID of none."""
    return min(verdicts, key=ORDER.index, default=Verdict.INVALID)
