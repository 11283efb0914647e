"""Fixtures of the attacks: one stack for all of them, and an honest client during each."""

from collections.abc import Iterator

import pytest
from _pytest.terminal import TerminalReporter
from tests.system.attacks.attack import RESULTS
from tests.system.attacks.attacked_stack import AttackedStack, attacked_stack
from tests.system.attacks.honest_client import HonestClient


@pytest.fixture(scope="session")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedStack]:
    """Return the stack that all attacks share."""
    with attacked_stack(tmp_path_factory.mktemp("attacked")) as running:
        yield running


@pytest.fixture
def stack(running_stack: AttackedStack) -> Iterator[AttackedStack]:
    """Return the stack while an honest client trades during the attack; it must lose nothing."""
    client = HonestClient(running_stack.urls, running_stack.token)
    client.start()
    try:
        yield running_stack
    finally:
        client.stop()


@pytest.fixture
def quiet_stack(running_stack: AttackedStack) -> AttackedStack:
    """Return the stack without the honest client, for an attack that halts the engine; resume it at the end."""
    return running_stack


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the table of attacks."""
    for attack, got in RESULTS:
        mark = "ok" if got == attack.expects else "FAILED"
        terminalreporter.write_line(
            f"{mark:6} {attack.name}\n       expected: {attack.expects}\n       got:      {got}"
        )
