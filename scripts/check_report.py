"""What the checks of scripts/ print, and the exit code that follows from it."""

import sys
from collections.abc import Iterable


def report(complaints: Iterable[str]) -> int:
    """Print each complaint; return 1 if there is one.

    Args:
        complaints: One sentence for each fault found.
    """
    sentences = list(complaints)
    sys.stdout.writelines(f"{sentence}\n" for sentence in sentences)
    return 1 if sentences else 0
