"""Checks the settings of services without starting them: `python -m seatrial_service.settings_check`.

Standard input is a JSON object: the module and the environment of each service by its name. Standard output is one of
the sentences of those that would refuse to start.
"""

import importlib
import json
import os
import sys
from collections.abc import Mapping

from seatrial_core.errors import SettingsError
from seatrial_service import serving


def refusal(service: str, module: str, environment: Mapping[str, str]) -> str:
    """Return why a service would refuse its settings, or an empty text; replaces the environment of this process."""
    os.environ.clear()
    os.environ.update(environment)
    try:
        serving.checked(service, importlib.import_module(f"{module}.__main__").load)
    except SettingsError as error:
        return str(error)
    return ""


def main() -> int:
    """Read the services, write the refusals."""
    services = json.load(sys.stdin)
    refusals = {name: refusal(name, given["module"], given["environment"]) for name, given in services.items()}
    json.dump({name: sentence for name, sentence in refusals.items() if sentence}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
