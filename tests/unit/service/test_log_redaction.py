"""No secret reaches a log or a response, whichever library wrote the text."""

import json
import logging
from collections.abc import Iterator

import pytest

from seatrial_core.errors import PeerUnreachable
from seatrial_service import logs

SECRET = "s3cr3t-V4lue"


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Configure the logs of a service and restore those of the test run."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.configure("tests")
    yield
    root.handlers[:] = before
    root.setLevel(level)


def test_fields_messages_and_tracebacks_are_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("tests")
    try:
        raise ValueError(f"cannot connect to postgresql://bob:{SECRET}@db/x")
    except ValueError as error:
        logs.get().error("failed", exc_info=error, token=SECRET, headers={"Authorization": f"Bearer {SECRET}"})
        logging.getLogger("library").error("password=%s", SECRET)
        logging.getLogger("library").exception("x")

    output = capsys.readouterr().out
    assert SECRET not in output
    assert [json.loads(line)["service"] for line in output.splitlines()] == ["tests", "tests", "tests"]
    assert "ValueError: cannot connect to postgresql://bob:***@db/x" in json.loads(output.splitlines()[0])["exception"]


def test_an_error_of_ours_holds_no_secret() -> None:
    error = PeerUnreachable(f"no answer from http://bob:{SECRET}@127.0.0.1:5000")

    assert SECRET not in f"{error} {error.detail} {error!r}"
