"""Reads what a generator process wrote: its summary, its log and its journal."""

import contextlib
import json
from collections import Counter

from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.load.spec import LoadSpec
from seatrial_stress.plans import schedule

LOG_TAIL_BYTES = 2_000
MAX_LOG_CHARACTERS = 200


def read_result(load: LoadSpec, number: int, exit_code: int | None) -> WorkerResult:
    """Return how a worker ended, from the summary it wrote; without one, quote the last line of its log."""
    try:
        summary = json.loads(load.summary(number).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        problem = f"worker {number} wrote no summary{_last_log_line(load, number)}"
        return WorkerResult(number, exit_code, problems=(problem,))
    return WorkerResult(
        number,
        exit_code,
        finished=True,
        journalled=summary["journalled"],
        histogram_counts=tuple(summary["histogram_counts"]),
        problems=tuple(summary["problems"]),
        cpu_percent=tuple(summary["cpu_percent"]),
        clock_step_seconds=summary["clock_step_seconds"],
    )


def schedule_mismatch(load: LoadSpec, number: int) -> str | None:
    """Return how a worker's journal differs from its part of the schedule, or None if each intent was sent once."""
    planned = Counter(
        (arrival.key, repeat)
        for arrival in schedule.part(load.plan, load.run, number, load.plan.workers)
        for repeat in range(arrival.repeats)
    )
    try:
        with load.journal(number).open(encoding="utf-8") as lines:
            events = map(json.loads, lines)
            sent = Counter((event["key"], event["number"]) for event in events if event["event"] == "intent")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"the journal of worker {number} cannot be read ({type(error).__name__})"
    if sent == planned:
        return None
    return f"worker {number} sent {sent.total()} requests, which are not exactly the {planned.total()} of its part"


def _last_log_line(load: LoadSpec, number: int) -> str:
    with contextlib.suppress(OSError):
        lines = load.log(number).read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").splitlines()
        return f"; its log ends with: {lines[-1].strip()[:MAX_LOG_CHARACTERS]}" if lines else ""
    return ""
