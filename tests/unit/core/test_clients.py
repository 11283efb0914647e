"""Clients return contract models and turn every failure into one of our errors."""

from pathlib import Path

import httpx
import pytest
from tests.support.http_stub import StubResponse, http_stub

from seatrial_core.clients import AsyncServiceClient, ServiceClient, token_for
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


STACK = {"SEATRIAL_TOKEN": "the-stacks-token", "SEATRIAL_ENGINE_URL": "https://engine.example.com"}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9999",
        "http://localhost:8002/v1/alerts",
        "https://engine.example.com:443/v1/orders",
        "http://127.0.0.1:7777",
    ],
)
def test_the_token_is_sent_to_the_addresses_of_the_stack(url: str) -> None:
    assert token_for(url, {**STACK, "SEATRIAL_METRICS_PORT": "7777"}) == "the-stacks-token"


@pytest.mark.parametrize(
    "url",
    [
        "http://engine.example.com",
        "https://engine.example.com:444",
        "https://engine.example.com.attacker.net",
        "https://engine.example.com@attacker.net",
        "http://127.0.0.1:6666",
        "http://127.0.0.2:9999",
        "http://[::1]:9999",
        "http://x.localhost:9999",
        "http://:x@127.0.0.1:9999",
        "http://127.0.0.1:9999#@attacker.net",
        "http://127.0.0.1:9999\\@attacker.net",
        "http://127.0.0.1.attacker.net:9999",
        "ftp://127.0.0.1:9999",
        "nonsense",
        "http://127.0.0.1:port",
    ],
)
def test_the_token_is_sent_to_no_other_address(url: str) -> None:
    assert token_for(url, STACK) == ""


def test_a_redirect_does_not_carry_the_token_elsewhere() -> None:
    with http_stub() as elsewhere:
        moved = StubResponse(307, headers={"Location": f"{elsewhere.url}/stolen"})
        with http_stub(lambda request: moved) as stub, ServiceClient("metrics", url=stub.url, token="secret") as client:
            client.text("/metrics")

    assert stub.requests[0].headers["Authorization"] == "Bearer secret"
    assert elsewhere.requests == []


def test_requests_to_this_machine_go_past_a_proxy_and_netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login bob password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with http_stub() as proxy, http_stub() as stub:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        with ServiceClient("metrics", url=stub.url, token="secret") as client:
            client.text("/metrics")

    assert proxy.requests == []
    assert stub.requests[0].headers["Authorization"] == "Bearer secret"
