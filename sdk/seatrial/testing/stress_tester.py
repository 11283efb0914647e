"""Stress tests of an engine from Python."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from seatrial_core.clients import token_for

if TYPE_CHECKING:
    from seatrial_core.contracts.stress import StressPlan, StressReport

DURATION_SECONDS = 10.0


class StressTester:
    """Runs the four plans high_frequency, memory_under_load, concurrent_trades and api_failure in sequence.

    An engine object is served on this machine while they run. It needs `process_signal(dict)`; with `get_orders()`
    and `get_fills()` its records are checked too. Checks that need a missing method are UNKNOWN.

    Args:
        engine: An engine object, or the address of an engine on this machine.
        duration_seconds: Duration of each plan's load, > 0.
        token: The token of an engine that is not this stack's.
        ca_file: The authority (PEM) of an https:// address's certificate, in place of the system's.

    Example:
        for name, result in StressTester(engine).run_stress_tests().items():
            print(f"{name}: {result}")
    """

    def __init__(
        self,
        engine: object,
        *,
        duration_seconds: float = DURATION_SECONDS,
        token: str | None = None,
        ca_file: str = "",
    ) -> None:
        if not isinstance(engine, str) and not callable(getattr(engine, "process_signal", None)):
            raise TypeError(f"an engine needs the method process_signal(dict); {type(engine).__name__} has none")
        self.engine = engine
        self.duration_seconds = duration_seconds
        self._token = token
        self._ca_file = ca_file

    def run_stress_tests(self) -> "dict[str, StressReport]":
        """Run the four plans and return their reports by name; each prints as one line, verdict first.

        Raises:
            ModuleNotFoundError: The load generator is not installed.
        """
        catalog = _require_catalog()
        with self._target() as (address, token):
            return {
                name: _run(
                    _run_plan(
                        catalog.with_overrides(plan, duration_seconds=self.duration_seconds),
                        address,
                        token,
                        self._ca_file,
                    )
                )
                for name, plan in catalog.PLANS.items()
            }

    @contextlib.contextmanager
    def _target(self) -> Iterator[tuple[str, str]]:
        if isinstance(self.engine, str):
            from seatrial_stress.plans import targets

            address = targets.require_allowed(self.engine, targets.allowed_in_environment())
            yield address, token_for(address) if self._token is None else self._token
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


async def _run_plan(plan: "StressPlan", address: str, token: str, ca_file: str) -> "StressReport":
    from seatrial_stress import runner
    from seatrial_stress.load.tls import TlsOptions

    return await runner.run(plan, address, token, tls=TlsOptions(ca_file))


def _run(work: "Coroutine[Any, Any, StressReport]") -> "StressReport":  # Any: typing's own
    # A running loop, such as a notebook's, cannot run a second coroutine to its end; a thread can.
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1, thread_name_prefix="seatrial-stress") as executor:
        return executor.submit(asyncio.run, work).result()
