"""A client that trades, reports events and asks for health while an attack runs."""

import threading
import time
from collections import Counter
from itertools import count
from uuid import uuid4

import httpx

ACCOUNT = "honest"
PAUSE_SECONDS = 0.02
TIMEOUT_SECONDS = 20.0
MAX_HEALTH_SECONDS = 2.0  # a stall, not a latency target: the attacks once stalled a service for 15 s and more


class HonestClient:
    """Send orders and events in a separate thread, and remember what was acknowledged.

    Args:
        urls: Address by service name.
        token: A token of the stack.
    """

    def __init__(self, urls: dict[str, str], token: str) -> None:
        self._urls = urls
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS, trust_env=False
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="honest-client")
        self._name = uuid4().hex[:12]
        self._orders: list[str] = []
        self._events: list[str] = []
        self.problems: list[str] = []
        self.slowest_health_seconds = 0.0

    def start(self) -> None:
        """Start to send; return after the first order was acknowledged."""
        self._thread.start()
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not self._orders and not self.problems and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)

    def stop(self) -> None:
        """Stop, then check that every request was answered and every acknowledged order and event is stored."""
        self._stop.set()
        self._thread.join()
        try:
            assert self.problems == [], f"the honest client met {self.problems[:5]}"
            assert self._orders, "the honest client sent nothing"
            assert self.slowest_health_seconds < MAX_HEALTH_SECONDS, (
                f"/health/live took {self.slowest_health_seconds:.1f} s"
            )
            self._require_stored()
        finally:
            self._http.close()

    def _run(self) -> None:
        for number in count():
            if self._stop.is_set():
                return
            try:
                self._order(number)
                self._event(number)
                self._ask_for_health()
            except httpx.HTTPError as error:
                self.problems.append(f"{type(error).__name__}: {error}")
            self._stop.wait(PAUSE_SECONDS)

    def _order(self, number: int) -> None:
        identity = f"{self._name}-{number}"
        signal = {
            "symbol": "HONEST",
            "action": "close" if number % 2 else "buy",
            "account": ACCOUNT,
            "client_order_id": identity,
            "price": "100",
            "quantity": None if number % 2 else "0.01",
        }
        response = self._http.post(f"{self._urls['engine']}/v1/signals", json=signal)
        if response.status_code != 200 or response.json()["status"] != "filled":
            self.problems.append(f"order {identity}: {response.status_code} {response.text[:200]}")
        else:
            self._orders.append(identity)

    def _event(self, number: int) -> None:
        identity = f"{self._name}-{number}"
        event = {
            "id": identity,
            "type": "heartbeat",
            "engine": "honest",
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        response = self._http.post(f"{self._urls['metrics']}/v1/events", json=[event])
        if response.status_code != 202 or response.json()["rejected"]:
            self.problems.append(f"event {identity}: {response.status_code} {response.text[:200]}")
        else:
            self._events.append(identity)

    def _ask_for_health(self) -> None:
        for service, url in self._urls.items():
            started_at = time.monotonic()
            response = self._http.get(f"{url}/health/live")
            self.slowest_health_seconds = max(self.slowest_health_seconds, time.monotonic() - started_at)
            if response.status_code != 200:
                self.problems.append(f"{service} /health/live: {response.status_code}")

    def _require_stored(self) -> None:
        stored = Counter(self._listed("engine", "/v1/orders", "client_order_id", account=ACCOUNT))
        missing = [identity for identity in self._orders if stored[identity] != 1]
        assert missing == [], f"{len(missing)} of {len(self._orders)} acknowledged orders are not stored once"
        ids = Counter(self._listed("metrics", "/v1/events", "id", type="heartbeat"))
        missing = [identity for identity in self._events if ids[identity] != 1]
        assert missing == [], f"{len(missing)} of {len(self._events)} acknowledged events are not stored once"

    def _listed(self, service: str, path: str, field: str, **filters: str) -> list[str]:
        values: list[str] = []
        cursor: str | None = None
        while True:
            params = {"limit": "1000", **filters, **({"cursor": cursor} if cursor else {})}
            response = self._http.get(f"{self._urls[service]}{path}", params=params)
            assert response.status_code == 200, response.text
            page = response.json()
            values += [str(item[field]) for item in page["items"]]
            cursor = page["next_cursor"]
            if not cursor:
                return values
