"""Requests that the service refuses, and its messages."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.services.metrics.metrics_client import START, MetricsClient, open_service

from seatrial_core.clock import ManualClock

WRITER = "writer-token-0123456789"
READER = "reader-token-0123456789"
JSON = {"content-type": "application/json"}
TOKENS = f"{WRITER}=events:write;{READER}=metrics:read"
EVENT = {"id": "1", "type": "heartbeat", "occurred_at": START.isoformat()}


@pytest.fixture
async def guarded(database_url: str, clock: ManualClock) -> AsyncIterator[MetricsClient]:
    """Return the client of a service that other machines can reach."""
    async with open_service(database_url, clock, tokens=TOKENS, host="0.0.0.0") as opened:
        yield opened


def bearer(token: str) -> dict[str, str]:
    """Return the header of a token."""
    return {"Authorization": f"Bearer {token}"}


def problem(response: httpx.Response) -> dict[str, Any]:
    """Return the problem that a response must be."""
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["request_id"] == response.headers["x-request-id"]
    return body


async def test_writing_needs_the_scope_by_name(guarded: MetricsClient) -> None:
    without = await guarded.http.post("/v1/events", json=[EVENT])
    unknown = await guarded.http.post("/v1/events", json=[EVENT], headers=bearer("x" * 20))
    reader = await guarded.http.post("/v1/events", json=[EVENT], headers=bearer(READER))
    writer = await guarded.http.post("/v1/events", json=[EVENT], headers=bearer(WRITER))

    assert [response.status_code for response in (without, unknown, reader, writer)] == [401, 401, 403, 202]
    assert ".seatrial/token" in problem(without)["detail"]
    assert "events:write" in problem(reader)["detail"]


@pytest.mark.parametrize("path", ["/metrics", "/metrics/process", "/v1/snapshot", "/v1/performance", "/v1/events"])
async def test_reading_beyond_loopback_needs_the_scope(guarded: MetricsClient, path: str) -> None:
    assert (await guarded.http.get(path)).status_code == 401
    assert (await guarded.http.get(path, headers=bearer(WRITER))).status_code == 403
    assert (await guarded.http.get(path, headers=bearer(READER))).status_code == 200


async def test_metrics_are_open_on_loopback(database_url: str, clock: ManualClock) -> None:
    async with open_service(database_url, clock, tokens=TOKENS) as client:
        assert (await client.http.get("/metrics")).status_code == 200
        assert (await client.http.get("/v1/snapshot")).status_code == 401


async def test_malformed_json_is_refused_with_its_position(client: MetricsClient) -> None:
    response = await client.http.post("/v1/events", content=b'[{"id": ]', headers=JSON)

    assert response.status_code == 400
    assert problem(response)["code"] == "malformed_json"
    assert "line 1 column 9" in problem(response)["detail"]


async def test_oversized_body_is_refused_with_the_limit(client: MetricsClient) -> None:
    response = await client.http.post("/v1/events", content=b" " * (8 * 1024 * 1024 + 1), headers=JSON)

    assert response.status_code == 413
    assert "8388608 bytes" in response.json()["detail"]


async def test_too_many_events_are_refused_with_the_limit(client: MetricsClient) -> None:
    response = await client.http.post("/v1/events", json=[EVENT] * 5_001)

    assert response.status_code == 413
    assert "at most 5000" in problem(response)["detail"]


async def test_invalid_events_are_rejected_and_counted_and_the_rest_is_accepted(client: MetricsClient) -> None:
    answer = await client.push(EVENT, {**EVENT, "type": "heartbeet"}, {"id": "2"})

    assert answer["accepted"] == 1
    assert [(rejection["index"], rejection["code"]) for rejection in answer["rejected"]] == [
        (1, "invalid_event"),
        (2, "invalid_event"),
    ]
    assert (await client.page())['trading_events_dropped_total{environment="",reason="invalid_event"}'] == 2


async def test_empty_batch_is_accepted(client: MetricsClient) -> None:
    assert await client.push() == {"accepted": 0, "duplicates": 0, "rejected": []}


async def test_malformed_batch_header_is_named(client: MetricsClient) -> None:
    response = await client.http.post("/v1/events", json=[EVENT], headers={"Seatrial-Batch": "7"})

    assert response.status_code == 422
    assert problem(response)["errors"][0]["field"] == "Seatrial-Batch"


async def test_malformed_cursor_is_named(client: MetricsClient) -> None:
    response = await client.http.get("/v1/events", params={"cursor": "x"})

    assert response.status_code == 422
    assert "next_cursor" in problem(response)["detail"]


async def test_accounts_beyond_the_limit_are_refused_and_the_others_kept(database_url: str, clock: ManualClock) -> None:
    def opening(name: str) -> dict[str, Any]:
        return {
            "id": f"open-{name}",
            "type": "account",
            "occurred_at": clock.now().isoformat(),
            "account": name,
            "opening_balance": "1",
        }

    async with open_service(database_url, clock, max_accounts=3) as client:
        await client.push(opening("a"), opening("b"))
        await client.page()
    async with open_service(database_url, clock, max_accounts=3) as client:  # knows what is stored
        await client.page()
        body = await client.push(*[opening(name) for name in "bcd"], {**opening("e"), "environment": "paper"})

        accounts = (await client.get("/v1/performance", environment="live"))["accounts"]
    assert [rejection["index"] for rejection in body["rejected"]] == [2]
    assert body["rejected"][0]["code"] == "too_many_accounts"
    assert [account["account"] for account in accounts] == ["a", "b", "c"]


async def test_batch_key_of_another_sender_hides_no_batch(database_url: str, clock: ManualClock) -> None:
    error = {"id": "x", "type": "error", "kind": "timeout", "occurred_at": clock.now().isoformat()}
    tokens = "token-of-sender-one=events:write,name:one;token-of-sender-two=events:write,name:two"
    async with open_service(database_url, clock, tokens=tokens) as client:
        answers = [
            (
                await client.http.post(
                    "/v1/events",
                    json=[error],
                    headers={"Seatrial-Batch": "engine-1/1", "Authorization": f"Bearer token-of-sender-{sender}"},
                )
            ).json()
            for sender in ("two", "one", "one")
        ]

    assert [answer["accepted"] for answer in answers] == [1, 1, 0]
