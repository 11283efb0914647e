"""A real `seatrial up` on free ports, with the addresses and the token that an attack needs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from tests.support.ports import free_ports

from seatrial.stack.layout import Layout
from seatrial.stack.processes import record
from seatrial.stack.services import SERVICES
from seatrial.stack.stack import Stack

TIMEOUT_SECONDS = 30.0
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "SEATRIAL_POSTGRES_BIN")
# Webhooks are off until a secret is set.
WEBHOOK_SECRET = "a-webhook-secret-of-the-attacks"
WEBHOOK_TOKEN = "a-webhook-token-of-the-attacks"
# Variables of the account that starts the stack; no child may hold one that is not its own.
PLANTED = {
    "AWS_SECRET_ACCESS_KEY": "planted-aws-secret-access-key",
    "GITHUB_TOKEN": "planted-github-token",
    "PGPASSWORD": "planted-pgpassword",
    "ALERT_WEBHOOK_SECRET": "planted-alert-webhook-secret",
}


@dataclass(frozen=True)
class AttackedStack:
    """The running stack.

    Args:
        folder: The working folder of `seatrial up`.
        urls: Address by service name.
        token: The admin token.
        load_page: The address of Locust's page.
        database_url: The address of the database, as its owner.
    """

    folder: Path
    urls: dict[str, str]
    token: str
    load_page: str
    database_url: str

    @property
    def layout(self) -> Layout:
        """Return the files of the stack."""
        return Layout(self.folder)

    def process(self, service: str) -> psutil.Process:
        """Return the process of a service."""
        entry = record.read(self.layout.run, service)
        assert entry is not None
        return psutil.Process(entry.pid)

    def client(self, service: str, token: str | None = None, **options: Any) -> httpx.Client:
        """Return a client of a service; `token` is the admin token by default, "" sends none."""
        bearer = self.token if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return httpx.Client(
            base_url=self.urls[service], headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False, **options
        )


@contextmanager
def attacked_stack(folder: Path) -> Iterator[AttackedStack]:
    """Run all services over the embedded database until the block ends."""
    numbers = free_ports(len(SERVICES) + 1)
    ports = {
        f"SEATRIAL_{service.name.upper()}_PORT": str(port) for service, port in zip(SERVICES, numbers, strict=False)
    }
    environment = {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        **PLANTED,
        **ports,
        "SEATRIAL_STRESS_UI_PORT": str(numbers[-1]),
        "SEATRIAL_ENGINE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "SEATRIAL_ENGINE_WEBHOOK_TOKEN": WEBHOOK_TOKEN,
    }
    with Stack(Layout(folder), environment=environment) as stack:
        stack.start()
        urls = {service.name: stack.url(service.name) for service in SERVICES}
        load_page = f"http://127.0.0.1:{numbers[-1]}"
        yield AttackedStack(folder, urls, stack.token, load_page, stack.database_url)
