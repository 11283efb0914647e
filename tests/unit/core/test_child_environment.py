"""A child process gets the variables it needs and no secret of the user."""

from seatrial_core.child_environment import allowed

ENVIRONMENT = {
    "PATH": "/bin",
    "HOME": "/home/bob",
    "LC_TIME": "C",
    "TZ": "UTC",
    "SSL_CERT_FILE": "/etc/ca.pem",
    "https_proxy": "http://proxy:3128",
    "PYTHONPATH": "/strategies",
    "SEATRIAL_ENGINE_FEE": "0.1",
    "AWS_SECRET_ACCESS_KEY": "planted",
    "GITHUB_TOKEN": "planted",
    "LOCUST_HOST": "planted",
    "PGPASSWORD": "planted",
}


def test_system_network_and_named_variables_are_kept() -> None:
    child = allowed(ENVIRONMENT, prefixes=("SEATRIAL_ENGINE_",))

    assert set(child) == {
        *("PATH", "HOME", "LC_TIME", "TZ", "SSL_CERT_FILE", "https_proxy", "PYTHONPATH", "SEATRIAL_ENGINE_FEE"),
    }


def test_a_child_without_network_gets_no_proxy() -> None:
    assert "https_proxy" not in allowed(ENVIRONMENT, with_network=False)
