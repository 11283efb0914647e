"""A line of a log file is what ends with a newline; other line breaks in it stay in it."""

from pathlib import Path

from seatrial.stack import logfile


def test_a_carriage_return_does_not_begin_a_line(tmp_path: Path) -> None:
    file = tmp_path / "postgres.log"
    file.write_bytes(b"one\rforged\ntwo\r\nthree\x0bforged\xe2\x80\xa8forged\n")

    assert list(logfile.read(file, 10, follow=False)) == ["one\rforged", "two\r", "three\x0bforged\u2028forged"]
