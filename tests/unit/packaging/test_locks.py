"""The locks fit their inputs, and the check names what does not."""

from pathlib import Path

import pytest
from tests.support.scripts import load_script

SCRIPT = load_script("check_locks")
HASH = "--hash=sha256:" + "0" * 64
GOOD = f"httpx==0.28.1 \\\n    {HASH}\n    # via seatrial\nrich==14.0.0 ; sys_platform != 'win32' \\\n    {HASH}\n"


def lock(text: str, name: str = "requirements.txt") -> object:
    return SCRIPT.Lock(Path(name), text)


def test_the_locks_of_the_repository_fit() -> None:
    assert SCRIPT.complaints() == []


def test_every_lock_of_the_repository_is_read() -> None:
    files = set(SCRIPT.ROOT.glob("requirements*.txt")) | set(SCRIPT.ROOT.glob("services/*/requirements.txt"))

    assert len(files) == 10


@pytest.mark.parametrize(
    ("requirement", "complaint"),
    [("httpx>=1.0", "httpx 0.28.1"), ("absent", "absent missing"), ("httpx>=0.27", ""), ("Rich>=13", "")],
)
def test_a_requirement_that_is_not_locked_is_named(requirement: str, complaint: str, tmp_path: Path) -> None:
    inputs = tmp_path / "requirements.in"
    inputs.write_text(f"# a comment\n{requirement}\n", encoding="utf-8")

    sentences = list(SCRIPT.unmet([inputs], lock(GOOD)))

    assert len(sentences) == bool(complaint)
    assert complaint in "".join(sentences)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("httpx==0.28.1\n", "has no hash"),
        (f"{GOOD}six==1.17.0\n", "six==1.17.0 has no hash"),
        (f"--index-url https://registry.example/simple\n{GOOD}", "names an address"),
        (f"{GOOD}-e ./local\n", "names an address or a path"),
    ],
)
def test_an_entry_without_hash_and_an_address_are_refused(text: str, complaint: str) -> None:
    assert complaint in "\n".join(SCRIPT.malformed(lock(text)))


def test_locks_that_disagree_are_named() -> None:
    other = lock(GOOD.replace("0.28.1", "0.27.0"), "services/engine/requirements.txt")

    (sentence,) = SCRIPT.disagreements([lock(GOOD), other])

    assert "services/engine/requirements.txt has httpx 0.27.0, requirements.txt has 0.28.1" in sentence
