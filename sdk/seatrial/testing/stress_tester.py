"""Stress tests of an engine, under the guide's path."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from seatrial_core.clients import find_token

if TYPE_CHECKING:
    from seatrial_core.contracts.stress import StressPlan, StressReport

DURATION_SECONDS = 10.0


class StressTester:
    """Runs the four plans high_frequency, memory_under_load, concurrent_trades and api_failure, one after the other.

    An engine object is served on this machine while they run. It needs `process_signal(dict)`; with `get_orders()`
    and `get_fills()` its books are checked too. What it lacks makes the checks that need it UNKNOWN.

    Args:
        engine: An engine object, or the address of an engine on this machine.
        duration_seconds: How long each plan sends.

    Example:
        for name, result in StressTester(engine).run_stress_tests().items():
            print(f"{name}: {result}")
    """

    def __init__(self, engine: object, *, duration_seconds: float = DURATION_SECONDS) -> None:
        if not isinstance(engine, str) and not callable(getattr(engine, "process_signal", None)):
            raise TypeError(f"an engine under stress needs process_signal(dict), {type(engine).__name__} has none")
        self.engine = engine
        self.duration_seconds = duration_seconds

    def run_stress_tests(self) -> "dict[str, StressReport]":
        """Run the four plans and return their reports by name; each prints as one line, verdict first.

        Raises:
            ModuleNotFoundError: The load generator is not installed.
        """
        catalog = _require_catalog()
        with self._target() as (address, token):
            return {
                name: _run(_drive(catalog.with_overrides(each, duration_seconds=self.duration_seconds), address, token))
                for name, each in catalog.PLANS.items()
            }

    @contextlib.contextmanager
    def _target(self) -> Iterator[tuple[str, str]]:
        if isinstance(self.engine, str):
            from seatrial_stress.plans import targets

            yield targets.require_allowed(self.engine, targets.allowed_in_environment()), find_token()
            return
        from seatrial.testing.served_engine import served

        with served(self.engine) as address:
            yield address, ""


def _require_catalog() -> Any:  # Any: a module of a package that may be missing
    try:
        from seatrial_stress.plans import catalog
    except ModuleNotFoundError as error:
        missing = f"stress tests need {error.name}, which is not installed: pip install 'seatrial[stress]'"
        raise ModuleNotFoundError(missing, name=error.name) from error
    return catalog


async def _drive(plan: "StressPlan", address: str, token: str) -> "StressReport":
    from seatrial_stress import runner

    return await runner.run(plan, address, token)


def _run(work: "Coroutine[Any, Any, StressReport]") -> "StressReport":  # Any: as typing has it
    """Run to the end, also from inside a running loop such as a notebook's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    found: list[StressReport] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            found.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001  raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=call, name="seatrial-stress")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return found[0]
