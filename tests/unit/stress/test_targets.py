"""The origins that may be loaded."""

import pytest

from seatrial_core.errors import Forbidden, ValidationFailed
from seatrial_stress.plans import targets


@pytest.mark.parametrize("url", ["http://127.0.0.1:5000", "http://localhost:5000/", "http://[::1]:5000"])
def test_this_machine_may_be_loaded(url: str) -> None:
    assert targets.require_allowed(url, ()) == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://example.com", "http://127.0.0.1.example.com", "http://169.254.169.254", "https://10.0.0.1:5000"]
)
def test_another_machine_may_be_loaded_only_if_allowed(url: str) -> None:
    with pytest.raises(Forbidden):
        targets.require_allowed(url, ("http://engine:5000",))

    assert targets.require_allowed(url, (url + "/",)) == url


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "http://", "http://a@127.0.0.1:5000", "http://127.0.0.1:x", ""])
def test_invalid_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationFailed):
        targets.require_allowed(url, ())
