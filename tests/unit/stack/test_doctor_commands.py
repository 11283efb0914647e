"""`seatrial doctor` prints commands that work as typed, and sees what other users may open."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.ports import silent_listener

from seatrial.cli.main import build, main
from seatrial.stack import doctor
from seatrial.stack.layout import Layout

COMMAND = re.compile(r"`([^`]+)`")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield an empty working folder whose name needs quotes, without variables of ours."""
    for name in [name for name in os.environ if name.startswith("SEATRIAL_")]:
        monkeypatch.delenv(name)
    place = tmp_path / "my project; touch x"
    place.mkdir()
    monkeypatch.chdir(place)
    yield place


def advice(folder: Path, check: str) -> str:
    return next(finding.advice for finding in doctor.examine(Layout(folder)) if finding.check == check)


def run_in_shell(command: str) -> None:
    subprocess.run(["/bin/sh", "-ec", command], check=True, timeout=20)


def test_a_folder_that_others_can_open_is_corrected_by_the_printed_command(folder: Path) -> None:
    layout = Layout(folder)
    layout.make()
    layout.read_token()
    layout.base.chmod(0o755)
    layout.token.chmod(0o644)
    (command,) = COMMAND.findall(advice(folder, "privacy"))

    run_in_shell(command)

    assert advice(folder, "privacy") == ""
    assert not (folder / "x").exists()


def test_a_taken_port_is_moved_by_the_printed_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_listener() as (port, _):
        monkeypatch.setenv("SEATRIAL_METRICS_PORT", str(port))
        (command,) = COMMAND.findall(advice(folder, f"port {port}"))

    run_in_shell(f"{command}; test $SEATRIAL_METRICS_PORT -gt 0 -a $SEATRIAL_METRICS_PORT -ne {port}")


def test_a_wrong_name_is_unset_by_the_printed_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_ENGIN_FEE", "1")
    (command,) = COMMAND.findall(advice(folder, "variables"))

    run_in_shell(f'{command}; test -z "$SEATRIAL_ENGIN_FEE"')


def test_a_host_that_other_machines_reach_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_ENGINE_HOST", "0.0.0.0")

    assert advice(folder, "hosts") == "If only this machine uses it: `unset SEATRIAL_ENGINE_HOST`"


def test_commands_of_seatrial_in_the_output_exist(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["doctor"])
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    commands = [command for command in COMMAND.findall(printed) if command.startswith("seatrial ")]

    assert commands
    for command in commands:
        words = shlex.split(command)[1:]
        with pytest.raises(SystemExit) as ended:
            build(words)(args=[*words, "--help"], prog_name="seatrial")
        assert ended.value.code == 0, command


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        ("bash", "seatrial do", "doctor"),
        ("bash", "seatrial db u", "upgrade"),
        ("bash", "seatrial backtest r", "run"),
        ("zsh", "seatrial backtest strat", "strategies"),
        ("fish", "seatrial backtest ", "check-lookahead"),
    ],
)
def test_shells_complete_commands_and_those_of_groups(
    shell: str, words: str, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = {
        "_SEATRIAL_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit):
        main([])

    assert expected in capsys.readouterr().out


@pytest.mark.parametrize("option", ["-h", "--version", "--show-completion"])
def test_common_options_work(option: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    arguments = [option, "bash"] if option == "--show-completion" else [option]

    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 0
    assert "seatrial" in capsys.readouterr().out
