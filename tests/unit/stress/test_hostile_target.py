"""The answers of a target that lies about orders: large, nested, or of the wrong types."""

import subprocess
import sys
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Answer:
    """A body, as a Python expression, and the outcome of the request."""

    name: str
    body: str
    outcome: str


ANSWERS = [
    Answer("order", """'{"order_id": "o1", "status": "filled"}'""", "ok"),
    Answer("number", """'{"id": 17, "status": "filled"}'""", "ok"),
    Answer("large", """'{"order_id": "' + "x" * 70_000 + '"}'""", "info"),
    Answer("nested", """'{"a": ' + "[" * 60_000""", "info"),
    Answer("digits", """'{"order_id": ' + "9" * 60_000 + "}\"""", "info"),
    Answer("list", """'{"order_id": ["o1"], "status": "filled"}'""", "info"),
    Answer("object", """'{"order_id": "o1", "status": {"filled": 1}}'""", "info"),
    Answer("not_an_object", """'[1, 2]'""", "info"),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_an_answer_that_is_no_order_leaves_the_request_undecided(answer: Answer) -> None:
    # Locust patches sockets and threads at its import, so the scenario is imported in a separate process.
    code = f"""
from seatrial_stress.load.scenario import classify
outcome = classify(200, {answer.body})
assert all(value is None or isinstance(value, str | bool) and len(str(value)) <= 200 for value in outcome.values())
print(outcome["outcome"])
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert (finished.stdout.strip(), finished.returncode) == (answer.outcome, 0), finished.stderr
