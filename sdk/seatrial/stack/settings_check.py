"""Asks the services, before anything starts, whether they would refuse their settings."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from seatrial.stack.errors import StackError
from seatrial.stack.services import ServiceSpec
from seatrial_core.child_environment import allowed

PROGRAM = (sys.executable, "-m", "seatrial_service.settings_check")
TIMEOUT_SECONDS = 60.0
# The addresses of the database are known later, and checked then.
DATABASE = {"SEATRIAL_DATABASE_URL": "postgresql://checked.later/seatrial"}


def refusals(environments: Sequence[tuple[ServiceSpec, Mapping[str, str]]], folder: Path) -> list[str]:
    """Return one sentence for each refusal, with the names of the services that share it.

    The environments go through a pipe: a command line can be read by every account.
    """
    question = {
        service.name: {"module": service.module, "environment": dict(environment)}
        for service, environment in environments
        if not service.command
    }
    if not question:
        return []
    try:
        done = subprocess.run(
            PROGRAM,
            input=json.dumps(question),
            capture_output=True,
            text=True,
            cwd=folder,
            env=allowed(environments[0][1]),
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
        answer: dict[str, str] = json.loads(done.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        last = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        raise StackError(f"The settings of the services cannot be checked: {' '.join(last)}") from error
    by_sentence: dict[str, list[str]] = {}
    for name, sentence in answer.items():
        by_sentence.setdefault(sentence, []).append(name)
    return [f"{', '.join(names)}: {sentence}" for sentence, names in by_sentence.items()]
