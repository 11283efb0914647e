"""Sends a schedule to an engine: `python -m locust -f scenario.py`, with the file SEATRIAL_STRESS_SPEC.

The spec is a JSON object: plan and run, from which the schedule follows, target, tls (ca_file, is_verified), folder,
worker, workers, timeout_seconds, and a token if the environment has none. The process that serves Locust's page reads
it at the start of each run.
"""

import contextlib
import functools
import hmac
import json
import logging
import os
import shutil
from pathlib import Path
from time import CLOCK_REALTIME, clock_gettime, monotonic, process_time
from typing import Any, TextIO

import gevent
import gevent.socket
import locust.stats
from flask import request
from gevent import pywsgi
from gevent.pool import Pool
from hdrh.histogram import HdrHistogram
from locust import FastHttpUser, events, task
from locust.exception import StopUser

from seatrial_core.contracts.stress import StressPlan
from seatrial_core.json_types import Json
from seatrial_stress.load.tls import TlsOptions
from seatrial_stress.plans import schedule

MAX_IN_FLIGHT = 4_000
MAX_MICROSECONDS = 3_600 * 1_000_000
MAX_ANSWER = 64 << 10  # characters of an engine's response; those of an order have a few hundred
MAX_TEXT = 200
FOLDER_PREFIX = "seatrial-"
FAULT_HEADER = "Seatrial-Fault"
_PAGE_DESCRIPTOR = "SEATRIAL_STRESS_PAGE_DESCRIPTOR"
ROUTES = {"signal": "/v1/signals", "check": "/v1/orders/check"}

problems: list[str] = []
# Passed by the parent: getppid() is another process if the parent is killed while this one starts.
parent = int(os.environ.get("SEATRIAL_STRESS_PARENT") or os.getppid())


def three_digits(milliseconds: float) -> float:
    """Round a time to three digits; Locust's own rounding turns 1,049 ms into 1,000."""
    return float(f"{milliseconds:.3g}")


# Locust declares an int here and accepts a float.
locust.stats.bucket_response_time = three_digits  # type: ignore[assignment]


class JournalWriter:
    """Journals each request before it is sent, and its outcome; records latencies in histograms.

    Args:
        folder: The folder of the journal and the summary.
        worker: The number of this process in the run.
    """

    def __init__(self, folder: Path, worker: int) -> None:
        self.folder = folder
        self.worker = worker
        self.intents = 0
        self.cpu_percent: list[float] = []
        self.histograms = {name: HdrHistogram(1, MAX_MICROSECONDS, 3) for name in ("response", "service", "lag")}
        self._lines: TextIO = (folder / f"journal-{worker}.jsonl").open("w", encoding="utf-8", buffering=1)

    def record_intent(self, arrival: Json, number: int, intended: float, sent: float) -> None:
        """Journal a request before it is sent."""
        line = {"event": "intent", "key": arrival["key"], "number": number, "operation": arrival["operation"]}
        self._write({**line, "fault": arrival["fault"], "intended": intended, "sent": sent})
        self.intents += 1

    def record_outcome(self, arrival: Json, number: int, times: tuple[float, float, float], outcome: Json) -> None:
        """Journal the outcome of a request; times are intended, sent and finished, in seconds from the start."""
        intended, sent, finished = times
        is_answered = outcome.pop("answered")
        line = {"event": "outcome", "key": arrival["key"], "number": number}
        self._write({**line, "finished": finished if is_answered else None, **outcome})
        for name, seconds in (
            ("response", finished - intended),
            ("service", finished - sent),
            ("lag", sent - intended),
        ):
            self.histograms[name].record_value(max(1, min(MAX_MICROSECONDS, round(seconds * 1e6))))

    def finish(self, clock_step_seconds: float, planned: int) -> None:
        """Write the summary with the histograms; a run without a summary is INVALID."""
        self._lines.close()
        summary = {
            "planned": planned,
            "journalled": self.intents,
            "histogram_counts": [histogram.get_total_count() for histogram in self.histograms.values()],
            "histograms": {name: histogram.encode().decode() for name, histogram in self.histograms.items()},
            "problems": problems[:20],
            "cpu_percent": self.cpu_percent,
            "clock_step_seconds": clock_step_seconds,
        }
        unfinished = self.folder / f"summary-{self.worker}.part"
        unfinished.write_text(json.dumps(summary), encoding="utf-8")
        unfinished.rename(self.folder / f"summary-{self.worker}.json")

    def _write(self, row: Json) -> None:
        self._lines.write(json.dumps(row) + "\n")


class OpenLoopUser(FastHttpUser):
    """Sends each request at its intended time without waiting for earlier answers; plays the schedule once."""

    abstract = True
    fixed_count = 1
    concurrency = MAX_IN_FLIGHT
    max_retries = 0
    max_redirects = 0
    insecure = False  # Locust's default verifies no certificate

    def __init__(self, environment: Any) -> None:
        self.spec = _read_spec()
        # Locust reads these two when it makes the client.
        self.connection_timeout = self.network_timeout = float(self.spec["timeout_seconds"])
        # The token is for this address only, whatever host Locust's form or its options name.
        self.host = self.spec["target"]
        tls = TlsOptions(**self.spec["tls"])
        # Locust's client would add its own authorities to a factory without `cafile`, and verify despite the context.
        self.ssl_context_factory = lambda cafile: tls.context()
        self.insecure = not tls.is_verified
        super().__init__(environment)
        token = self.spec.get("token") or os.environ.get("SEATRIAL_STRESS_TOKEN", "")
        self.token_headers = {"Authorization": f"Bearer {token}"} if token else {}

    @task
    def play(self) -> None:
        """Send this worker's part of the schedule."""
        problems.clear()
        spec = self.spec
        journal = JournalWriter(Path(spec["folder"]), spec["worker"])
        plan = StressPlan.model_validate(spec["plan"])
        planned = 0
        pool = Pool(MAX_IN_FLIGHT)
        meter = gevent.spawn(_measure, journal)
        wall, started = clock_gettime(CLOCK_REALTIME), monotonic()
        try:
            # One request at a time: a schedule held whole would delay the start and fill the memory.
            for request in schedule.part(plan, spec["run"], spec["worker"], spec["workers"]):
                arrival: Json = request.row()
                planned += 1
                gevent.sleep(max(0.0, started + arrival["at_seconds"] - monotonic()))
                sending = pool.spawn(self._send_all, journal, arrival, started)
                sending.link_exception(functools.partial(_record_failure, arrival["key"]))
            pool.join()
        finally:
            meter.kill()
            pool.kill()
            step = (clock_gettime(CLOCK_REALTIME) - wall) - (monotonic() - started)
            journal.finish(step, planned)
        if self.environment.web_ui is None:
            gevent.spawn_later(0.05, self.environment.runner.quit)
        else:
            gevent.spawn_later(0.05, self.environment.runner.stop)
        raise StopUser

    def _send_all(self, journal: JournalWriter, arrival: Json, started: float) -> None:
        for number in range(arrival["repeats"]):
            self._send(journal, arrival, number, started)

    def _send(self, journal: JournalWriter, arrival: Json, number: int, started: float) -> None:
        sent = monotonic() - started
        intended = arrival["at_seconds"] if number == 0 else sent
        journal.record_intent(arrival, number, intended, sent)
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
            outcome = classify(response.status_code, response.text if response.status_code else None)
            if outcome["outcome"] == "info":
                response.failure(outcome["reason"] or "no answer")
            else:
                response.success()
        journal.record_outcome(arrival, number, (intended, sent, finished), outcome)


class HighFrequency(OpenLoopUser):
    """The plan high_frequency: single orders in sequence."""


class MemoryUnderLoad(OpenLoopUser):
    """The plan memory_under_load: orders and order checks while the engine's memory is sampled."""


class ConcurrentTrades(OpenLoopUser):
    """The plan concurrent_trades: bursts of orders sent at the same time."""


class ApiFailure(OpenLoopUser):
    """The plan api_failure: orders with a failing exchange call, and orders sent twice."""


def classify(status: int, body: str | None) -> Json:
    """Return the outcome of a response: ok, fail (certainly not executed), or info (indeterminate)."""
    indeterminate: Json = {"outcome": "info", "answered": False, "order_id": None, "order_status": None, "reason": None}
    if not status:
        return {**indeterminate, "reason": "no answer"}
    if status >= 500:
        return {**indeterminate, "answered": True, "reason": f"status {status}"}
    if status >= 300:
        return {**indeterminate, "outcome": "fail", "answered": True, "reason": f"status {status}"}
    if len(body or "") > MAX_ANSWER:
        return {**indeterminate, "answered": True, "reason": f"the body has more than {MAX_ANSWER} characters"}
    try:
        answer = json.loads(body or "")
        order_id, order_status = _text(answer.get("order_id") or answer.get("id")), _text(answer.get("status"))
        reason = _text(answer.get("reason"))
    except (ValueError, AttributeError, RecursionError):
        return {**indeterminate, "answered": True, "reason": "the body is not a JSON object of an order"}
    if order_status in ("invalid", "ignored", "error", "failed"):
        return {**indeterminate, "outcome": "fail", "answered": True, "order_status": order_status}
    order = {"order_id": order_id, "order_status": order_status, "reason": reason}
    return {"outcome": "ok", "answered": True, **order}


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str | int | float):
        raise ValueError("not a text")
    return str(value)[:MAX_TEXT]


def _record_failure(key: str, sending: gevent.Greenlet) -> None:
    # A request that was not journalled completely makes the run INVALID.
    problems.append(f"sending {key}: {type(sending.exception).__name__}: {sending.exception}")


@events.user_error.add_listener  # type: ignore[untyped-decorator]
def _user_error(exception: BaseException, **_: Any) -> None:  # Any: Locust's arguments
    problems.append(f"user: {type(exception).__name__}: {exception}")


@events.init.add_listener  # type: ignore[untyped-decorator]
def _protect_page(web_ui: Any, **_: Any) -> None:  # Any: Locust's arguments
    # Every local user reaches the port of Locust's page; only the service's proxy knows the secret.
    if web_ui is not None:
        secret = os.environ.pop("SEATRIAL_STRESS_PAGE_SECRET")
        web_ui.app.before_request(functools.partial(_refuse_strangers, secret))
        # Locust would bind the port; the service holds it, so that no other program gets the secret.
        web_ui.start_server = functools.partial(_serve_page, web_ui, int(os.environ.pop(_PAGE_DESCRIPTOR)))


def _serve_page(web_ui: Any, descriptor: int) -> None:  # Any: Locust's page has no stable type
    listener = gevent.socket.socket(fileno=descriptor)
    listener.set_inheritable(False)
    web_ui.server = pywsgi.WSGIServer(listener, web_ui.app, log=None, error_log=logging.getLogger(__name__))
    web_ui.server.serve_forever()


def _refuse_strangers(secret: str) -> tuple[str, int] | None:
    sent = request.headers.get("Seatrial-Page-Secret", "")
    if not hmac.compare_digest(sent.encode(), secret.encode()):
        return "This port belongs to the stress service; use its load page.", 403
    if request.path == "/swarm" and request.form.get("host") != _read_spec().get("target"):
        return "The host must be the target of the run that the service has prepared.", 403
    return None


def _read_spec() -> Json:
    spec: Json = json.loads(Path(os.environ["SEATRIAL_STRESS_SPEC"]).read_text(encoding="utf-8"))
    return spec


@events.init.add_listener  # type: ignore[untyped-decorator]
def _start_parent_watch(**_: Any) -> None:  # Any: Locust's arguments
    gevent.spawn(_end_with_parent)


def _end_with_parent() -> None:
    while os.getppid() == parent:
        gevent.sleep(0.5)
    # With the parent gone nothing else removes the files of this run, and the spec may contain a token.
    with contextlib.suppress(OSError, ValueError):
        spec = Path(os.environ["SEATRIAL_STRESS_SPEC"])
        folder = Path(json.loads(spec.read_text(encoding="utf-8")).get("folder", spec.parent))
        for path in {spec.parent, folder}:
            if path.name.startswith(FOLDER_PREFIX):
                shutil.rmtree(path, ignore_errors=True)
    os._exit(1)


def _measure(journal: JournalWriter) -> None:
    used, at = process_time(), monotonic()
    while True:
        gevent.sleep(0.5)
        now_used, now = process_time(), monotonic()
        journal.cpu_percent.append(100 * (now_used - used) / (now - at))
        used, at = now_used, now
