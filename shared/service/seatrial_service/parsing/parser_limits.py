"""The limits of reading a large body, and the errors of exceeding them."""

from dataclasses import dataclass

from pydantic import Field

from seatrial_core.errors import BodyTooLarge, Unavailable
from seatrial_service.settings import ServiceSettings

MEGABYTE = 1 << 20


class ParsingSettings(ServiceSettings):
    """The settings of services that read large bodies."""

    parse_memory_mb: int = Field(
        768, ge=192, le=65_536, description="Memory in MiB of a process that reads uploads; more refuses the upload."
    )
    parse_seconds: float = Field(
        20.0, ge=0.1, le=600, description="How long reading one upload may take; longer refuses the upload."
    )
    parse_queue: int = Field(
        8, ge=1, le=1_000, description="Uploads that may wait to be read; one more is answered with 503."
    )
    spool_mb: int = Field(
        64, ge=2, le=65_536, description="Space in MiB for uploads that are received or wait; beyond it 503."
    )

    @property
    def parser_limits(self) -> "ParserLimits":
        """Return the limits of the parser pool."""
        return ParserLimits(
            self.parse_memory_mb * MEGABYTE, self.parse_seconds, self.parse_queue, self.spool_mb * MEGABYTE
        )


@dataclass(frozen=True)
class ParserLimits:
    """Limits of a parser pool.

    Args:
        memory_bytes: Of one process.
        seconds: Of reading one body.
        queue: Bodies that may wait.
        spool_bytes: Of all bodies that are being received or wait, beyond the first MiB of each.
    """

    memory_bytes: int
    seconds: float
    queue: int
    spool_bytes: int


class TooCostlyToRead(BodyTooLarge):
    """Reading the body exceeded a limit of memory or time."""

    code = "too_costly_to_read"


class ParserBusy(Unavailable):
    """Too many large bodies are being received or read."""

    code = "parser_busy"


def too_much_memory(limits: ParserLimits) -> TooCostlyToRead:
    """Return the error of a body that takes too much memory."""
    return TooCostlyToRead(
        f"reading the body takes more than {limits.memory_bytes // MEGABYTE} MiB of memory; send fewer rows at a time, "
        "or raise the setting parse_memory_mb of the service"
    )


def too_much_time(limits: ParserLimits) -> TooCostlyToRead:
    """Return the error of a body that takes too long."""
    return TooCostlyToRead(
        f"reading the body takes more than {limits.seconds:g} s; send fewer rows at a time, "
        "or raise the setting parse_seconds of the service"
    )


def busy(reason: str) -> ParserBusy:
    """Return the error of a body that has to wait."""
    return ParserBusy(f"{reason}; send it again in a few seconds", headers={"Retry-After": "5"})
