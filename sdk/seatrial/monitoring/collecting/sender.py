"""The one sender of a process: takes records without waiting, sends them in batches, spills what cannot be sent.

The caller's thread only appends to a buffer. A daemon thread numbers batches and posts them; a batch that is not taken
goes to disk under its own key and is sent again later, by this process or the next one.
"""

import atexit
import logging
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from seatrial.monitoring.collecting.identity import uuid7
from seatrial.monitoring.collecting.spill import RecordBatch, SpillFolder
from seatrial.monitoring.collecting.transport import SendResult, Transport
from seatrial_core.contracts.clock import Clock

BUFFER_RECORDS = 20_000
BATCH_RECORDS = 500
LINGER_SECONDS = 0.2
HOLD_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 30.0
CLOSE_TIMEOUT_SECONDS = 1.2
MAX_SENTENCES = 20

log = logging.getLogger("seatrial")

Record = tuple[datetime, dict[str, Any]]  # when it happened, and the event without id and instant (Any: JSON)


@dataclass(frozen=True)
class SenderTargets:
    """Where a sender's records go.

    Args:
        line: Opens the line to the metrics service, or raises ValueError saying what is wrong with its address;
            called in the sender's thread.
        spill: Finds the folder for what cannot be sent.
        dropped: Told the reason and number of records that were lost.
    """

    line: Callable[[], Transport]
    spill: Callable[[], SpillFolder]
    dropped: Callable[[str, int], None]


class EventSender:
    """Sends the records of one process.

    Args:
        outlets: Where records go.
        clock: Tells the time of identities and pauses.
        buffer_records: Beyond this many waiting records new ones are dropped and counted.
    """

    _thread: threading.Thread | None
    _line: Transport | None
    _spill: SpillFolder | None
    _in_flight: RecordBatch | None

    def __init__(self, outlets: SenderTargets, clock: Clock, buffer_records: int = BUFFER_RECORDS) -> None:
        self._outlets = outlets
        self._clock = clock
        self._buffer_records = buffer_records
        self._begin()

    @property
    def is_connected(self) -> bool:
        """Tell whether a metrics service took the last batch."""
        return self._connected

    @property
    def waiting(self) -> int:
        """Return how many records wait in memory."""
        return len(self._buffer)

    def offer(self, occurred_at: datetime, event: dict[str, Any]) -> None:
        """Take one record; never waits and never raises."""
        if len(self._buffer) >= self._buffer_records:
            self._outlets.dropped("buffer_full", 1)
            return
        self._buffer.append((occurred_at, event))
        if not self._wake.is_set():
            self._start()
            self._wake.set()

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Send or spill everything taken so far; return whether a metrics service took all of it."""
        with self._turned:
            self._asked += 1
            wanted = self._asked
        self._start()
        self._hurry.set()
        self._wake.set()
        with self._turned:
            in_time = self._turned.wait_for(lambda: self._answered >= wanted, timeout_seconds)
        return in_time and self._connected and not self._spilled().waiting()

    def reconnect(self) -> None:
        """Open the line anew before the next batch, after its address has changed."""
        self._line_wanted = True
        self._next_try = 0.0

    def close(self, timeout_seconds: float = CLOSE_TIMEOUT_SECONDS) -> None:
        """Send or spill everything within about the timeout, then stop the thread."""
        thread = self._thread
        if thread is None:
            return
        self._closing = True
        self._hurry.set()
        self._wake.set()
        thread.join(timeout_seconds)
        if thread.is_alive():
            self._take_over()
        self._thread = None
        self._wake.clear()
        atexit.unregister(self.close)

    def after_fork(self) -> None:
        """Begin anew in a forked child: what was buffered is the parent's to send."""
        self._begin()

    def _begin(self) -> None:
        self._buffer: deque[Record] = deque()
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._turned = threading.Condition()
        self._asked = self._answered = 0
        self._start_lock, self._batch_lock = threading.Lock(), threading.Lock()
        self._thread = None
        self._closing = self._abandoned = self._connected = False
        self._line_wanted = True
        self._line = None
        self._spill = None
        self._in_flight = None
        self._producer = uuid7(self._clock.now()).hex
        self._sequence = 0
        self._pause_seconds = self._next_try = 0.0
        self._said: set[str] = set()

    def _start(self) -> None:
        with self._start_lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._closing = self._abandoned = False
            thread = threading.Thread(target=self._run, name="seatrial-sender", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is going down and starts no more threads
                return
            self._thread = thread
            atexit.register(self.close)
            _finish_with_worker(self.close)

    def _take_over(self) -> None:
        # The thread hangs in a call. What it holds is kept under the same key, so that it counts once either way.
        self._abandoned = True
        held = self._in_flight
        if held is not None:
            self._keep(held)
        while self._buffer:
            self._keep(self._next_batch())

    def _run(self) -> None:
        while True:
            self._wake.wait(self._rest())
            if len(self._buffer) < BATCH_RECORDS:
                self._hurry.wait(LINGER_SECONDS)
            self._wake.clear()
            self._hurry.clear()
            closing, asked = self._closing, self._asked
            self._turn(hurry=closing or asked > self._answered)
            with self._turned:
                self._answered = asked
                self._turned.notify_all()
            if closing or self._abandoned:
                self._hang_up()
                return

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line, self._line_wanted = None, True

    def _rest(self) -> float | None:
        if not self._buffer and (self._connected or not self._spilled().waiting()):
            return None
        return min(HOLD_SECONDS, max(0.0, self._next_try - self._clock.monotonic()))

    def _turn(self, hurry: bool) -> None:
        is_due = hurry or self._clock.monotonic() >= self._next_try
        if is_due and self._send_waiting() and self._send_buffer():
            return
        while self._must_keep(hurry):
            self._keep(self._next_batch())

    def _must_keep(self, hurry: bool) -> bool:
        if not self._buffer or self._abandoned:
            return False
        if hurry or len(self._buffer) >= BATCH_RECORDS:
            return True
        return self._clock.now() - self._buffer[0][0] > timedelta(seconds=HOLD_SECONDS)

    def _send_waiting(self) -> bool:
        spill = self._spilled()
        if not spill.waiting():
            return True
        with spill.alone() as alone:
            for path in spill.waiting() if alone else ():
                batch = spill.read(path)
                if batch is not None and not self._is_taken(batch):
                    return False
                spill.remove(path)
        return True

    def _send_buffer(self) -> bool:
        while self._buffer:
            batch = self._next_batch()
            if not self._is_taken(batch):
                self._keep(batch)
                return False
            self._in_flight = None
        return True

    def _is_taken(self, batch: RecordBatch) -> bool:
        try:
            answer = self._send(batch)
        except Exception as error:  # noqa: BLE001  whatever goes wrong in a library, the batch waits for a better time
            self._line_wanted = True
            answer = SendResult(False, problem=f"sending failed unexpectedly ({error!r})")
        self._connected = answer.taken
        if answer.taken:
            self._pause_seconds = self._next_try = 0.0
            for reason, number in Counter(answer.rejected).items():
                self._outlets.dropped(reason, number)
            return True
        self._pause_seconds = min(MAX_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, self._pause_seconds * 2))
        self._next_try = self._clock.monotonic() + self._pause_seconds
        self._say(f"{answer.problem}; events wait in {self._spilled().folder}")
        return False

    def _send(self, batch: RecordBatch) -> SendResult:
        if self._line is None or self._line_wanted:
            self._hang_up()
            try:
                self._line = self._outlets.line()
            except ValueError as error:
                return SendResult(False, problem=str(error))
            self._line_wanted = False
        return self._line.send(batch)

    def _next_batch(self) -> RecordBatch:
        with self._batch_lock:
            self._sequence += 1
            events: list[dict[str, Any]] = []
            while self._buffer and len(events) < BATCH_RECORDS:
                occurred_at, event = self._buffer.popleft()
                stamp = occurred_at.isoformat().replace("+00:00", "Z")
                events.append({"id": str(uuid7(occurred_at)), "occurred_at": stamp, **event})
            self._in_flight = RecordBatch(self._producer, self._sequence, tuple(events))
            return self._in_flight

    def _keep(self, batch: RecordBatch) -> None:
        if not batch.events:
            return
        try:
            lost = self._spilled().put(batch)
        except OSError as error:
            self._outlets.dropped("spill_unwritable", len(batch.events))
            self._say(f"events are lost: {error}; set SEATRIAL_SPILL_DIR to a folder that can be written")
            return
        finally:
            if self._in_flight is batch:
                self._in_flight = None
        if lost:
            self._outlets.dropped("spill_full", lost)

    def _spilled(self) -> SpillFolder:
        if self._spill is None:
            self._spill = self._outlets.spill()
        return self._spill

    def _say(self, sentence: str) -> None:
        if sentence not in self._said and len(self._said) < MAX_SENTENCES:
            self._said.add(sentence)
            log.warning(sentence)


def _finish_with_worker(close: Callable[[], None]) -> None:
    """Close at the end of a multiprocessing worker, which leaves without running atexit."""
    util, process = sys.modules.get("multiprocessing.util"), sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process() is not None:
        util.Finalize(None, close, exitpriority=10)
