"""The origins that may be loaded."""

import pytest

from seatrial_core.errors import Forbidden, ValidationFailed
from seatrial_stress.plans import targets


@pytest.mark.parametrize("url", ["http://127.0.0.1:5000", "http://localhost:5000/", "http://[::1]:5000"])
def test_this_machine_may_be_loaded(url: str) -> None:
    assert targets.require_allowed(url, ()) == url.rstrip("/").replace("localhost", "127.0.0.1")


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://127.0.0.1.example.com", "http://169.254.169.254", "https://10.0.0.1:5000"]
)
def test_another_machine_may_be_loaded_only_if_allowed(url: str) -> None:
    with pytest.raises(Forbidden):
        targets.require_allowed(url, ("http://engine:5000",))

    assert targets.require_allowed(url, (url + "/",)) == url


@pytest.mark.parametrize("url", ["http://ENGINE:80/", "http://engine.", "http://engine:080"])
def test_allowed_origin_is_recognised_in_every_spelling_and_loaded_in_one(url: str) -> None:
    assert targets.require_allowed(url, ("http://Engine",)) == "http://engine"


@pytest.mark.parametrize(
    "url", ["http://0.0.0.0:5000", "http://[::]:5000", "http://x.localhost", "https://engine:5000"]
)
def test_address_that_only_may_be_this_machine_is_not_loaded(url: str) -> None:
    with pytest.raises(Forbidden):
        targets.require_allowed(url, ("http://engine:5000",))


@pytest.mark.parametrize(
    ("target", "engine", "expected"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000/", True),
        ("http://engine", "HTTP://Engine.:80/base", True),
        ("https://engine", "https://engine:443", True),
        ("http://127.0.0.2:5000", "http://127.0.0.1:5000", False),
        ("http://[::1]:5000", "http://127.0.0.1:5000", False),
        ("http://localhost:5000", "http://127.0.0.1:5000", False),
        ("http://127.0.0.1:5001", "http://127.0.0.1:5000", False),
        ("http://engine:443", "https://engine", False),
        ("http://engine", "http://user:password@engine", False),
        ("http://engine", "", False),
    ],
)
def test_only_the_engines_own_origin_gets_its_token(target: str, engine: str, expected: bool) -> None:
    assert targets.is_origin_of(target, engine) is expected


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://127.0.0.1", "http://", "http://a@127.0.0.1:5000", "http://:x@127.0.0.1", "http://127.0.0.1:x", ""),
        *(
            "http://127.1:5000",
            "http://127.0.0.1#@evil.example",
            "http://127.0.0.1\\@evil.example",
            "http://localhost/v1",
        ),
    ],
)
def test_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationFailed):
        targets.require_allowed(url, ())


def test_password_of_a_refused_address_is_not_repeated() -> None:
    with pytest.raises(ValidationFailed) as refused:
        targets.origin("http://bob:planted-password@127.0.0.1:5000")

    assert "planted-password" not in f"{refused.value} {refused.value.errors}"
