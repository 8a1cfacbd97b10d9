"""Writing a file whole or not at all."""

import os
import stat

import pytest

from tapehead._files import write_atomically


def test_the_new_file_takes_the_old_one_s_place(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_others_may_read_it_as_they_may_any_new_file(tmp_path):
    (tmp_path / "usual").touch()
    write_atomically(tmp_path / "file", b"new")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == stat.S_IMODE((tmp_path / "usual").stat().st_mode)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_if_it_fails_the_old_file_is_as_it_was(call, monkeypatch, tmp_path):
    def refuse(*_: object) -> None:
        raise OSError("no")

    path = tmp_path / "file"
    write_atomically(path, b"old")
    with monkeypatch.context() as patched, pytest.raises(OSError, match="no"):
        patched.setattr(os, call, refuse)
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "device")
    with pytest.raises(OSError, match="expected a file, or a path that does not exist"):
        write_atomically(tmp_path / "device", b"new")
    assert stat.S_ISFIFO((tmp_path / "device").stat().st_mode)
