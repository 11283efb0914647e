"""Pins the distributions of this repository to one version, the content of the file VERSION."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

VERSION_FILE = Path(__file__).resolve().parents[1] / "VERSION"


class PinnedDependencies(MetadataHookInterface):
    """Reads `dependencies` and `optional-dependencies` from the hook's own table and pins our distributions in them."""

    def update(self, metadata: dict[str, Any]) -> None:  # Any: the project table
        """Set the version and the dependencies of a distribution."""
        version = VERSION_FILE.read_text(encoding="ascii").strip()
        metadata["version"] = version
        metadata["dependencies"] = [_pinned(name, version) for name in self.config.get("dependencies", [])]
        extras = self.config.get("optional-dependencies", {})
        if extras:
            metadata["optional-dependencies"] = {
                extra: [_pinned(name, version) for name in names] for extra, names in extras.items()
            }


def _pinned(requirement: str, version: str) -> str:
    is_ours = requirement.startswith("seatrial-") and requirement.replace("-", "").isalpha()
    return f"{requirement}=={version}" if is_ours else requirement
