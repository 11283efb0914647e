"""Asks the stress service for one run and ends with its verdict as exit code; runs inside the stress image.

0 PASS, 1 FAIL, 2 CONSISTENCY_VIOLATION, 3 INCONCLUSIVE, 4 INVALID,
5 no verdict (refused, cancelled, unreachable, too late).
"""

import os
import sys
import threading
from collections.abc import Mapping

from seatrial_core.clients import ServiceClient
from seatrial_core.contracts.stress import RunRequest, RunState
from seatrial_core.errors import SeatrialError

NO_VERDICT = 5
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 600.0


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Run a plan and return the exit code of its verdict.

    Args:
        environment: SEATRIAL_STRESS_PLAN (default high_frequency), SEATRIAL_STRESS_DURATION (seconds, 20) and
            SEATRIAL_STRESS_WORKERS (1).
    """
    request = RunRequest.model_validate(
        {
            "plan": environment.get("SEATRIAL_STRESS_PLAN", "high_frequency"),
            "duration_seconds": float(environment.get("SEATRIAL_STRESS_DURATION", "20")),
            "target": environment["SEATRIAL_ENGINE_URL"],
            "workers": int(environment.get("SEATRIAL_STRESS_WORKERS", "1")),
        }
    )
    try:
        with ServiceClient("stress", attempts=8) as stress:
            return follow(stress, stress.submit("/v1/runs", request, RunState).id)
    except SeatrialError as error:
        sys.stderr.write(f"no verdict: {error}\n")
        return NO_VERDICT


def follow(stress: ServiceClient, identity: str) -> int:
    """Wait for a run to end, print every check, return the exit code of its verdict."""
    waiting = threading.Event()
    for _ in range(int(PATIENCE_SECONDS / POLL_SECONDS)):
        state = stress.fetch(f"/v1/runs/{identity}", RunState)
        if state.report is not None:
            report = state.report
            sys.stdout.write(f"{report.verdict} {state.plan} against {state.target}: {report.counts}\n")
            for check in report.checks:
                sys.stdout.write(f"  {check.state:<12} {check.kind}: {check.name}: {check.said}\n")
            return report.exit_code
        if state.status in {"cancelled", "failed"}:
            sys.stderr.write(f"no verdict: the run {state.status}: {state.error}\n")
            return NO_VERDICT
        waiting.wait(POLL_SECONDS)
    sys.stderr.write(f"no verdict: run {identity} was not over after {PATIENCE_SECONDS:.0f} s\n")
    return NO_VERDICT


if __name__ == "__main__":
    sys.exit(main())
