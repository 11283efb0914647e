"""Reads what a generator process wrote: its summary, its log and its journal."""

import contextlib
import json

from seatrial_stress.checks.generator import WorkerResult
from seatrial_stress.load.spec import LoadSpec

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
    rows = [json.loads(line) for line in load.schedule.read_text(encoding="utf-8").splitlines()]
    planned = sorted((row["key"], n) for row in rows[number :: load.plan.workers] for n in range(row["repeats"]))
    try:
        lines = load.journal(number).read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines]
        sent = sorted((event["key"], event["number"]) for event in events if event["event"] == "intent")
    except (OSError, ValueError, KeyError) as error:
        return f"the journal of worker {number} cannot be read ({type(error).__name__})"
    if sent == planned:
        return None
    return f"worker {number} sent {len(sent)} requests, which are not exactly the {len(planned)} of its part"


def _last_log_line(load: LoadSpec, number: int) -> str:
    with contextlib.suppress(OSError):
        lines = load.log(number).read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").splitlines()
        return f"; its log ends with: {lines[-1].strip()[:MAX_LOG_CHARACTERS]}" if lines else ""
    return ""
