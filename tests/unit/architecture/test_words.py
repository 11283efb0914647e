"""The repository uses plain technical English: no word or name of scripts/check_words.py."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.scripts import load_script

ROOT = Path(__file__).resolve().parents[3]
# What issue and style guide ban, spelled here so that a shorter list in the script fails.
BANNED = [
    "anew", "tell", "told", "tells", "settle", "of its own", "nobody", "whoever", "wish", "hear", "heard", "beside",
    "come of", "became of", "stands", "for ever", "doorbell", "ring", "farewell", "nought", "shall",
]  # fmt: skip
BANNED_NAMES = ["found", "said", "told", "held", "known", "wanted", "chosen", "each"]


def test_no_banned_word_or_name_is_used() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "check_words.py")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert result.stdout == ""
    assert result.returncode == 0


@pytest.mark.parametrize("word", BANNED)
@pytest.mark.parametrize("suffix", [".py", ".md"])
def test_a_planted_word_is_listed_with_its_line(tmp_path: Path, word: str, suffix: str) -> None:
    page = tmp_path / f"page{suffix}"
    page.write_text(f"# Orders\n# The engine, {word.capitalize()}, and the outbox.\n", encoding="utf-8")

    assert [line for line, _ in load_script("check_words").problems(page)] == [2]


@pytest.mark.parametrize("name", BANNED_NAMES)
@pytest.mark.parametrize("line", ["{} = 1", "def run({}): ...", "rows = [{} for {} in range(3)]"])
def test_a_planted_local_name_is_listed(tmp_path: Path, name: str, line: str) -> None:
    module = tmp_path / "module.py"
    module.write_text(line.format(name, name) + "\n", encoding="utf-8")

    assert {number for number, _ in load_script("check_words").problems(module)} == {1}


@pytest.mark.parametrize("prefix", ["MOST", "FEWEST", "LONGEST", "SHORTEST"])
def test_a_planted_prefix_of_a_limit_is_listed(tmp_path: Path, prefix: str) -> None:
    module = tmp_path / "module.py"
    module.write_text(f"{prefix}_ORDERS = 3\n", encoding="utf-8")

    assert [line for line, _ in load_script("check_words").problems(module)] == [1]


def test_the_command_fails_on_a_repository_with_a_problem(tmp_path: Path) -> None:
    script = tmp_path / "scripts" / "check_words.py"
    script.parent.mkdir()
    shutil.copy(ROOT / "scripts" / "check_words.py", script)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "page.md").write_text("The outbox stands here.\n", encoding="utf-8")

    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)

    assert (result.returncode, result.stdout) == (1, "page.md:1: 'stands' in: The outbox stands here.\n")
