"""A load on an https:// engine: its certificate is verified before an order or a token is sent."""

import subprocess
from pathlib import Path

import pytest
from tests.services.stress.test_stress_command import TINY, stress
from tests.services.stress.tiny_engine import TinyEngine, serving

TOKEN = "planted-token-of-the-target"


def make_certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """Make a self-signed certificate and return two PEM files: with the key, and without."""
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    folder.mkdir(exist_ok=True)
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    subject = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    subprocess.run(
        [*command.split(), *subject, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    both.write_text(key.read_text(encoding="ascii") + certificate.read_text(encoding="ascii"), encoding="ascii")
    return both, certificate


@pytest.fixture
def options(tmp_path: Path) -> tuple[str, ...]:
    plan, token = tmp_path / "tiny.json", tmp_path / "token"
    short = TINY.model_copy(update={"duration_seconds": 1.0, "rate_per_second": 120.0})
    plan.write_text(short.model_dump_json(), encoding="utf-8")
    token.write_text(TOKEN, encoding="utf-8")
    return ("--plan", str(plan), "--token-file", str(token))


def test_unknown_certificate_stops_the_load_before_anything_is_sent(tmp_path: Path, options: tuple[str, ...]) -> None:
    both, _ = make_certificate(tmp_path, "localhost")
    engine = TinyEngine()

    with serving(engine, both) as address:
        done = stress("run", "--target", address, *options)

    assert done.returncode in {1, 3}, done.stdout + done.stderr
    assert engine.requests == 0


def test_certificate_of_the_given_authority_is_accepted(tmp_path: Path, options: tuple[str, ...]) -> None:
    both, certificate = make_certificate(tmp_path, "localhost")
    engine = TinyEngine()

    with serving(engine, both) as address:
        done = stress("run", "--target", address, *options, "--ca-file", str(certificate))

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(engine.orders) > 10
    assert engine.tokens == {TOKEN}
    assert "not verified" not in done.stderr


def test_certificate_of_another_host_or_authority_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    elsewhere, its_certificate = make_certificate(tmp_path / "elsewhere", "engine.example.com")
    _, other_authority = make_certificate(tmp_path / "other", "localhost")
    engine = TinyEngine()

    with serving(engine, elsewhere) as address:
        for authority in (its_certificate, other_authority):
            done = stress("run", "--target", address, *options, "--ca-file", str(authority))
            assert done.returncode in {1, 3}, done.stdout + done.stderr

    assert engine.requests == 0


def test_insecure_sends_the_load_with_a_warning(tmp_path: Path, options: tuple[str, ...]) -> None:
    both, _ = make_certificate(tmp_path, "engine.example.com")
    engine = TinyEngine()

    with serving(engine, both) as address:
        done = stress("run", "--target", address, *options, "--insecure")

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(engine.orders) > 10
    (warning,) = [line for line in done.stderr.splitlines() if "--insecure" in line]
    assert f"the certificate of {address} is not verified" in warning
    assert TOKEN not in done.stdout + done.stderr


def test_missing_or_empty_authority_file_is_a_usage_error(tmp_path: Path, options: tuple[str, ...]) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")

    for file in (empty, tmp_path / "missing.pem"):
        done = stress("run", "--target", "https://localhost:1", *options, "--ca-file", str(file))
        assert done.returncode == 5, done.stdout + done.stderr
        assert "--ca-file" in done.stderr and "Traceback" not in done.stderr
