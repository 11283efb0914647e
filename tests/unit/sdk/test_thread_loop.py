"""A thread loop survives a failed iteration and ends when it is stopped."""

import threading

from seatrial.thread_loop import ThreadLoop

LIMIT_SECONDS = 30.0


def test_a_failed_iteration_is_reported_and_the_loop_continues() -> None:
    failed, continued = threading.Event(), threading.Event()

    def tick() -> None:
        if not failed.is_set():
            raise OSError("the disk is full")
        continued.set()

    loop = ThreadLoop("loop-under-test", tick, 0.01, failed.set)
    loop.start()

    assert continued.wait(LIMIT_SECONDS)
    loop.stop()
    loop.join(LIMIT_SECONDS)
    assert "loop-under-test" not in {thread.name for thread in threading.enumerate()}


def test_a_loop_ends_with_the_event_that_it_was_given() -> None:
    stop_event, ticked = threading.Event(), threading.Event()
    loop = ThreadLoop("loop-under-test", ticked.set, LIMIT_SECONDS, lambda: None, stop_event)
    loop.start()
    assert ticked.wait(LIMIT_SECONDS)

    stop_event.set()
    loop.join()

    assert loop.is_stopping
    assert "loop-under-test" not in {thread.name for thread in threading.enumerate()}


def test_a_loop_that_never_started_is_joined_at_once() -> None:
    loop = ThreadLoop("loop-under-test", lambda: None, LIMIT_SECONDS, lambda: None)

    loop.stop()
    loop.join()

    assert loop.is_stopping
