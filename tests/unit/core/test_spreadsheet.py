"""Texts in CSV files are never formulas; numbers stay numbers."""

import pytest

from seatrial_core.spreadsheet import cell, defused


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1"])
def test_a_text_that_is_a_formula_gets_an_apostrophe(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-1.5, 3, None, "-1.5", "+2e3", "BTCUSDT", "a=b", ""])
def test_numbers_and_other_texts_stay(value: object) -> None:
    assert cell(value) is value


def test_a_csv_document_is_defused_and_otherwise_kept() -> None:
    text = 'Method,Error,Occurrences\r\nPOST,"=HYPERLINK(""http://x"",""y"")",-3\r\nGET,"two\nlines, ok",1\r\n'

    assert defused(text) == text.replace('"=HYPERLINK', "\"'=HYPERLINK")
