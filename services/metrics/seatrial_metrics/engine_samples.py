"""What the ledger's page shows of engines: last events, heartbeats and the machine."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from seatrial_core import catalog
from seatrial_core.contracts.events import Environment
from seatrial_core.label_budget import OTHER
from seatrial_metrics.cardinality import Labels
from seatrial_metrics.figures import RECENT_SYSTEM, EngineFigures, Figures, engines_in_service

Machine = Mapping[str, float | None]


def engine_samples(figures: Figures, label_budget: int) -> dict[str, dict[Labels, float]]:
    """Return the samples by family and label set.

    The engines that were active last have series of their own; `__other__` is the oldest of the rest, so that none of
    them is silent unseen.
    """
    samples: dict[str, dict[Labels, float]] = defaultdict(dict)
    shown: dict[str, int] = defaultdict(int)
    for engine in engines_in_service(figures):
        shown[engine.environment] += 1
        has_name = shown[engine.environment] <= label_budget
        labels = (engine.environment, engine.engine if has_name else OTHER)
        for metric, at in ((catalog.LAST_EVENT, engine.last_occurred_at), (catalog.HEARTBEAT, engine.heartbeat_at)):
            if at is not None:
                seconds = at.timestamp()
                samples[metric.name][labels] = min(samples[metric.name].get(labels, seconds), seconds)
    return samples


def skew_samples(figures: Figures, label_budget: int) -> dict[str, dict[Labels, float]]:
    """Return how far clocks are ahead; the largest skews have series of their own, `__other__` is the next one."""
    samples: dict[Labels, float] = {}
    shown: dict[str, int] = defaultdict(int)
    for key, seconds in sorted(figures.clock_skews.items(), key=lambda item: (-item[1], item[0])):
        if key.environment == Environment.STRESS:
            continue
        shown[key.environment] += 1
        engine = key.engine if shown[key.environment] <= label_budget else OTHER
        samples.setdefault((key.environment, engine), float(seconds))
    return {catalog.CLOCK_SKEW.name: samples}


def overflowing_engines(figures: Figures, label_budget: int) -> int:
    """Return how many engines have no series of their own."""
    counts: dict[str, int] = defaultdict(int)
    for engine in engines_in_service(figures):
        counts[engine.environment] += 1
    return sum(max(0, count - label_budget) for count in counts.values())


def machine_sample(engines: Iterable[EngineFigures], now: datetime, machine: Machine) -> Machine:
    """Return the newest recent sample of an engine, else that of this machine.

    Args:
        engines: The engines of the environment that the page shows.
        now: The current instant.
        machine: The sample of this machine by metric name; empty if there is no recent one.
    """
    recent = [
        (engine.system_received_at, engine)
        for engine in engines
        if engine.system_received_at is not None and now - engine.system_received_at <= RECENT_SYSTEM
    ]
    if not recent:
        return machine
    newest = max(recent, key=lambda pair: pair[0])[1]
    sample = {
        catalog.SYSTEM_CPU.name: newest.cpu_percent,
        catalog.SYSTEM_MEMORY.name: newest.memory_percent,
        catalog.SYSTEM_DISK.name: newest.disk_percent,
    }
    return {name: machine.get(name) if value is None else value for name, value in sample.items()}
