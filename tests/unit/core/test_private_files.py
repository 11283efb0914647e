"""Files and folders are private whatever the umask is; those of others and links are refused."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial_core import private_files

ANOTHER_USER = 12_345


@pytest.fixture(autouse=True, params=[0o000, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    private_files.make_folder(tmp_path / "new")

    assert mode(tmp_path / "new") == 0o700


def test_the_mode_of_an_existing_folder_is_corrected(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old").chmod(0o777)

    private_files.make_folder(tmp_path / "old")

    assert mode(tmp_path / "old") == 0o700


BOB, EVE, ROOT = 1000, 1001, 0


@pytest.mark.parametrize(
    ("owner", "parent_owner", "user", "is_trusted"),
    [
        pytest.param(BOB, BOB, BOB, True, id="own folder"),
        pytest.param(BOB, ROOT, BOB, True, id="own folder in /tmp"),
        pytest.param(EVE, ROOT, BOB, False, id="folder of another user in /tmp"),
        pytest.param(EVE, BOB, BOB, False, id="folder of another user in our folder"),
        pytest.param(BOB, BOB, ROOT, True, id="root in the folder of a user"),
        pytest.param(EVE, ROOT, ROOT, False, id="root in /tmp"),
        pytest.param(EVE, BOB, ROOT, False, id="root in a folder of a user with the folder of another one"),
    ],
)
def test_a_folder_of_another_user_is_not_trusted(owner: int, parent_owner: int, user: int, is_trusted: bool) -> None:
    assert private_files.is_trusted_owner(owner, parent_owner, user) is is_trusted


def test_a_link_that_we_made_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "disk")

    private_files.make_folder(tmp_path / "link")

    assert mode(tmp_path / "disk") == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to another user")
def test_a_link_of_another_user_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    os.chown(tmp_path / "link", ANOTHER_USER, ANOTHER_USER, follow_symlinks=False)

    with pytest.raises(private_files.UnsafeFolder, match=f"uid {ANOTHER_USER}"):
        private_files.make_folder(tmp_path / "link")


def test_files_are_private(tmp_path: Path) -> None:
    private_files.write_text(tmp_path / "text", "a")
    os.close(private_files.open_append(tmp_path / "log"))

    assert mode(tmp_path / "text") == mode(tmp_path / "log") == 0o600


def test_an_old_log_that_others_could_read_becomes_private(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    (tmp_path / "log").chmod(0o666)

    os.close(private_files.open_append(tmp_path / "log"))

    assert mode(tmp_path / "log") == 0o600


def test_a_log_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("")
    (tmp_path / "log").symlink_to(tmp_path / "target")

    with pytest.raises(OSError, match="symbolic link"):
        private_files.open_append(tmp_path / "log")


def test_a_repair_is_reported_once(tmp_path: Path) -> None:
    (tmp_path / "token").touch()
    (tmp_path / "token").chmod(0o644)
    messages: list[str] = []

    private_files.repair(tmp_path / "token", messages.append)
    private_files.repair(tmp_path / "token", messages.append)

    assert messages == [f"{tmp_path / 'token'} was open to other users (mode 0644) and is now private"]
