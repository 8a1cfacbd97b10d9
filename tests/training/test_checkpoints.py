"""A damaged checkpoint is never taken for a whole one, and the one before it is used instead."""

import json
import os
import pickle
import random
import shutil
from pathlib import Path

import pytest
import torch

from tapehead.training.checkpoints import (
    Checkpoint,
    last_checkpoint,
    read_checkpoint,
    remove_later,
    write_checkpoint,
)
from tapehead.training.errors import DamagedFileError, StoppedError
from tests.training.tiny import digests, resume, stop_after, tiny_config, train, undisturbed

pytestmark = pytest.mark.reliability(8)


def checkpoint(step: int) -> Checkpoint:
    tensors = {"weight": torch.arange(6.0).reshape(2, 3) + step, "step": torch.tensor(step)}
    return Checkpoint(step, tensors, {"loss": 0.1 + step, "solved": None})


def same(one: Checkpoint, other: Checkpoint) -> bool:
    tensors = all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors | other.tensors)
    return tensors and (one.step, one.state) == (other.step, other.state)


def two_checkpoints(folder: Path) -> None:
    write_checkpoint(folder, checkpoint(3))
    write_checkpoint(folder, checkpoint(7))


def test_what_was_written_comes_back(tmp_path):
    write_checkpoint(tmp_path, checkpoint(3))
    assert same(read_checkpoint(tmp_path, 3), checkpoint(3))


def test_the_last_two_are_kept(tmp_path):
    for step in (1, 2, 3, 10, 100_000_000_000):
        write_checkpoint(tmp_path, checkpoint(step))
    assert {path.stem.lstrip("0") for path in tmp_path.iterdir()} == {"10", "100000000000"}
    last, problems = last_checkpoint(tmp_path)
    assert same(last, checkpoint(100_000_000_000))
    assert problems == []


def test_an_empty_folder_has_none(tmp_path):
    assert last_checkpoint(tmp_path) == (None, [])


def damaged(data: bytes, drawn: random.Random) -> bytes:
    """Change, lose, add, double or zero some bytes; never nothing."""
    place, much = drawn.randrange(len(data)), drawn.choice([1, 1, 8, 100])
    changed = [
        data[:place] + bytes([data[place] ^ (1 << drawn.randrange(8))]) + data[place + 1 :],
        data[:place],
        data[:place] + data[place + much :],
        data[:place] + drawn.randbytes(much) + data[place:],
        data[:place] + data[place : place + much] + data[place:],
        data[:place] + bytes(len(data[place : place + much])) + data[place + much :],
    ][drawn.randrange(6)]
    return changed if changed != data else data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def spoil_the_last(folder: Path, times: int) -> None:
    """Damage the last checkpoint in many ways; each time it is found out, and the one before is read."""
    two_checkpoints(folder)
    drawn = random.Random(times)
    files = {path: path.read_bytes() for path in sorted(folder.glob("*7.*"))}
    for _ in range(times):
        path = drawn.choice(sorted(files))
        path.write_bytes(damaged(files[path], drawn))
        found, problems = last_checkpoint(folder)
        assert same(found, checkpoint(3))
        assert len(problems) == 1
        assert str(folder) in str(problems[0])
        path.write_bytes(files[path])
    assert same(last_checkpoint(folder)[0], checkpoint(7))


def test_a_damaged_checkpoint_is_found_out_and_the_one_before_is_used(tmp_path, record_property):
    record_property("cases", 500)
    spoil_the_last(tmp_path, 500)


@pytest.mark.slow
def test_ten_thousand_damages_are_found_out(tmp_path, record_property):
    record_property("cases", 10_000)
    spoil_the_last(tmp_path, 10_000)


def test_a_checkpoint_under_the_name_of_another_is_found_out(tmp_path):
    two_checkpoints(tmp_path)
    for suffix in ("json", "safetensors"):
        shutil.copy(tmp_path / f"00000003.{suffix}", tmp_path / f"00000007.{suffix}")
    with pytest.raises(DamagedFileError, match="it is of step 3"):
        read_checkpoint(tmp_path, 7)


def test_a_missing_half_is_found_out(tmp_path):
    two_checkpoints(tmp_path)
    (tmp_path / "00000007.safetensors").unlink()
    found, problems = last_checkpoint(tmp_path)
    assert same(found, checkpoint(3))
    assert "cannot be read" in str(problems[0])


def test_if_none_is_whole_nothing_is_loaded(tmp_path):
    two_checkpoints(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    with pytest.raises(DamagedFileError, match="no checkpoint can be used"):
        last_checkpoint(tmp_path)


class Malice:
    """Runs a command when it is unpickled."""

    def __init__(self, number: int, witness: Path) -> None:
        self.number, self.witness = number, witness

    def __reduce__(self):
        return os.mkdir, (str(self.witness / str(self.number)),)


def test_a_pickle_is_never_run(tmp_path, record_property):
    record_property("cases", 20)
    witness = tmp_path / "witness"
    witness.mkdir()
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    two_checkpoints(folder)
    for number in range(20):
        malice = Malice(number, witness)
        path = folder / ("00000007.json" if number % 2 else "00000007.safetensors")
        path.write_bytes(pickle.dumps(malice, protocol=number % 6))
        if number % 5 == 0:
            torch.save(malice, path)
        assert same(last_checkpoint(folder)[0], checkpoint(3))
    assert not list(witness.iterdir())


def test_what_a_crash_left_half_written_is_cleared_away(tmp_path):
    two_checkpoints(tmp_path)
    (tmp_path / ".00000009.json.abc.part").write_bytes(b"half")
    (tmp_path / "00000009.safetensors").write_bytes(b"no manifest")
    remove_later(tmp_path, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000003.json", "00000003.safetensors"]


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one_and_ends_the_same(tmp_path):
    config = tiny_config()
    expected = undisturbed(config, tmp_path / "undisturbed")
    with pytest.raises(StoppedError):
        train(config, tmp_path / "run", should_stop=stop_after(10))
    (tmp_path / "run/checkpoints/00000010.safetensors").write_bytes(b"damaged")
    warnings: list[str] = []
    resume(tmp_path / "run", warn=warnings.append)
    assert len(warnings) == 1
    assert "it is made again from the checkpoint of step 8" in warnings[0]
    assert digests(tmp_path / "run") == expected


def test_metrics_that_were_changed_are_found_out(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(10))
    metrics = (tmp_path / "metrics.jsonl").read_text()
    (tmp_path / "metrics.jsonl").write_text(metrics.replace("1", "2", 1))
    with pytest.raises(DamagedFileError, match="not what was written up to step 10"):
        resume(tmp_path)


def test_a_checkpoint_of_another_model_is_refused_in_one_line(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(10))
    folder = tmp_path / "checkpoints"
    last, _ = last_checkpoint(folder)
    write_checkpoint(folder, last._replace(tensors={"model.nothing": torch.zeros(1)}))
    with pytest.raises(DamagedFileError, match="of another model") as caught:
        resume(tmp_path)
    assert "\n" not in str(caught.value)


def test_manifests_are_json(tmp_path):
    write_checkpoint(tmp_path, checkpoint(3))
    assert json.loads((tmp_path / "00000003.json").read_text())["state"] == {"loss": 3.1, "solved": None}
