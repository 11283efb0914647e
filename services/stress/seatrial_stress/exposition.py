"""The Prometheus metrics of the stress service."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from seatrial_core import catalog
from seatrial_core.contracts.stress import Verdict
from seatrial_stress.service import StressService


class StressCollector(Collector):
    """Counts finished runs by verdict."""

    def __init__(self, service: StressService) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield the current counts."""
        runs = CounterMetricFamily(catalog.STRESS_RUNS.name, catalog.STRESS_RUNS.help, labels=["verdict"])
        for verdict in Verdict:
            runs.add_metric([verdict.value], self._service.verdicts.get(verdict.value, 0))
        yield runs
