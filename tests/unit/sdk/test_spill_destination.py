"""Spilled events reach the stack they were meant for and no other one."""

import stat
from pathlib import Path

import pytest
from tests.support.fake_ledger import fake_ledger
from tests.support.ports import free_port

from seatrial.monitoring.collecting.recorder import ProcessRecorder
from seatrial.monitoring.collecting.spill import RecordBatch, SpillDestination, SpillFolder, directory, open_for
from seatrial.monitoring.metrics_collector import MetricsCollector

HERE = "http://127.0.0.1:9999"
BATCH = RecordBatch("a" * 32, 1, ({"type": "heartbeat"},))


def stored_for(folder: Path, url: str, token: str) -> None:
    SpillFolder(folder, SpillDestination(url, token)).put(BATCH)


@pytest.mark.parametrize(
    ("url", "token", "is_sent"),
    [
        pytest.param(HERE, "one", True, id="the same stack"),
        pytest.param("http://localhost:9999/", "one", True, id="another name of this machine"),
        pytest.param(HERE, "two", False, id="another stack at the same address"),
        pytest.param("http://127.0.0.1:9998", "one", False, id="another address"),
        pytest.param("http://metrics.example.com:9999", "one", False, id="another machine"),
    ],
)
def test_a_batch_is_sent_to_its_stack_only(tmp_path: Path, url: str, token: str, is_sent: bool) -> None:
    stored_for(tmp_path, HERE, "one")

    folder = SpillFolder(tmp_path, SpillDestination(url, token))

    assert bool(folder.waiting()) is is_sent


def test_a_batch_from_before_the_first_token_goes_to_its_address(tmp_path: Path) -> None:
    stored_for(tmp_path, HERE, "")

    assert SpillFolder(tmp_path, SpillDestination(HERE, "one")).waiting()
    assert not SpillFolder(tmp_path, SpillDestination("http://127.0.0.1:9998", "one")).waiting()


def test_neither_token_nor_password_is_stored(tmp_path: Path) -> None:
    stored_for(tmp_path, "http://bob:planted-secret@127.0.0.1:9999", "planted-secret")

    (file,) = tmp_path.iterdir()
    assert "planted-secret" not in file.name + file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_batches_of_an_earlier_version_are_sent_from_the_folder_of_their_stack(tmp_path: Path) -> None:
    home = tmp_path / ".seatrial"
    home.mkdir()
    (home / "token").write_text("one\n")
    SpillFolder(home / "spill").put(BATCH)
    named = {"SEATRIAL_SPILL_DIR": str(home / "spill")}

    assert open_for(HERE, "one", named).waiting()
    assert not SpillFolder(home / "spill", SpillDestination(HERE, "two")).waiting()
    assert SpillFolder(home / "spill", SpillDestination(HERE, "two")).of_other_stacks()


def test_batches_of_an_earlier_version_in_the_users_folder_are_not_sent_but_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    SpillFolder(directory(state)).put(BATCH)

    folder = open_for(HERE, "one", state)

    assert not folder.waiting()
    assert len(folder.of_other_stacks()) == 1


def test_another_stack_that_answers_first_gets_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))
    port = free_port()
    monkeypatch.setenv("SEATRIAL_METRICS_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("SEATRIAL_TOKEN", "the-token-of-the-first-stack")
    first = ProcessRecorder()
    MetricsCollector(recorder=first).heartbeat()
    assert not first.sender.flush()
    first.sender.close()

    monkeypatch.setenv("SEATRIAL_TOKEN", "the-token-of-another-stack")
    with fake_ledger(port) as other:
        second = ProcessRecorder()
        MetricsCollector(recorder=second).record_error("own")
        assert second.sender.flush()
        second.sender.close()

    assert [event["type"] for event in other.events] == ["error"]
    assert "1 events in" in caplog.text
    assert "meant for another stack" in caplog.text

    monkeypatch.setenv("SEATRIAL_TOKEN", "the-token-of-the-first-stack")
    with fake_ledger(port) as right:
        third = ProcessRecorder()
        MetricsCollector(recorder=third).record_error("own")
        assert third.sender.flush()
        third.sender.close()

    assert [event["type"] for event in right.events] == ["heartbeat", "error"]
