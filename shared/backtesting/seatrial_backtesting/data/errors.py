"""The error for data that cannot be read as bars."""

from seatrial_core.errors import FieldError, ValidationFailed


class DataError(ValidationFailed):
    """Data that cannot be read as bars."""

    code = "bad_data"


def data_error(field: str, value: object, allowed: str) -> DataError:
    """Return a DataError that names a field, its value and what is allowed.

    Args:
        field: Name of the option or argument.
        value: Its value.
        allowed: The accepted values, for the message.
    """
    return DataError(f"`{field}` was {value!r}; allowed: {allowed}", errors=[FieldError(field, value, allowed)])
