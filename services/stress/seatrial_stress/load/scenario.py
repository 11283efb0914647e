"""Sends a schedule to an engine: `python -m locust -f scenario.py`, with SEATRIAL_STRESS_SPEC naming what to send.

The spec is a JSON file: schedule (a file with one request a line), folder, worker, workers, timeout_seconds, and a
token where the environment has none. A process that shows Locust's page reads it anew at each start.
"""

import contextlib
import json
import os
import shutil
from pathlib import Path
from time import CLOCK_REALTIME, clock_gettime, monotonic, process_time
from typing import Any, TextIO

import gevent
import locust.stats
from gevent.pool import Pool
from hdrh.histogram import HdrHistogram
from locust import FastHttpUser, events, task
from locust.exception import StopUser

MAX_IN_FLIGHT = 4_000
MAX_MICROSECONDS = 3_600 * 1_000_000
OUR_FOLDERS = "seatrial-"
FAULT_HEADER = "Seatrial-Fault"
ROUTES = {"signal": "/v1/signals", "check": "/v1/orders/check"}
Json = dict[str, Any]  # Any: JSON

problems: list[str] = []
# Named by the parent itself: one that is killed while this process starts is no longer to be asked for.
parent = int(os.environ.get("SEATRIAL_STRESS_PARENT") or os.getppid())


def three_digits(milliseconds: float) -> float:
    """Round a time to three digits; Locust's own rounding turns 1,049 ms into 1,000."""
    return float(f"{milliseconds:.3g}")


# Locust promises whole numbers here and works with any.
locust.stats.bucket_response_time = three_digits  # type: ignore[assignment]


class JournalWriter:
    """Journals every request before it leaves, and what became of it; counts times in histograms.

    Args:
        folder: Where the files go.
        worker: The number of this process in the run.
    """

    def __init__(self, folder: Path, worker: int) -> None:
        self.folder = folder
        self.worker = worker
        self.intents = 0
        self.cpu_percent: list[float] = []
        self.histograms = {name: HdrHistogram(1, MAX_MICROSECONDS, 3) for name in ("response", "service", "lag")}
        self._lines: TextIO = (folder / f"journal-{worker}.jsonl").open("w", encoding="utf-8", buffering=1)

    def intend(self, arrival: Json, number: int, intended: float, sent: float) -> None:
        """Write down what is about to be sent."""
        line = {"event": "intent", "key": arrival["key"], "number": number, "operation": arrival["operation"]}
        self._write({**line, "fault": arrival["fault"], "intended": intended, "sent": sent})
        self.intents += 1

    def answer(self, arrival: Json, number: int, times: tuple[float, float, float], found: Json) -> None:
        """Write down what became of it; times are intended, sent and finished."""
        intended, sent, finished = times
        answered = found.pop("answered")
        line = {"event": "outcome", "key": arrival["key"], "number": number}
        self._write({**line, "finished": finished if answered else None, **found})
        for name, seconds in (
            ("response", finished - intended),
            ("service", finished - sent),
            ("lag", sent - intended),
        ):
            self.histograms[name].record_value(max(1, min(MAX_MICROSECONDS, round(seconds * 1e6))))

    def finish(self, clock_step_seconds: float, planned: int) -> None:
        """Write histograms and the last word; a run without a last word is no valid run."""
        self._lines.close()
        word = {
            "planned": planned,
            "journalled": self.intents,
            "histogram_counts": [each.get_total_count() for each in self.histograms.values()],
            "histograms": {name: each.encode().decode() for name, each in self.histograms.items()},
            "problems": problems[:20],
            "cpu_percent": self.cpu_percent,
            "clock_step_seconds": clock_step_seconds,
        }
        unfinished = self.folder / f"done-{self.worker}.part"
        unfinished.write_text(json.dumps(word), encoding="utf-8")
        unfinished.rename(self.folder / f"done-{self.worker}.json")

    def _write(self, row: Json) -> None:
        self._lines.write(json.dumps(row) + "\n")


class OpenLoopUser(FastHttpUser):
    """Sends each request at its intended time, whether or not the ones before are answered; runs once, then stops."""

    abstract = True
    fixed_count = 1
    concurrency = MAX_IN_FLIGHT
    max_retries = 0
    max_redirects = 0

    def __init__(self, environment: Any) -> None:
        self.spec: Json = json.loads(Path(os.environ["SEATRIAL_STRESS_SPEC"]).read_text(encoding="utf-8"))
        # Locust reads these two when it makes the client.
        self.connection_timeout = self.network_timeout = float(self.spec["timeout_seconds"])
        super().__init__(environment)
        token = self.spec.get("token") or os.environ.get("SEATRIAL_STRESS_TOKEN", "")
        self.token_headers = {"Authorization": f"Bearer {token}"} if token else {}

    @task
    def play(self) -> None:
        """Play the schedule of this worker."""
        problems.clear()
        spec = self.spec
        recorder = JournalWriter(Path(spec["folder"]), spec["worker"])
        lines = Path(spec["schedule"]).read_text(encoding="utf-8").splitlines()
        mine = [json.loads(line) for line in lines[spec["worker"] :: spec["workers"]]]
        pool = Pool(MAX_IN_FLIGHT)
        meter = gevent.spawn(_measure, recorder)
        wall, started = clock_gettime(CLOCK_REALTIME), monotonic()
        try:
            for arrival in mine:
                gevent.sleep(max(0.0, started + arrival["at_seconds"] - monotonic()))
                pool.spawn(self._fire, recorder, arrival, started)
            pool.join()
        finally:
            meter.kill()
            pool.kill()
            step = (clock_gettime(CLOCK_REALTIME) - wall) - (monotonic() - started)
            recorder.finish(step, len(mine))
        if self.environment.web_ui is None:
            gevent.spawn_later(0.05, self.environment.runner.quit)
        else:
            gevent.spawn_later(0.05, self.environment.runner.stop)
        raise StopUser

    def _fire(self, recorder: JournalWriter, arrival: Json, started: float) -> None:
        try:
            for number in range(arrival["repeats"]):
                self._send(recorder, arrival, number, started)
        except Exception as error:  # noqa: BLE001  a request that cannot be told of makes the run INVALID, below
            problems.append(f"sending {arrival['key']}: {type(error).__name__}: {error}")

    def _send(self, recorder: JournalWriter, arrival: Json, number: int, started: float) -> None:
        sent = monotonic() - started
        intended = arrival["at_seconds"] if number == 0 else sent
        recorder.intend(arrival, number, intended, sent)
        fault = {FAULT_HEADER: arrival["fault"]} if arrival["fault"] else {}
        operation = arrival["operation"]
        with self.client.post(
            ROUTES[operation],
            json=arrival["body"],
            name=operation,
            headers={**self.token_headers, **fault},
            catch_response=True,
        ) as response:
            finished = monotonic() - started
            response.request_meta["response_time"] = (finished - intended) * 1_000
            found = classify(response.status_code, response.text if response.status_code else None)
            if found["outcome"] == "info":
                response.failure(found["reason"] or "no answer")
            else:
                response.success()
        recorder.answer(arrival, number, (intended, sent, finished), found)


class HighFrequency(OpenLoopUser):
    """The plan high_frequency: single orders, one after the other."""


class MemoryUnderLoad(OpenLoopUser):
    """The plan memory_under_load: orders and questions while the engine's memory is watched."""


class ConcurrentTrades(OpenLoopUser):
    """The plan concurrent_trades: orders that leave at the same instant."""


class ApiFailure(OpenLoopUser):
    """The plan api_failure: orders whose exchange call goes wrong, and orders sent twice."""


def classify(status: int, body: str | None) -> Json:
    """Return what an answer says: ok, fail (surely nothing was done), or info (nobody knows)."""
    unknown: Json = {"outcome": "info", "answered": False, "order_id": None, "order_status": None, "reason": None}
    if not status:
        return {**unknown, "reason": "no answer"}
    if status >= 500:
        return {**unknown, "answered": True, "reason": f"status {status}"}
    if status >= 300:
        return {**unknown, "outcome": "fail", "answered": True, "reason": f"status {status}"}
    try:
        said = json.loads(body or "")
        order_id, order_status = said.get("order_id") or said.get("id"), said.get("status")
    except (ValueError, AttributeError):
        return {**unknown, "answered": True, "reason": "the body is no JSON object"}
    if order_status in ("invalid", "ignored", "error", "failed"):
        return {**unknown, "outcome": "fail", "answered": True, "order_status": order_status}
    found = {"order_id": order_id, "order_status": order_status, "reason": said.get("reason")}
    return {"outcome": "ok", "answered": True, **found}


@events.user_error.add_listener  # type: ignore[untyped-decorator]
def _user_error(exception: BaseException, **_: Any) -> None:  # Any: whatever Locust passes
    problems.append(f"user: {type(exception).__name__}: {exception}")


@events.init.add_listener  # type: ignore[untyped-decorator]
def _watch_parent(**_: Any) -> None:  # Any: whatever Locust passes
    gevent.spawn(_end_with_parent)


def _end_with_parent() -> None:
    while os.getppid() == parent:
        gevent.sleep(0.5)
    # Nobody is left who would read or remove what this run wrote; the spec may hold a token.
    with contextlib.suppress(OSError, ValueError):
        spec = Path(os.environ["SEATRIAL_STRESS_SPEC"])
        folder = Path(json.loads(spec.read_text(encoding="utf-8")).get("folder", spec.parent))
        for each in {spec.parent, folder}:
            if each.name.startswith(OUR_FOLDERS):
                shutil.rmtree(each, ignore_errors=True)
    os._exit(1)


def _measure(recorder: JournalWriter) -> None:
    used, at = process_time(), monotonic()
    while True:
        gevent.sleep(0.5)
        now_used, now = process_time(), monotonic()
        recorder.cpu_percent.append(100 * (now_used - used) / (now - at))
        used, at = now_used, now
