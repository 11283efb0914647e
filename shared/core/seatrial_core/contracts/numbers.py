"""Numbers and instants that come from outside: finite, and small enough for every database column and calculation."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

MAX_INT64 = 2**63 - 1
MAX_AMOUNT = 1e20
# Instants of data; wide enough for every market's history, narrow enough to add and subtract years.
EARLIEST = datetime(1800, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def _representable(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError("must be a finite number")
    if value and not -18 <= value.adjusted() <= 20:
        raise ValueError("must be between 1e-18 and 1e20 in size")
    if len(value.as_tuple().digits) > 40:
        raise ValueError("must have at most 40 digits")
    return value


def _from_text(value: object) -> object:
    # A float carries binary noise into the ledger; its shortest text is what the sender meant.
    return repr(value) if isinstance(value, float) else value


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("must not be negative")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999 UTC") from None


def _in_data_range(value: datetime) -> datetime:
    if not EARLIEST <= value < LATEST:
        raise ValueError(f"must lie in the years {EARLIEST.year} to {LATEST.year - 1}")
    return value


Money = Annotated[Decimal, BeforeValidator(_from_text), AfterValidator(_representable)]
Amount = Annotated[Money, AfterValidator(_not_negative)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=MAX_INT64)]
Integer = Annotated[int, Field(ge=-MAX_INT64 - 1, le=MAX_INT64)]
RowCursor = Annotated[int, Field(ge=1, le=MAX_INT64)]
# Any instant of a calendar in UTC: for filters, where the year 1 means "from the beginning".
AnyInstant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Instant = Annotated[AnyInstant, AfterValidator(_in_data_range)]
