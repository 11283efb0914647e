"""The token found in `.seatrial` is sent to the addresses of a stack that runs, and nowhere else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.support.http_stub import http_stub, json_response

from seatrial.monitoring.collecting.spill import RecordBatch
from seatrial.monitoring.collecting.transport import Transport
from seatrial_core.addresses import connectable
from seatrial_core.clients import ServiceClient, StackAuth, service_url, token_for
from seatrial_core.errors import StackNotRunning

URL = "http://127.0.0.1:7777"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, which has the token of a stack."""
    base = tmp_path / ".seatrial"
    (base / "run").mkdir(parents=True)
    (base / "token").write_text("the-stacks-token\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEATRIAL_TOKEN", raising=False)
    return tmp_path


def record(folder: Path, *urls: str, pid: int | None = None, start_time: float | None = None) -> None:
    """Record that a process runs a stack at some addresses, this process by default."""
    started = psutil.Process().create_time() if start_time is None else start_time
    document = {"pid": pid or os.getpid(), "start_time": started, "urls": urls}
    (folder / ".seatrial" / "run" / "up.json").write_text(json.dumps(document))


def test_the_addresses_of_a_running_stack_get_the_token(folder: Path) -> None:
    record(folder, URL)

    assert token_for(f"{URL}/v1/events", {}, folder) == "the-stacks-token"
    assert token_for("http://localhost:7777", {}, folder / "elsewhere") == "the-stacks-token"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9999", "http://127.0.0.2:7777", "http://[::1]:7777", "https://x.org"]
)
def test_other_addresses_get_none_even_a_default_port(folder: Path, url: str) -> None:
    record(folder, URL)

    assert token_for(url, {}, folder) == ""


def test_a_configured_address_of_this_machine_must_be_one_of_the_stack(folder: Path) -> None:
    record(folder, URL)
    environment = {"SEATRIAL_ENGINE_URL": "http://127.0.0.1:6666", "SEATRIAL_METRICS_URL": "https://proxy.example.com"}

    assert token_for("http://127.0.0.1:6666", environment, folder) == ""
    assert token_for("https://proxy.example.com/", environment, folder) == "the-stacks-token"


def test_after_the_end_of_the_stack_there_is_a_sentence_instead(folder: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    record(folder, "http://127.0.0.1:9999", pid=ended.pid)

    with pytest.raises(StackNotRunning, match=f"the stack in {folder} is not running.*seatrial up"):
        token_for("http://127.0.0.1:9999", {}, folder)


def test_a_reused_pid_is_not_the_stack(folder: Path) -> None:
    record(folder, "http://127.0.0.1:9999", start_time=psutil.Process().create_time() - 60)

    with pytest.raises(StackNotRunning):
        token_for("http://127.0.0.1:9999", {}, folder)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"pid": "1", "start_time": 1.0}', '{"pid": -1, "start_time": 1.0}', "\x00"]
)
def test_an_unreadable_record_is_no_running_stack(folder: Path, text: str) -> None:
    (folder / ".seatrial" / "run" / "up.json").write_text(text)

    with pytest.raises(StackNotRunning):
        token_for("http://127.0.0.1:9999", {}, folder)


def test_a_configured_token_needs_no_stack_in_the_folder(folder: Path) -> None:
    assert token_for("http://127.0.0.1:9999", {"SEATRIAL_TOKEN": "configured"}, folder) == "configured"


def test_a_client_that_outlives_the_stack_stops_to_send_the_token(folder: Path) -> None:
    with http_stub(lambda request: json_response({})) as stub, ServiceClient("metrics", url=stub.url) as client:
        record(folder, stub.url)
        client.get("/v1/performance")
        record(folder, stub.url, start_time=1.0)
        assert client.get("/v1/performance") == {}  # not an address of a running stack

    assert stub.requests[0].headers["Authorization"] == "Bearer the-stacks-token"
    assert "Authorization" not in stub.requests[1].headers


def test_a_client_of_a_default_address_of_a_stopped_stack_sends_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_stub(lambda request: json_response({})) as stub:
        monkeypatch.setenv("SEATRIAL_METRICS_URL", stub.url)
        with ServiceClient("metrics") as client, pytest.raises(StackNotRunning, match="its token is not sent"):
            client.get("/v1/performance")

    assert stub.requests == []


def test_events_stay_here_while_the_stack_does_not_run(folder: Path) -> None:
    accepted = {"accepted": 0, "duplicates": 0, "rejected": []}
    with http_stub(lambda request: json_response(accepted, 202)) as stub:
        transport = Transport(stub.url, StackAuth(stub.url, is_named=True))
        result = transport.send(RecordBatch("producer", 1, ({"id": "1"},)))
        transport.close()

    assert not result.is_final
    assert "is not running" in result.problem
    assert all(request.body == b"[]" and "Authorization" not in request.headers for request in stub.requests)


@pytest.mark.parametrize(
    ("url", "connected"),
    [
        ("http://localhost:9999/v1", "http://127.0.0.1:9999/v1"),
        ("http://LOCALHOST.", "http://127.0.0.1"),
        ("https://localhost:9999", "https://localhost:9999"),
        ("http://localhost.evil.example", "http://localhost.evil.example"),
        ("http://user@localhost:1", "http://user@localhost:1"),
        ("http://[::1]:9999", "http://[::1]:9999"),
        ("http://[", "http://["),
        ("http://localhost:x", "http://localhost:x"),
    ],
)
def test_localhost_is_connected_as_the_address_that_services_listen_on(url: str, connected: str) -> None:
    assert connectable(url) == connected
    assert service_url("engine", {"SEATRIAL_ENGINE_URL": url}) == connected
