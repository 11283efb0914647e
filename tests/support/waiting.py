"""Waiting for a condition instead of sleeping: the only loop of the tests that polls."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.02


def wait_until(
    predicate: Callable[[], T], seconds: float = TIMEOUT_SECONDS, describe: Callable[[], object] | None = None
) -> T:
    """Return the first true value of `predicate`.

    Args:
        predicate: Called every 20 ms in this thread.
        seconds: How long to wait, > 0.
        describe: Returns the state to print on a timeout; default: the last value of `predicate`.

    Raises:
        AssertionError: The condition is not true in time; the message ends with the last state.
    """
    deadline = time.monotonic() + seconds
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(_timeout_message(predicate, seconds, describe() if describe else value))
        time.sleep(POLL_SECONDS)
    return value


async def wait_until_async(
    predicate: Callable[[], object], seconds: float = TIMEOUT_SECONDS, describe: Callable[[], object] | None = None
) -> None:
    """Wait like `wait_until` without blocking the event loop; `predicate` may also be a coroutine function."""
    deadline = time.monotonic() + seconds
    while not (value := await _resolved(predicate())):
        if time.monotonic() > deadline:
            state = await _resolved(describe()) if describe else value
            raise AssertionError(_timeout_message(predicate, seconds, state))
        await asyncio.sleep(POLL_SECONDS)


async def _resolved(value: object) -> object:
    return await value if inspect.isawaitable(value) else value


def _timeout_message(predicate: Callable[[], object], seconds: float, state: object) -> str:
    try:
        condition = inspect.getsource(predicate).strip()
    except (OSError, TypeError):
        condition = repr(predicate)
    return f"not true after {seconds:g} s: {condition}\nlast state: {state!r}"
