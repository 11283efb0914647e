"""Reads small text files that a person wrote: never more of a file than its limit."""

from pathlib import Path

from seatrial_core.errors import field_error


def read_small_text(path: Path, max_bytes: int, name: str) -> str:
    """Return the text of a file.

    Args:
        path: The file.
        max_bytes: Its largest size; no more than one byte beyond it is read, whatever the file system says.
        name: The field or option that names the file, for the message.

    Raises:
        OSError: It cannot be read.
        UnicodeDecodeError: It is not UTF-8.
        ValidationFailed: It is larger.
    """
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise field_error(name, str(path), f"a file of at most {max_bytes} bytes")
    return content.decode("utf-8")
