"""The command line of the stack: exit codes, sentences, JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from seatrial.cli.main import GROUPS, build, main


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Run a command in this process and return its exit code and what it printed."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test an empty working folder without variables of ours."""
    for name in [name for name in os.environ if name.startswith("SEATRIAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_does_not_import_the_heavy_parts() -> None:
    script = (
        "import sys; sys.argv = ['seatrial', '--help']\n"
        "from seatrial.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = ('httpx', 'numpy', 'numba', 'sqlalchemy', 'fastapi', 'psycopg')\n"
        "print([name for name in heavy if name in sys.modules])"
    )

    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert "doctor" in printed
    assert printed.splitlines()[-1] == "[]"


def test_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, printed = run(["fly"], capsys)

    assert code == 2
    assert "fly" in printed


def test_once_without_demo_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, printed = run(["up", "--once"], capsys)

    assert code == 2
    assert "--once requires --demo" in printed


def test_status_of_an_empty_folder_says_how_to_start(capsys: pytest.CaptureFixture[str], own_folder: Path) -> None:
    code, printed, _ = run(["status"], capsys)

    assert code == 1
    assert printed == f"Nothing is running in {own_folder}. Start it with `seatrial up`.\n"


def test_status_as_json_is_data(capsys: pytest.CaptureFixture[str], own_folder: Path) -> None:
    code, printed, _ = run(["status", "--json", "-"], capsys)

    assert code == 1
    assert json.loads(printed) == {"folder": str(own_folder), "items": []}


def test_down_where_nothing_runs_is_fine(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, _ = run(["down"], capsys)

    assert code == 0
    assert "Nothing was running" in printed


def test_log_of_an_unknown_service_lists_the_known(capsys: pytest.CaptureFixture[str], own_folder: Path) -> None:
    (own_folder / ".seatrial" / "logs").mkdir(parents=True)
    (own_folder / ".seatrial" / "logs" / "metrics.log").write_text("one\n")

    code, _, printed = run(["logs", "radio"], capsys)

    assert code == 2
    assert "There is no log of `radio`" in printed
    assert "There are: metrics." in printed


def test_reset_without_yes_deletes_nothing(capsys: pytest.CaptureFixture[str], own_folder: Path) -> None:
    (own_folder / ".seatrial").mkdir()

    code, _, printed = run(["reset"], capsys)

    assert code == 2
    assert "seatrial reset --yes" in printed
    assert (own_folder / ".seatrial").is_dir()


def test_address_of_a_database_that_does_not_run_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, printed = run(["db", "url"], capsys)

    assert code == 1
    assert "is not running and has no address. Start it with `seatrial up`" in printed


def test_named_database_address_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE_URL", "postgresql://me:pw@host/books")

    code, printed, _ = run(["db", "url"], capsys)

    assert (code, printed) == (0, "postgresql://me:pw@host/books\n")


def test_database_of_another_kind_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE_URL", "mysql://me@host/books")

    code, _, printed = run(["db", "url"], capsys)

    assert code == 2
    assert "must be a plain postgresql:// address" in printed


def test_doctor_names_an_unreachable_database(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, own_folder: Path
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE_URL", "postgresql://me@127.0.0.1:1/books")

    code, _, _ = run(["doctor", "--json", "out.json"], capsys)

    checks = {item["check"]: item for item in json.loads((own_folder / "out.json").read_text())["items"]}
    assert code == 1
    assert checks["python"]["ok"]
    assert not checks["database"]["ok"]
    assert "cannot be reached" in checks["database"]["advice"]


def commands(group: str) -> list[str]:
    """Return every command line of the application, groups included, without its options."""
    command = typer.main.get_command(build([group]))
    names = getattr(command, "commands", {})
    lines = [name for name in names if name not in GROUPS]
    return [*lines, group, *(f"{group} {name}" for name in names[group].commands)]


ALL_COMMANDS = sorted({"", *(line for group in (*GROUPS, "db") for line in commands(group))})


@pytest.mark.parametrize("line", ALL_COMMANDS)
def test_short_help_option_prints_the_same_as_the_long_one(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    short = run([*line.split(), "-h"], capsys)
    long = run([*line.split(), "--help"], capsys)

    assert short == long
    assert short[0] == 0
    assert f"Usage: seatrial {line}".rstrip() in short[1]
