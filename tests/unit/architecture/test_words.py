"""The repository uses plain technical English: no word or name of scripts/check_words.py."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_no_banned_word_or_name_is_used() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "check_words.py")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert result.stdout == ""
    assert result.returncode == 0
