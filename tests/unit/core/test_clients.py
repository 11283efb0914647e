"""Clients return contract models and turn every failure into one of our errors."""

import httpx
import pytest

from seatrial_core.clients import AsyncServiceClient, ServiceClient
from seatrial_core.contracts.events import EventsAccepted
from seatrial_core.errors import Conflict, PeerUnreachable

ACCEPTED = {"accepted": 2, "duplicates": 1, "rejected": []}


def respond(status: int, body: object) -> httpx.MockTransport:
    return httpx.MockTransport(lambda request: httpx.Response(status, json=body, request=request))


def test_a_response_is_parsed_into_its_model() -> None:
    with ServiceClient("metrics", url="http://metrics", token="", transport=respond(200, ACCEPTED)) as client:
        assert client.fetch("/v1/events", EventsAccepted) == EventsAccepted.model_validate(ACCEPTED)


def test_a_response_of_another_form_is_an_error() -> None:
    with (
        ServiceClient("metrics", url="http://metrics", token="", transport=respond(200, {"accepted": "x"})) as client,
        pytest.raises(PeerUnreachable, match="the response of the metrics service is not a EventsAccepted"),
    ):
        client.fetch("/v1/events", EventsAccepted)


def html_page() -> httpx.MockTransport:
    return httpx.MockTransport(lambda request: httpx.Response(200, html="<h1>Sign in</h1>", request=request))


def test_a_response_that_is_not_json_is_an_error() -> None:
    with (
        ServiceClient("metrics", url="http://metrics", token="", transport=html_page()) as client,
        pytest.raises(PeerUnreachable, match="the response of the metrics service is not JSON"),
    ):
        client.fetch("/v1/events", EventsAccepted)


async def test_a_response_that_is_not_json_is_an_error_of_the_asyncio_client_too() -> None:
    client = AsyncServiceClient("metrics", url="http://metrics", transport=html_page())

    with pytest.raises(PeerUnreachable, match="the response of the metrics service is not JSON"):
        await client.fetch("GET", "/v1/snapshot", EventsAccepted)
    await client.close()


def test_an_array_is_parsed_into_a_list_of_its_model() -> None:
    with ServiceClient("metrics", url="http://metrics", token="", transport=respond(200, [ACCEPTED])) as client:
        assert client.fetch_list("/v1/events", EventsAccepted) == [EventsAccepted.model_validate(ACCEPTED)]

    with (
        ServiceClient("metrics", url="http://metrics", token="", transport=respond(200, ACCEPTED)) as client,
        pytest.raises(PeerUnreachable, match="the response of the metrics service is not a list of EventsAccepted"),
    ):
        client.fetch_list("/v1/events", EventsAccepted)


async def test_the_asyncio_client_parses_too_and_counts_the_outcome() -> None:
    outcomes: list[tuple[str, str]] = []
    client = AsyncServiceClient(
        "metrics",
        url="http://metrics",
        count=lambda peer, outcome: outcomes.append((peer, outcome)),
        transport=respond(200, ACCEPTED),
    )

    response = await client.fetch("POST", "/v1/events", EventsAccepted, body={"events": []})
    await client.close()

    assert response.accepted == 2
    assert outcomes == [("metrics", "ok")]


async def test_a_problem_is_raised_as_its_error() -> None:
    client = AsyncServiceClient("engine", url="http://engine", transport=respond(409, {"detail": "the key is taken"}))

    with pytest.raises(Conflict, match="engine: the key is taken"):
        await client.fetch("GET", "/v1/orders", EventsAccepted)
    await client.close()
