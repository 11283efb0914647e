"""The helper that waits for a condition prints the last state it saw."""

import pytest
from tests.support.waiting import wait_until, wait_until_async


def test_the_first_true_value_is_returned() -> None:
    values = iter([0, "", "ready"])

    assert wait_until(lambda: next(values)) == "ready"


def test_a_timeout_names_the_condition_and_the_last_state() -> None:
    jobs = {"status": "queued"}

    with pytest.raises(AssertionError, match=r"not true after 0.05 s: .*status.*\nlast state: \{'status': 'queued'\}"):
        wait_until(lambda: jobs["status"] == "done", 0.05, describe=lambda: jobs)


async def test_a_coroutine_function_is_awaited() -> None:
    async def pending() -> int:
        return 0

    with pytest.raises(AssertionError, match="last state: 0"):
        await wait_until_async(pending, 0.05)
    await wait_until_async(lambda: True)
