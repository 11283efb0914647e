"""A stress target gets the stack's token only if it is the stack's engine; others by an explicit token."""

from pathlib import Path

import pytest

from seatrial.cli.stress import target_token

STACK = {"SEATRIAL_TOKEN": "the-stacks-token"}


def test_the_stacks_engine_gets_the_stacks_token() -> None:
    assert target_token("http://127.0.0.1:5000", None, STACK) == "the-stacks-token"


@pytest.mark.parametrize("address", ["http://127.0.0.1:5001", "https://engine.example.com", "http://10.0.0.7:5000"])
def test_another_target_gets_no_token_unless_one_is_given(address: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("the-targets-token\n")

    assert target_token(address, None, STACK) == ""
    assert target_token(address, file, STACK) == "the-targets-token"
    assert target_token(address, None, {**STACK, "SEATRIAL_STRESS_TARGET_TOKEN": "given"}) == "given"
