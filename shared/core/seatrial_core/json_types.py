"""Type aliases for decoded JSON objects."""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]  # Any: the values of a JSON object
JsonMapping = Mapping[str, Any]  # Any: the same, read only
