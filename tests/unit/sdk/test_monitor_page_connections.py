"""The monitor's page while others hold connections open: it answers, and the bot's threads stay few."""

import socket
import threading
import time
from contextlib import ExitStack, closing

import httpx
from prometheus_client import CollectorRegistry
from tests.support.ports import free_port
from tests.support.waiting import wait_until

from seatrial.monitoring.watching.page import MAX_CONNECTIONS, MetricsPage


def test_held_connections_give_way_to_a_scrape() -> None:
    port = free_port()
    before = threading.active_count()
    with closing(MetricsPage(CollectorRegistry(), port)), ExitStack() as connections:
        for number in range(200):
            connection = connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            connection.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: " if number % 2 else b"")
        started_at = time.monotonic()
        response = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)

        assert response.status_code == 200
        assert time.monotonic() - started_at < 2
        wait_until(lambda: threading.active_count() - before <= MAX_CONNECTIONS + 2, describe=threading.active_count)
