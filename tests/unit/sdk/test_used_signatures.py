"""The memory of accepted webhooks accepts no signature twice: full, restarted, damaged, or with a clock set back."""

import random
import stat
import threading
from pathlib import Path

import pytest

from seatrial.engine.used_signatures import MAX_SIGNATURES, SignatureFile, UsedSignatures
from seatrial_core.errors import Unavailable
from seatrial_core.signing import MAX_AHEAD_SECONDS, TOLERANCE_SECONDS

NOW = 1_700_000_000
UNREADABLE = (b"", b"[]", b"{", b"\xff", b'{"floor": 0}', b'{"floor": 0, "signed_at": {"a": "x"}}')


def test_a_full_memory_forgets_the_oldest_and_accepts_none_twice() -> None:
    used = UsedSignatures(max_signatures=50)
    accepted = [(f"hook:{number}", NOW + number // 5) for number in range(500)]

    first = [used.use(identity, at, at) for identity, at in accepted]
    again = [used.use(identity, at, accepted[-1][1]) for identity, at in accepted]

    assert all(first)
    assert not any(again)
    assert len(used.signed_at) <= 50


def test_signatures_in_any_order_are_accepted_at_most_once() -> None:
    generator = random.Random(9)
    used = UsedSignatures(max_signatures=20)
    accepted: set[int] = set()

    for _ in range(5_000):
        number = generator.randrange(400)
        now = NOW + generator.randrange(-1_000, 1_000)  # the clock jumps both ways
        if used.use(f"hook:{number}", NOW + number, now):
            assert number not in accepted
            accepted.add(number)
        assert len(used.signed_at) <= 20

    assert accepted


def test_a_clock_set_back_makes_no_expired_signature_new() -> None:
    used = UsedSignatures()
    assert used.use("hook:a", NOW, NOW)
    used.use("hook:b", NOW + 2 * TOLERANCE_SECONDS, NOW + 2 * TOLERANCE_SECONDS)

    assert not used.use("hook:a", NOW, NOW)


def test_the_file_outlives_its_process_and_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "spill"
    first = SignatureFile(folder, "paper", "secret")
    first.prepare()

    assert first.use("hook:a", NOW, NOW)
    restarted = SignatureFile(folder, "paper", "secret")
    assert not restarted.use("hook:a", NOW, NOW)
    assert restarted.use("hook:b", NOW, NOW)
    assert SignatureFile(folder, "live", "secret").use("hook:a", NOW, NOW)
    assert SignatureFile(folder, "paper", "another").use("hook:a", NOW, NOW)
    files = list(folder.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert not any("secret" in file.name or "secret" in file.read_text() for file in files if file.suffix == ".json")


@pytest.mark.parametrize("content", UNREADABLE)
def test_an_unreadable_file_refuses_what_may_have_been_accepted(tmp_path: Path, content: bytes) -> None:
    memory = SignatureFile(tmp_path, "paper", "secret")
    assert memory.use("hook:a", NOW, NOW)
    next(tmp_path.glob("used-signatures-*.json")).write_bytes(content)

    assert not memory.use("hook:a", NOW, NOW)
    assert not memory.use("hook:b", NOW + MAX_AHEAD_SECONDS, NOW)
    assert memory.use("hook:c", NOW + MAX_AHEAD_SECONDS + 1, NOW + MAX_AHEAD_SECONDS)


def test_a_signature_that_cannot_be_stored_is_not_accepted(tmp_path: Path) -> None:
    memory = SignatureFile(tmp_path / "missing", "paper", "secret")

    with pytest.raises(Unavailable, match="was not traded"):
        memory.use("hook:a", NOW, NOW)


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    memory = SignatureFile(tmp_path / "spill", "paper", "secret")
    memory.prepare()
    lock = next((tmp_path / "spill").glob(".used-signatures-*.lock"))
    lock.unlink()
    lock.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Unavailable):
        memory.use("hook:a", NOW, NOW)
    assert not (tmp_path / "elsewhere").exists()


def test_one_delivery_to_many_threads_is_accepted_once(tmp_path: Path) -> None:
    memory = SignatureFile(tmp_path, "paper", "secret")
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(memory.use("hook:a", NOW, NOW))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [False] * 7 + [True]


def test_the_memory_has_room_for_a_sender_that_is_busy() -> None:
    assert MAX_SIGNATURES / (TOLERANCE_SECONDS + MAX_AHEAD_SECONDS) > 25
