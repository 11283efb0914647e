"""The passwords of the database roles that a stack's services connect as; random, in one private file."""

import json
import secrets
from pathlib import Path

from seatrial.stack.errors import StackError, not_writable
from seatrial_core import private_files, redaction

SERVICES = ("metrics", "alerts", "backtest", "engine", "stress")
FILE = "role-passwords.json"


def of_folder(server_folder: Path) -> dict[str, str]:
    """Return the password by service of an embedded server; those that are missing are made.

    Raises:
        StackError: The file cannot be read or written.
    """
    file = server_folder / FILE
    try:
        passwords = _read(file)
        missing = {name: secrets.token_urlsafe(24) for name in SERVICES if name not in passwords}
        if missing:
            passwords |= missing
            private_files.write_text(file, json.dumps(passwords) + "\n")
        private_files.repair(file)
    except OSError as error:
        raise not_writable(file, error) from error
    for secret in passwords.values():
        redaction.remember(secret)
    return passwords


def role_of(service: str) -> str:
    """Return the name of the role of a service."""
    return f"seatrial_{service}"


def password_variable(service: str) -> str:
    """Return the variable in which the migration step reads the password of a service's role."""
    return f"SEATRIAL_{service.upper()}_DATABASE_PASSWORD"


def _read(file: Path) -> dict[str, str]:
    try:
        private_files.require_own(file)
        stored = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        stored = None
    if not isinstance(stored, dict) or not all(isinstance(secret, str) and secret for secret in stored.values()):
        raise StackError(f"{file} cannot be read. Delete it; the next `seatrial up` sets new passwords.")
    return {name: secret for name, secret in stored.items() if name in SERVICES}
