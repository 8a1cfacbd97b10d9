"""A disk that is full, a run directory that cannot be written to, and one that is in use."""

import errno
import fcntl
import os
import re
import resource
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure

from tapehead import plots
from tapehead.training.checkpoints import last_checkpoint
from tapehead.training.errors import InUseError, RunDirError, StoppedError, StorageError
from tapehead.training.run_dir import explain_errors, lock
from tests.processes import PROCESSES, elsewhere
from tests.training.tiny import digests, resume, stop_after, tiny_config, train, undisturbed


def until_full(path: Path, largest_file: int) -> str:
    """Train where no file may grow beyond so many bytes; say what the error says."""
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    with pytest.raises(StorageError) as caught:
        train(tiny_config(), path)
    return str(caught.value)


def fill(tmp_path: Path, levels: list[int]) -> None:
    expected = undisturbed(tiny_config(), tmp_path / "undisturbed")
    for level in levels:
        path = tmp_path / str(level)
        said = elsewhere(until_full, path, level)
        assert str(path) in said
        assert re.search(r"no space: [1-9]\d* bytes needed, \d+ bytes free", said), said
        if (path / "run.json").exists():
            _, problems = last_checkpoint(path / "checkpoints")
            assert problems == []
            resume(path)
        else:
            train(tiny_config(), path)
        assert digests(path) == expected, "once there is room, the run goes on as if nothing had happened"


@pytest.mark.reliability(11)
def test_on_a_full_disk_the_message_has_the_numbers_and_the_run_can_go_on(tmp_path):
    fill(tmp_path, [1, 2000])


@pytest.mark.reliability(11)
@pytest.mark.slow
def test_twenty_levels_of_a_full_disk(tmp_path, record_property):
    record_property("cases", 20)
    fill(
        tmp_path,
        [1, 8, 60, 100, 200, 300, 400, 500, 700, 900, 1000, 1200, 1400, 1600, 2000, 2400, 3000, 4000, 5000, 6000],
    )


@pytest.mark.reliability(11)
def test_a_directory_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(tmp_path / "run"))

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(StorageError, match=f"{tmp_path}/run: cannot be written: Read-only file system"):
        train(tiny_config(), tmp_path / "run")


@pytest.mark.reliability(11)
def test_a_file_in_the_directory_s_place_is_named(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(StorageError, match=f"{tmp_path}/run: expected a directory, or a path that does not exist"):
        train(tiny_config(), tmp_path / "run")


def hold(path: Path, held, release) -> None:
    with lock(path):
        held.set()
        release.wait()


@pytest.mark.reliability(19)
def test_a_second_process_is_refused_and_told_which_is_the_first(tmp_path):
    begun = tmp_path / "begun"
    with pytest.raises(StoppedError):
        train(tiny_config(), begun, should_stop=stop_after(2))
    held, release = PROCESSES.Event(), PROCESSES.Event()
    first = PROCESSES.Process(target=hold, args=(begun, held, release))
    first.start()
    held.wait()
    for refused in (lambda: train(tiny_config(), begun), lambda: resume(begun)):
        with pytest.raises(RunDirError, match=f"in use by process {first.pid}"):
            refused()
    release.set()
    first.join()
    resume(begun)


@pytest.mark.reliability(19)
@pytest.mark.parametrize("holder", [None, "", "[1]", '"x"', "true"])
def test_a_second_process_is_refused_even_if_it_is_not_known_which_is_the_first(holder, tmp_path):
    with lock(tmp_path):
        (tmp_path / "lock_holder.json").unlink()
        if holder is not None:
            (tmp_path / "lock_holder.json").write_text(holder)
        with pytest.raises(InUseError, match=f"^{tmp_path}: in use by another process, which is training there$"):
            train(tiny_config(), tmp_path)


def fill_while_drawing(path: Path, largest_file: int) -> str:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    with pytest.raises(StorageError) as caught, explain_errors(path):
        plots.save(Figure(), path / "picture")
    return str(caught.value)


@pytest.mark.reliability(11)
def test_a_full_disk_leaves_no_half_of_a_picture(tmp_path):
    said = elsewhere(fill_while_drawing, tmp_path, 100)
    assert said.startswith(f"{tmp_path}/picture.png: no space: ")
    assert list(tmp_path.iterdir()) == []


def fill_while_saving(path: Path, largest_file: int) -> str:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    with pytest.raises(OSError, match="File too large") as caught:
        tiny_config().make_model().save(path)
    return str(caught.value)


@pytest.mark.reliability(11)
def test_a_full_disk_names_the_model_s_file(tmp_path):
    said = elsewhere(fill_while_saving, tmp_path / "model.safetensors", 100)
    assert said == f"[Errno {errno.EFBIG}] File too large: '{tmp_path}/model.safetensors'"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.reliability(19)
def test_the_lock_of_a_killed_process_is_free(tmp_path):
    held, release = PROCESSES.Event(), PROCESSES.Event()
    first = PROCESSES.Process(target=hold, args=(tmp_path, held, release))
    first.start()
    held.wait()
    first.kill()
    first.join()
    train(tiny_config(), tmp_path)


@pytest.mark.reliability(19)
def test_the_lock_ends_with_the_run(tmp_path):
    train(tiny_config(), tmp_path)
    with (tmp_path / "lock").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
