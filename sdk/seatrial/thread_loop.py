"""A background thread that calls one function again and again and survives its errors."""

import threading
from collections.abc import Callable


class ThreadLoop:
    """Calls a function on a daemon thread until it is stopped; an iteration that raises does not end the loop.

    Args:
        name: The name of the thread.
        tick: One iteration.
        interval_seconds: The pause after an iteration, > 0.
        on_failure: Called inside the handler of an iteration's error, so that `log.exception` has its traceback.
        stop_event: Ends the loop when it is set; None makes one.
    """

    def __init__(
        self,
        name: str,
        tick: Callable[[], None],
        interval_seconds: float,
        on_failure: Callable[[], None],
        stop_event: threading.Event | None = None,
    ) -> None:
        self._tick = tick
        self._interval_seconds = interval_seconds
        self._on_failure = on_failure
        self._stop_event = stop_event or threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_stopping(self) -> bool:
        """Return whether the loop ends after its current iteration."""
        return self._stop_event.is_set()

    def start(self) -> None:
        """Start the thread; the first iteration runs at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end after its current iteration."""
        self._stop_event.set()

    def join(self, timeout_seconds: float | None = None) -> None:
        """Wait until the thread has ended, unless it was never started or is the calling one."""
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stop_event.is_set():
            try:
                self._tick()
            except Exception:  # noqa: BLE001  a failed iteration does not end the loop
                self._on_failure()
            self._stop_event.wait(self._interval_seconds)
