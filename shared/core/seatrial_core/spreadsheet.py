"""Writes texts into CSV files so that no spreadsheet program runs them as a formula."""

import csv
import io

# OWASP, CSV Injection: a cell that begins with one of these is a formula, also after its quotation mark is removed.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\0")


def cell(value: object) -> object:
    """Return a CSV cell: a text that a spreadsheet would run gets an apostrophe in front, numbers stay numbers.

    Args:
        value: A number, None or a text. A text of digits such as "-1.5" is a number.
    """
    if not isinstance(value, str) or not value.lstrip(" ").startswith(_FORMULA_STARTS) or _is_number(value):
        return value
    return f"'{value}"


def defused(text: str) -> str:
    """Return a CSV document whose cells no spreadsheet program runs.

    Args:
        text: A CSV document that another program has written, with commas and quotation marks.

    Raises:
        ValueError: It is not CSV, or a cell has more than 128 KiB.
    """
    target = io.StringIO()
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        csv.writer(target).writerows([cell(value) for value in row] for row in rows)
    except csv.Error as error:
        raise ValueError(f"this is no CSV that a spreadsheet could read: {error}") from error
    return target.getvalue()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip() and "_" not in text
