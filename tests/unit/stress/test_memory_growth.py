"""Memory growth per order against a budget."""

from random import Random

from seatrial_core.contracts.stress import CheckState
from seatrial_stress.checks import memory_growth
from seatrial_stress.checks.memory_growth import MemorySample


def test_growing_memory_fails_and_constant_memory_passes() -> None:
    random = Random(1)
    noise = [random.randrange(2 << 20) for _ in range(80)]
    constant = [MemorySample(n * 0.25, (100 << 20) + noise[n]) for n in range(80)]
    growing = [MemorySample(n * 0.25, (100 << 20) + noise[n] + (n << 21)) for n in range(80)]

    assert memory_growth.check(constant, 1_000, 20.0, 50.0).state is CheckState.PASS
    assert memory_growth.check(growing, 1_000, 20.0, 50.0).state is CheckState.FAIL
    assert memory_growth.check(constant[:8], 1_000, 20.0, 50.0).state is CheckState.INCONCLUSIVE
    assert memory_growth.check([], 1_000, 20.0, 50.0).state is CheckState.UNKNOWN
