"""The one canonical form of an address, which decides where load and tokens may go."""

import pytest

from seatrial_core.addresses import is_own_host, origin, parse_origin
from seatrial_service.settings import is_loopback


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        (" http://127.0.0.1:5000/ ", "http://127.0.0.1:5000"),
        ("HTTP://LocalHost:05000", "http://localhost:5000"),
        ("http://localhost.:5000", "http://localhost:5000"),
        ("http://Engine.Example.com.:80", "http://engine.example.com"),
        ("https://engine.example.com:443/v1", "https://engine.example.com"),
        ("https://engine.example.com:80", "https://engine.example.com:80"),
        ("http://engine.example.com:", "http://engine.example.com"),
        ("http://seatrial_engine:5000", "http://seatrial_engine:5000"),
        ("http://[0:0::0001]:5000", "http://[::1]:5000"),
        ("http://[::FFFF:127.0.0.1]:5000", "http://127.0.0.1:5000"),
        ("http://[::ffff:a9fe:a9fe]", "http://169.254.169.254"),
        ("http://xn--e1awd7f.example", "http://xn--e1awd7f.example"),
    ],
)
def test_spellings_of_one_origin_have_one_form(url: str, canonical: str) -> None:
    assert str(parse_origin(url)[0]) == canonical


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:5000",
        "//127.0.0.1:5000",
        "http:127.0.0.1:5000",
        "http:/127.0.0.1:5000",
        "http:///127.0.0.1:5000",
        "ftp://127.0.0.1",
        "http://",
        "http://.",
        "http://a..b",
        "http://-a",
        "http://*",
        f"http://{'a' * 64}",
        f"http://{'a.' * 127}aa",
        f"http://127.0.0.1/{'a' * 2_000}",
        "http://127.1:5000",
        "http://127.0.0.1.1",
        "http://127.0.0.01",
        "http://0177.0.0.1",
        "http://0x7f.0.0.1",
        "http://0x7f000001",
        "http://2130706433",
        "http://127.0.0.0x1",
        "http://engine.1",
        "http://127.0.0.256",
        "http://127.0.0.1..",
        "http://[::1%lo]",
        "http://[::1%25lo]",
        "http://[127.0.0.1]",
        "http://[::1",
        "http://::1",
        "http://[::1]x",
        "http://[v1.a]",
        "http://a@127.0.0.1",
        "http://:x@127.0.0.1",
        "http://@127.0.0.1",
        "http://127.0.0.1:5000@evil.example",
        "http://127.0.0.1#@evil.example",
        "http://127.0.0.1?@evil.example",
        "http://127.0.0.1#",
        "http://127.0.0.1?",
        "http://127.0.0.1\\@evil.example",
        "http:\\\\127.0.0.1",
        "http://127.0.0.1/\\evil.example",
        "http://evil.example\t.localhost",
        "http://local\nhost",
        "http://local\rhost",
        "http://local host",
        "http://localhost\x00",
        "\x0bhttp://localhost",
        "http://localhost\n",
        "http://%31%32%37.0.0.1",
        "http://localhost%00.evil.example",
        "http://127.0.0.1%2f@evil",
        "http://１２７.0.0.1",
        "http://127。0。0。1",
        "http://ⓛocalhost",
        "http://bücher.example",
        "http://localho\u017ft",
        "http://127.0.0.1:\u0665000",
        "http\u017f://127.0.0.1",
        "http://127.0.0.1:0",
        "http://127.0.0.1:65536",
        "http://127.0.0.1:999999",
        "http://127.0.0.1:-1",
        "http://127.0.0.1:+5000",
        "http://127.0.0.1:5_000",
        "http://127.0.0.1:x",
        "http://127.0.0.1, http://evil.example",
    ],
)
def test_address_that_can_be_read_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        parse_origin(url)
    assert origin(url) is None


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"]
)
def test_own_host(host: str) -> None:
    assert is_own_host(host)
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "0.0.0.0", "::", "127.1", "2130706433", "0x7f.1", "127.0.0.1.nip.io", "localhost.evil.example"),
        *("x.localhost", "evil-localhost", "::127.0.0.1", "::1%eth0", "10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"),
    ],
)
def test_other_host(host: str) -> None:
    assert not is_own_host(host)
    assert not is_loopback(host)
