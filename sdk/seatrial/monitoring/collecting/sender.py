"""Sends the records of one process in batches and spills to disk what cannot be sent.

The caller's thread appends to a buffer and to a journal on disk. A daemon thread numbers batches and posts them; a
batch that fails is written to disk under its own key and sent again later, by this process or the next one.
"""

import atexit
import logging
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from seatrial.monitoring.collecting import journal
from seatrial.monitoring.collecting.identity import record_id, uuid7
from seatrial.monitoring.collecting.journal import JournalFile, Record
from seatrial.monitoring.collecting.losses import UnreportedLosses
from seatrial.monitoring.collecting.spill import RecordBatch, SpillFolder, events_in
from seatrial.monitoring.collecting.transport import MAX_HOLD_SECONDS, SendResult, Transport
from seatrial_core.backoff import ExponentialBackoff
from seatrial_core.contracts.clock import Clock
from seatrial_core.json_types import Json
from seatrial_core.timestamps import format_rfc3339

BUFFER_RECORDS = 20_000
BATCH_RECORDS = 500
LINGER_SECONDS = 0.2
MAX_BUFFER_SECONDS = 10.0
BACKOFF = ExponentialBackoff(first_seconds=0.5, max_seconds=30.0)
CLOSE_TIMEOUT_SECONDS = 1.2
MIN_HOLD_SECONDS = 1.0
MAX_WARNINGS = 20

log = logging.getLogger("seatrial")


@dataclass(frozen=True)
class SenderTargets:
    """The targets of a sender's records.

    Args:
        transport: Returns a transport to the metrics service, or raises ValueError if its address is invalid; called
            in the sender's thread.
        spill: Returns the folder for batches that cannot be sent.
        dropped: Called with the reason and the number of lost records.
        rejected: Called with the reason and the number of records that the service refused.
        losses: What was lost and is reported with the next batch.
    """

    transport: Callable[[], Transport]
    spill: Callable[[], SpillFolder]
    dropped: Callable[[str, int], None]
    rejected: Callable[[str, int], None]
    losses: UnreportedLosses


class EventSender:
    """Sends the records of one process.

    Args:
        targets: The metrics service, the spill folder and the count of lost records.
        clock: The time of ids and of the back-off.
        buffer_records: Maximum number of waiting records; further ones are dropped and counted.
    """

    _thread: threading.Thread | None
    _transport: Transport | None
    _spill: SpillFolder | None
    _in_flight: RecordBatch | None

    def __init__(self, targets: SenderTargets, clock: Clock, buffer_records: int = BUFFER_RECORDS) -> None:
        self._targets = targets
        self._clock = clock
        self._buffer_records = buffer_records
        self._reset()

    @property
    def is_connected(self) -> bool:
        """Return whether the metrics service accepted the last batch."""
        return self._connected

    @property
    def waiting(self) -> int:
        """Return the number of records in the buffer."""
        return len(self._buffer) + self._taken_records

    def offer(self, occurred_at: datetime, event: Json) -> None:
        """Add one record to the buffer; never waits and never raises."""
        error = None
        with self._append_lock:
            if len(self._buffer) + self._taken_records >= self._buffer_records:
                is_full = True
            else:
                is_full = False
                self._buffer.append((occurred_at, event))
                error = self._write(occurred_at, event)
        if is_full:
            self._targets.dropped("buffer_full", 1)
            return
        if error is not None:
            self._warn_once(f"records are lost if this process is killed before it has sent them: {error}")
        if not self._wake.is_set():
            self._start()
            self._wake.set()

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Send or spill every record so far; return whether the metrics service has accepted all of them."""
        with self._flush_done:
            self._flushes_requested += 1
            request = self._flushes_requested
        self._start()
        self._hurry.set()
        self._wake.set()
        with self._flush_done:
            in_time = self._flush_done.wait_for(lambda: self._flushes_completed >= request, timeout_seconds)
        return in_time and self._connected and not self._spill_folder().waiting()

    def reconnect(self) -> None:
        """Open a new transport before the next batch; call it after the address has changed."""
        self._needs_transport = True
        self._spill = None
        self._next_try = 0.0

    def close(self, timeout_seconds: float = CLOSE_TIMEOUT_SECONDS) -> None:
        """Send or spill every record within about the timeout, then stop the thread."""
        thread = self._thread
        if thread is None:
            return
        self._closing = True
        self._hurry.set()
        self._wake.set()
        thread.join(timeout_seconds)
        if thread.is_alive():
            self._spill_all()
        self._thread = None
        self._remove_empty_journal()
        self._wake.clear()
        atexit.unregister(self.close)

    def after_fork(self) -> None:
        """Start empty in a forked child; the parent sends its own buffer and keeps the locks of its journals."""
        for file in self._journals:
            file.release()
        self._reset()

    def send_abandoned(self) -> None:
        """Send the journals of child processes that were killed, at the exit of a process that recorded nothing."""
        if self._thread is None and not self._abandoned:
            all(self._send_journal(path) for path in self._spill_folder().journals())
            self._disconnect()

    def _reset(self) -> None:
        self._buffer: deque[Record] = deque()
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._flush_done = threading.Condition()
        self._flushes_requested = self._flushes_completed = 0
        self._start_lock, self._append_lock = threading.Lock(), threading.Lock()
        self._taken: deque[tuple[RecordBatch, JournalFile | None]] = deque()
        self._taken_records = 0
        self._journal: JournalFile | None = None
        self._journals: set[JournalFile] = set()
        self._has_journal_failed = False
        self._thread = None
        self._closing = self._abandoned = self._connected = False
        self._needs_transport = True
        self._transport = None
        self._spill = None
        self._in_flight = None
        self._in_flight_journal: JournalFile | None = None
        self._producer = uuid7(self._clock.now()).hex
        self._sequence = 0
        self._failures = 0
        self._next_try = 0.0
        self._warnings: set[str] = set()

    def _start(self) -> None:
        with self._start_lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._closing = self._abandoned = False
            thread = threading.Thread(target=self._run, name="seatrial-sender", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is shutting down and starts no more threads
                return
            self._thread = thread
            atexit.register(self.close)
            _close_with_worker(self.close)

    def _spill_all(self) -> None:
        # The thread hangs in a request. Its batch is spilled under the same key, so it counts once either way.
        self._abandoned = True
        batch, file = self._in_flight, self._in_flight_journal
        if batch is not None:
            self._finish(file, is_safe=self._spill_batch(batch, file))
        self._spill_taken()

    def _spill_taken(self) -> None:
        while (item := self._next()) is not None:
            self._finish(item[1], is_safe=self._spill_batch(item[0], item[1]))

    def _run(self) -> None:
        while True:
            self._wake.wait(self._idle_seconds())
            if len(self._buffer) < BATCH_RECORDS:
                self._hurry.wait(LINGER_SECONDS)
            self._wake.clear()
            self._hurry.clear()
            closing, requested = self._closing, self._flushes_requested
            self._send_all(hurry=closing or requested > self._flushes_completed)
            if not closing:
                self._open_journal()
            with self._flush_done:
                self._flushes_completed = requested
                self._flush_done.notify_all()
            if closing or self._abandoned:
                self._disconnect()
                return

    def _disconnect(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._transport, self._needs_transport = None, True

    def _idle_seconds(self) -> float | None:
        is_idle = self._connected and not self._next_try
        is_empty = not self._buffer and not self._targets.losses
        if is_empty and (is_idle or not self._spill_folder().waiting()):
            return None
        return min(MAX_BUFFER_SECONDS, max(0.0, self._next_try - self._clock.monotonic()))

    def _send_all(self, hurry: bool) -> None:
        is_due = hurry or self._clock.monotonic() >= self._next_try
        if is_due and self._send_spilled() and self._send_buffer():
            return
        if self._must_spill(hurry):
            self._spill_taken()

    def _must_spill(self, hurry: bool) -> bool:
        if self._taken:
            return not self._abandoned
        if not self._buffer or self._abandoned:
            return False
        if hurry or len(self._buffer) >= BATCH_RECORDS:
            return True
        return self._clock.now() - self._buffer[0][0] > timedelta(seconds=MAX_BUFFER_SECONDS)

    def _send_spilled(self) -> bool:
        spill = self._spill_folder()
        if spill.waiting():
            with spill.lock() as locked:
                for path in spill.waiting() if locked else ():
                    batch = spill.read(path)
                    if batch is None and path.exists():
                        self._targets.dropped("spill_damaged", events_in(path))
                        self._warn_once(f"{path} is damaged and {events_in(path)} events in it are lost")
                    elif batch is not None and not self._send_batch(batch):
                        return False
                    spill.remove(path)
                    if self._next_try:
                        return False
        return all(self._send_journal(path) for path in spill.journals())

    def _send_journal(self, path: Path) -> bool:
        # All of its batches are sent or spilled; while neither works the file stays.
        with journal.abandoned(path) as left:
            if left is None:
                return True
            if left.damaged:
                self._targets.dropped("spill_damaged", left.damaged)
                self._warn_once(f"{path} is damaged and {left.damaged} events in it are lost")
            is_sent = True
            for batch in _batches(left.producer, left.sequence, left.records):
                is_sent = is_sent and self._send_batch(batch)
                if not is_sent and not self._spill_batch(batch, is_kept=True):
                    return False
            path.unlink(missing_ok=True)
            return is_sent and not self._next_try

    def _send_buffer(self) -> bool:
        while not self._abandoned and (item := self._next()) is not None:
            batch, file = item
            if not self._send_batch(batch):
                self._finish(file, is_safe=self._spill_batch(batch, file))
                return False
            self._in_flight = None
            self._finish(file, is_safe=True)
            if self._next_try:
                return False
        return True

    def _send_batch(self, batch: RecordBatch) -> bool:
        try:
            result = self._post(batch)
        except Exception as error:  # noqa: BLE001  # an error in a library must neither end the thread nor lose a batch
            self._needs_transport = True
            result = SendResult(False, problem=f"sending failed unexpectedly ({error!r})")
        self._connected = result.is_final
        if result.is_final:
            self._failures, self._next_try = 0, 0.0
            for reason, number in Counter(result.rejected).items():
                self._targets.rejected(reason, number)
            if result.held_indices:
                self._hold(batch, result)
            return True
        self._failures += 1
        self._next_try = self._clock.monotonic() + BACKOFF.pause_seconds(self._failures)
        self._warn_once(f"{result.problem}; events wait in {self._spill_folder().folder}")
        return False

    def _hold(self, batch: RecordBatch, result: SendResult) -> None:
        # The service knows the key of the batch now, so the rest needs another one; `+` sorts before the next batches.
        producer, _, holds = batch.producer.partition("+")
        rest = tuple(batch.events[index] for index in result.held_indices)
        self._spill_batch(RecordBatch(f"{producer}+{int(holds or 0) + 1}", batch.sequence, rest))
        pause = min(max(result.hold_seconds, MIN_HOLD_SECONDS), MAX_HOLD_SECONDS)
        self._next_try = self._clock.monotonic() + pause
        self._warn_once(
            "this machine's clock is ahead of the metrics service's, or events are dated in the future; they wait in "
            f"{self._spill_folder().folder} until their time comes; set the clock, for example with NTP"
        )

    def _post(self, batch: RecordBatch) -> SendResult:
        if self._transport is None or self._needs_transport:
            self._disconnect()
            try:
                self._transport = self._targets.transport()
            except ValueError as error:
                return SendResult(False, problem=str(error))
            self._needs_transport = False
        return self._transport.send(batch)

    def _next(self) -> tuple[RecordBatch, JournalFile | None] | None:
        # The next batch, and the journal that ends with it.
        with self._append_lock:
            if not self._taken:
                self._take()
            if not self._taken:
                return None
            batch, file = self._taken.popleft()
            self._taken_records -= len(batch.events)
            self._in_flight, self._in_flight_journal = batch, file
            return batch, file

    def _take(self) -> None:
        for event in self._targets.losses.take():
            now = self._clock.now()
            self._buffer.append((now, event))
            self._write(now, event)
        records, self._buffer = self._buffer, deque()
        if not records:
            return
        file, self._journal = self._journal, None
        batches = _batches(self._producer, self._sequence + 1, tuple(records))
        self._sequence += len(batches)
        self._taken.extend((batch, file if batch is batches[-1] else None) for batch in batches)
        self._taken_records += len(records)

    def _write(self, occurred_at: datetime, event: Json) -> OSError | None:
        if self._journal is None:
            if self._has_journal_failed:
                return None
            error = self._begin_journal()
            if error is not None:
                return error
        assert self._journal is not None, "it was just opened"
        return self._journal.append(occurred_at, event)

    def _begin_journal(self) -> OSError | None:
        try:
            spill = self._spill_folder()
            self._journal = JournalFile(spill.folder, self._producer, self._sequence + 1, spill.destination_key)
        except (OSError, ValueError) as error:
            self._has_journal_failed = True
            return OSError(str(error))
        self._journals.add(self._journal)
        return None

    def _open_journal(self) -> None:
        # Opened here, so that the thread that trades does not wait for a file to be made.
        with self._append_lock:
            if self._journal is None and not self._buffer:
                self._has_journal_failed = False
                self._begin_journal()

    def _finish(self, file: JournalFile | None, *, is_safe: bool) -> None:
        if file is None or file not in self._journals:
            return
        self._journals.discard(file)
        if is_safe or not file.is_complete:
            file.remove()
        else:
            file.release()

    def _remove_empty_journal(self) -> None:
        with self._append_lock:
            if self._journal is not None and not self._journal.records:
                file, self._journal = self._journal, None
                self._finish(file, is_safe=True)

    def _spill_batch(self, batch: RecordBatch, file: JournalFile | None = None, *, is_kept: bool = False) -> bool:
        # Returns whether the batch is safe without its journal.
        if not batch.events:
            return True
        try:
            lost = self._spill_folder().put(batch)
        except OSError as error:
            if not is_kept and (file is None or not file.is_complete):
                self._targets.dropped("spill_unwritable", self._targets.losses.put_back(batch.events))
                self._warn_once(f"events are lost: {error}; set SEATRIAL_SPILL_DIR to a writable folder")
            return False
        finally:
            if self._in_flight is batch:
                self._in_flight = None
        if lost:
            self._targets.dropped("spill_full", lost)
        return True

    def _spill_folder(self) -> SpillFolder:
        spill = self._spill
        if spill is None:
            spill = self._spill = self._targets.spill()
            for file in tuple(self._journals):
                file.readdress(spill.destination_key)
            spill.readdress(self._producer)
            self._name_others(spill)
        return spill

    def _name_others(self, spill: SpillFolder) -> None:
        others = spill.of_other_stacks()
        if others:
            self._warn_once(
                f"{sum(events_in(path) for path in others)} events in {spill.folder} were meant for another stack, or "
                "were stored by an earlier version that did not note for which one; they are not sent here. They are "
                "sent when the address and token of their stack are used; those of an earlier version also from a "
                "folder that SEATRIAL_SPILL_DIR names"
            )

    def _warn_once(self, message: str) -> None:
        if message not in self._warnings and len(self._warnings) < MAX_WARNINGS:
            self._warnings.add(message)
            log.warning(message)


def _batches(producer: str, sequence: int, records: Sequence[Record]) -> list[RecordBatch]:
    batches = []
    for number, start in enumerate(range(0, len(records), BATCH_RECORDS), sequence):
        events = [
            {
                "id": record_id(producer, number * BATCH_RECORDS + index, occurred_at),
                "occurred_at": format_rfc3339(occurred_at),
                **event,
            }
            for index, (occurred_at, event) in enumerate(records[start : start + BATCH_RECORDS])
        ]
        batches.append(RecordBatch(producer, number, tuple(events)))
    return batches


def _close_with_worker(close: Callable[[], None]) -> None:
    # A multiprocessing worker does not run atexit functions.
    util, process = sys.modules.get("multiprocessing.util"), sys.modules.get("multiprocessing.process")
    if util is not None and process is not None and process.parent_process() is not None:
        util.Finalize(None, close, exitpriority=10)
