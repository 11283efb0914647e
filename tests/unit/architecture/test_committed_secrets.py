"""A secret in a tracked file is refused, and so is a suppression without a reason."""

import subprocess
from pathlib import Path

import pytest
from tests.support.scripts import load_script

SECRETS = load_script("check_secrets")
SUPPRESSIONS = load_script("check_suppressions")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-----BEGIN RSA " + "PRIVATE KEY-----", "a private key"),
        ("key = AKIA" + "ABCDEFGHIJKLMNOP", "an AWS key"),
        ("ghp_" + "a" * 36, "a GitHub token"),
        ("token: seatrial_" + "aB3_-" * 8 + "xyz", "a Seatrial token"),
        ("SEATRIAL_TOKEN=" + "0123456789abcdef" * 3, "a random value of `make env`"),
        ("postgresql://seatrial:" + "correct-horse-battery@db/x", "a password in an address"),
    ],
)
def test_a_secret_is_named_by_line_and_never_shown(text: str, kind: str, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "notes.md").write_text(f"first line\n{text}\n", encoding="utf-8")

    (sentence,) = SECRETS.complaints(tmp_path)

    assert sentence.startswith(f"notes.md:2: {kind}")
    assert text[-12:] not in sentence


@pytest.mark.parametrize(
    "name", [".env", ".env.production", "k8s/overlays/local/secrets/engine.env", "tls.pem", ".seatrial/token"]
)
def test_a_file_of_secrets_is_refused_whatever_it_holds(name: str, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("", encoding="utf-8")

    assert [sentence.split()[0] for sentence in SECRETS.complaints(tmp_path)] == [name]


def test_hashes_digests_and_placeholders_are_no_secrets() -> None:
    text = f"{'0' * 64} {'a' * 40} postgresql://USER:PASSWORD@HOST:PORT/NAME postgresql://x:${{POSTGRES_PASSWORD}}@db/x"

    assert list(SECRETS.secrets_in(text)) == []


def test_this_repository_tracks_no_secret_and_gives_a_reason_for_each_suppression() -> None:
    assert list(SECRETS.complaints()) == []
    assert list(SUPPRESSIONS.complaints()) == []


@pytest.mark.parametrize("line", ["x = 1  # nosec", "x = 1  # nosec B301", "x = 1  # nosec # trust me"])
def test_a_suppression_without_number_or_reason_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "thing.py").write_text(f"{line}\n", encoding="utf-8")

    assert len(list(SUPPRESSIONS.complaints(tmp_path))) == 1
