"""Decides what happens to a job whose worker died."""

from dataclasses import dataclass

from seatrial_core.contracts.backtests import JobStatus


@dataclass(frozen=True)
class RecoveryDecision:
    """The next status of a job, and the error if it has failed."""

    status: JobStatus
    error: str | None = None


def decide_recovery(attempts: int, cancel_requested: bool, max_attempts: int) -> RecoveryDecision:
    """Return the next status of a job without a worker: cancelled, failed, or queued for another attempt.

    Args:
        attempts: How many attempts have begun.
        cancel_requested: Whether its cancellation is requested.
        max_attempts: How many attempts a job has.
    """
    if cancel_requested:
        return RecoveryDecision(JobStatus.CANCELLED)
    if attempts >= max_attempts:
        error = f"the worker died in each of {attempts} attempts; see the log of the backtest service for the reason"
        return RecoveryDecision(JobStatus.FAILED, error)
    return RecoveryDecision(JobStatus.QUEUED)
