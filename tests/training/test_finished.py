"""A finished run is believed only as far as its checksums go; what is damaged is named, and made again if it can be."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tapehead.experiments.records import record_run
from tapehead.training.checksums import CHECKSUM, open_sealed, seal
from tapehead.training.errors import DamagedFileError, RunDirError
from tapehead.training.loaded_run import load_run
from tapehead.training.restore import finished_result, write_result
from tapehead.training.run_dir import append_rows, read_evaluations, set_aside
from tests.processes import PROCESSES
from tests.training.tiny import digests, expect_no_warning, resume, tiny_config, train

ROWS = [{"step": 12, "length": length, "memory_slots": 5, "errors": 1.0, "bits": 2.0} for length in (3, 4)]
UNLIKE = "not what it was when the run finished"


def _edit_result(path: Path) -> None:
    text = (path / "result.json").read_text()
    (path / "result.json").write_text(text.replace('"step": 12', '"step": 13'))


def _append_metrics(path: Path) -> None:
    with (path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 13}\n')


DAMAGES: dict[str, Callable[[Path], object]] = {
    "weights.safetensors": lambda path: (path / "weights.safetensors").write_bytes(b""),
    "result.json": _edit_result,
    "metrics.jsonl": _append_metrics,
}


@pytest.mark.reliability(8)
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_named_and_made_again(name: str, tmp_path: Path) -> None:
    result = train(tiny_config(), tmp_path)
    before = digests(tmp_path)
    DAMAGES[name](tmp_path)
    assert finished_result(tmp_path) is None
    warnings: list[str] = []
    assert resume(tmp_path, warn=warnings.append)._replace(seconds=0) == result._replace(seconds=0)
    (warning,) = warnings
    assert warning.startswith(f"{tmp_path}/{name}: not what ")
    assert warning.endswith("; it is made again from the checkpoint of step 12")
    assert digests(tmp_path) == before
    assert resume(tmp_path, warn=expect_no_warning).step == 12


@pytest.mark.reliability(8)
def test_metrics_damaged_after_an_earlier_checkpoint_are_made_again_from_that_one(tmp_path: Path) -> None:
    result = train(tiny_config(), tmp_path, checkpoint_every=8)
    before = digests(tmp_path)
    text = (tmp_path / "metrics.jsonl").read_text()
    assert '"step": 10' in text
    (tmp_path / "metrics.jsonl").write_text(text.replace('"step": 10', '"step": 11'))
    warnings: list[str] = []
    assert resume(tmp_path, warn=warnings.append, checkpoint_every=8)._replace(seconds=0) == result._replace(seconds=0)
    assert [warning.split("; ")[1] for warning in warnings] == 2 * ["it is made again from the checkpoint of step 8"]
    assert digests(tmp_path) == before


def test_a_second_damaged_note_does_not_replace_the_first(tmp_path: Path) -> None:
    names = ["note.damaged", "note.damaged-2", "note.damaged-3"]
    for number, name in enumerate(names):
        (tmp_path / "note").write_text(str(number))
        assert set_aside(tmp_path / "note") == name
    assert [(tmp_path / name).read_text() for name in ("note.damaged", "note.damaged-2", "note.damaged-3")] == list(
        "012"
    )


def append_many(path: Path, first: int) -> None:
    for number in range(first, first + 100):
        append_rows(path / "evaluations.jsonl", [{"number": number}])


def test_no_evaluation_is_lost_when_several_processes_add_theirs(tmp_path: Path) -> None:
    processes = [PROCESSES.Process(target=append_many, args=(tmp_path, first)) for first in (0, 100, 200)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    rows, problems = read_evaluations(tmp_path)
    assert (sorted(row["number"] for row in rows), problems) == (list(range(300)), [])


@pytest.mark.reliability(8)
@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_is_neither_evaluated_nor_recorded(name: str, tmp_path: Path) -> None:
    train(tiny_config(), tmp_path)
    expected = load_run(tmp_path, expect_no_warning).model.state_dict()
    DAMAGES[name](tmp_path)
    warnings: list[str] = []
    loaded = load_run(tmp_path, warnings.append)
    assert [f"{tmp_path}/{name}: " in warning for warning in warnings] == [True]
    assert warnings[0].endswith("; taking the checkpoint of step 12")
    assert all(tensor.equal(expected[parameter]) for parameter, tensor in loaded.model.state_dict().items())
    record = record_run(tmp_path)
    assert f"{tmp_path}/{name}: " in record.note
    assert record.result is None
    assert [point["step"] for point in record.curve] == [5, 10, 12]


@pytest.mark.reliability(8)
def test_metrics_that_were_changed_are_left_out_and_cannot_be_made_again(tmp_path: Path) -> None:
    train(tiny_config(), tmp_path)
    text = (tmp_path / "metrics.jsonl").read_text()
    (tmp_path / "metrics.jsonl").write_text(text.replace('"step": 5', '"step": 6'))
    record = record_run(tmp_path)
    assert record.curve == []
    assert f"{tmp_path}/metrics.jsonl: {UNLIKE}" in record.note
    with pytest.raises(DamagedFileError, match="metrics.jsonl: not what was written up to step 12"):
        resume(tmp_path)


@pytest.mark.reliability(8)
def test_a_finished_run_needs_no_checkpoint(tmp_path: Path) -> None:
    train(tiny_config(), tmp_path)
    shutil.rmtree(tmp_path / "checkpoints")
    assert load_run(tmp_path, expect_no_warning).step == 12
    assert resume(tmp_path).step == 12
    assert len(record_run(tmp_path).curve) == 3


@pytest.mark.reliability(8)
def test_without_a_checkpoint_damage_to_a_finished_run_is_told_and_it_begins_again(tmp_path: Path) -> None:
    train(tiny_config(), tmp_path)
    before = digests(tmp_path)
    shutil.rmtree(tmp_path / "checkpoints")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "weights.safetensors").write_bytes(b"")
    with pytest.raises(RunDirError, match=rf"weights.safetensors: {UNLIKE}; .+: this run has no checkpoint"):
        load_run(tmp_path, expect_no_warning)
    warnings: list[str] = []
    resume(tmp_path, warn=warnings.append)
    (warning,) = warnings
    assert warning.endswith(f"{UNLIKE}; it is made again from the beginning, since there is no checkpoint")
    assert digests(tmp_path) == before


@pytest.mark.reliability(8)
def test_the_configuration_of_another_run_is_refused(tmp_path: Path) -> None:
    train(tiny_config(memory_slots=5), tmp_path / "run")
    train(tiny_config(memory_slots=6), tmp_path / "other")
    shutil.copy(tmp_path / "other/run.json", tmp_path / "run/run.json")
    for use in (lambda: resume(tmp_path / "run"), lambda: load_run(tmp_path / "run", expect_no_warning)):
        with pytest.raises(RunDirError, match=r"model\.memory_slots was 5 and is 6"):
            use()
    shutil.rmtree(tmp_path / "run/checkpoints")
    with pytest.raises(RunDirError, match=rf"run\.json: {UNLIKE}"):
        resume(tmp_path / "run")


@pytest.mark.reliability(8)
def test_weights_of_another_model_are_refused_in_one_line(tmp_path: Path) -> None:
    """As they are after a change in the code of a model of one's own."""
    result = train(tiny_config(), tmp_path)
    tiny_config(memory_width=7).make_model().save(tmp_path / "weights.safetensors")
    write_result(tmp_path, result, digests(tmp_path)[1], None)
    with pytest.raises(DamagedFileError, match=r"weights\.safetensors: the weights are of another model: ") as caught:
        load_run(tmp_path, expect_no_warning)
    assert "\n" not in str(caught.value)


@pytest.mark.reliability(8)
def test_a_sealed_file_reads_back_and_any_other_text_of_it_is_refused(tmp_path: Path) -> None:
    path, content = tmp_path / "file", {"b": [1.5, None], "a": {"c": float("inf")}}
    path.write_bytes(seal(content))
    assert open_sealed(path) == content
    assert list(json.loads(path.read_text())) == ["b", "a", CHECKSUM]
    for text in (path.read_text() + " ", path.read_text().replace("1.5", "1.6"), "{}", "[]", "", "3"):
        path.write_text(text)
        with pytest.raises(DamagedFileError, match="file: not what was written: its checksum does not match"):
            open_sealed(path)


@pytest.mark.reliability(8)
def test_a_row_after_half_a_line_is_a_row(tmp_path: Path) -> None:
    append_rows(tmp_path / "evaluations.jsonl", ROWS)
    text = (tmp_path / "evaluations.jsonl").read_bytes()
    for left in range(len(text)):
        (tmp_path / "evaluations.jsonl").write_bytes(text[:left])
        append_rows(tmp_path / "evaluations.jsonl", ROWS)
        rows, problems = read_evaluations(tmp_path)
        assert rows == ROWS[: text[:left].count(b"\n")] + ROWS
        assert problems == []


@pytest.mark.reliability(8)
def test_a_changed_row_is_left_out_and_told(tmp_path: Path) -> None:
    append_rows(tmp_path / "evaluations.jsonl", ROWS)
    text = (tmp_path / "evaluations.jsonl").read_text()
    for changed in (text.replace('"errors": 1.0', '"errors": 0.0', 1), text.replace('{"step"', '["step"', 1)):
        (tmp_path / "evaluations.jsonl").write_text(changed)
        rows, (problem,) = read_evaluations(tmp_path)
        assert rows == ROWS[1:]
        assert problem == f"{tmp_path}/evaluations.jsonl: 1 of 2 lines are damaged and left out"
