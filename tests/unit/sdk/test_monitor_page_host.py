"""The monitor's page answers no web page that rebinds its name to this machine."""

import httpx
import pytest
from prometheus_client import CollectorRegistry
from tests.support.ports import free_port

from seatrial.monitoring.watching.page import MetricsPage, is_accepted_host


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:9999", "127.0.0.1:9999", "[::1]:9999", "192.168.1.5", "host.docker.internal:9999", "bot"],
)
def test_names_of_this_machine_are_accepted(host: str) -> None:
    assert is_accepted_host([host], "bot, other")


@pytest.mark.parametrize("hosts", [["attacker.example"], ["localhost.attacker.example:9999"], [""], ["a", "a"], ["["]])
def test_other_names_are_not(hosts: list[str]) -> None:
    assert not is_accepted_host(hosts, "bot,")


def test_a_rebound_name_reads_no_metrics() -> None:
    port = free_port()
    page = MetricsPage(CollectorRegistry(), port)
    try:
        url = f"http://127.0.0.1:{port}/metrics"
        assert httpx.get(url, headers={"Host": "attacker.example"}, trust_env=False).status_code == 421
        assert httpx.get(url, trust_env=False).status_code == 200
    finally:
        page.close()
