"""JSON logs on standard output, one object per line, with the request id."""

import logging
import sys
from contextvars import ContextVar

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from seatrial_core.redaction import HIDDEN, is_secret_name, redact_value

# What JSON can carry; anything else is logged as its text.
PLAIN_TYPES = (str, bool, int, float, list, tuple, dict, set, frozenset, type(None))

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def configure(service: str, level: str = "INFO") -> None:
    """Send all logs of this process, including those of libraries, to standard output as JSON."""
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _add_request_id,
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("event"),
        _redact,
    ]

    def add_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    structlog.configure(
        processors=[add_service, *shared, structlog.processors.JSONRenderer(default=str)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(level.upper(), 20)),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[add_service, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "uvicorn.access", "procrastinate"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get() -> structlog.typing.FilteringBoundLogger:
    """Return the logger; events are names with fields: `log.info("rule_fired", rule=...)`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # Texts of libraries and tracebacks may quote an address with its password.
    return {
        name: redact_value(value if isinstance(value, PLAIN_TYPES) else str(value))
        if not is_secret_name(name)
        else HIDDEN
        for name, value in event.items()
    }


def _add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    current = request_id.get()
    if current is not None:
        event["request_id"] = current
    return event
