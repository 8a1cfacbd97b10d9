"""The commands, as a user calls them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tapehead import __version__, cli
from tapehead.cli import COMMANDS, _errors, _table, main
from tapehead.kernels.cpp import library
from tapehead.models import MODELS
from tapehead.tasks import TASKS
from tapehead.training.checksums import open_sealed, seal
from tapehead.training.curricula import CURRICULA
from tapehead.training.errors import StoppedError
from tapehead.training.optimizers import OPTIMIZERS
from tapehead.training.recipes import RECIPES
from tapehead.training.run_dir import read_rows, start_run_dir
from tests.command_line import TINY_FLAGS, Said, flags, tapehead, tapeheads
from tests.training.tiny import TINY, TINY_NTM, TINY_TASKS, stop_after, tiny_config, train


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> tuple[Path, dict[str, Said]]:
    """One run from its beginning to its pictures, and what each command said."""
    run = tmp_path_factory.mktemp("runs") / "copy"
    lines = {
        "train": ["train", "copy", "--seed", "3", "--out", run, *TINY_FLAGS],
        "evaluate": ["evaluate", run, "--sizes", "3", "5", "--sequences", "5"],
        "evaluate --json": ["evaluate", run, "--sizes", "3", "--sequences", "5", "--json"],
        "more slots": ["evaluate", run, "--sizes", "6", "--sequences", "5", "--memory-slots", "12", "--json"],
        "plot": ["plot", run, "--size", "4"],
        "plot --json": ["plot", run, "--json"],
        "resume": ["resume", run],
        "resume --json": ["resume", run, "--json"],
    }
    return run, dict(zip(lines, tapeheads(list(lines.values())), strict=True))


def test_every_command_of_the_story_succeeds(told):
    assert {name: said.status for name, said in told[1].items()} == dict.fromkeys(told[1], 0)


def test_training_says_how_it_ended_and_what_comes_next(told):
    run, said = told
    lines = said["train"].out.splitlines()
    assert lines[0].startswith("copy, ntm, seed 3: not solved: ")
    assert lines[1].startswith("12 steps, 48 sequences, ")
    assert lines[2] == f"files: {run}"
    assert lines[3] == f"next:  tapehead evaluate {run}   tapehead plot {run}"


def test_progress_is_reported_in_plain_lines_where_there_is_no_terminal(told):
    last = told[1]["train"].err.splitlines()[-1]
    for word in ("step 12/12", "48 sequences", "loss 0.", " bits", " bit errors", " steps/s", " s left"):
        assert word in last


def test_a_run_directory_holds_what_is_promised(told):
    run, _ = told
    names = {"run.json", "environment.json", "metrics.jsonl", "timings.jsonl", "weights.safetensors", "result.json"}
    assert names <= {path.name for path in run.iterdir()}
    assert json.loads((run / "run.json").read_text())["seed"] == 3
    environment = json.loads((run / "environment.json").read_text())[0]
    assert {"torch", "backend", "instruction_set", "threads", "device"} <= environment["fingerprint"].keys()
    assert "cores" in environment
    assert [row["step"] for row in read_rows(run / "metrics.jsonl")] == [5, 10, 12]


def test_evaluation_prints_errors_bits_and_accuracy_with_their_standard_errors(told):
    table = told[1]["evaluate"].out
    words = ("length", "bit errors per sequence", "bits per sequence", "accuracy", "whole sequences right", "sequences")
    for word in (*words, "±", "standard error", "%"):
        assert word in table
    assert told[1]["evaluate"].err == ""


def test_evaluation_as_json_is_one_document_and_the_same_numbers(told):
    run, said = told
    scores = json.loads(said["evaluate --json"].out)["scores"]
    assert [(score["length"], score["sequences"], score["memory_slots"]) for score in scores] == [(3, 5, 5)]
    assert f"{scores[0]['bits']:.3f}" in said["evaluate"].out
    assert json.loads(said["more slots"].out)["scores"][0]["memory_slots"] == 12
    assert len(read_rows(run / "evaluations.jsonl")) == 4, "every evaluation is recorded in the run directory"


def test_plots_are_written_where_it_says(told):
    paths = told[1]["plot"].out.splitlines()
    assert {Path(path).name for path in paths} == {
        f"{name}.{suffix}"
        for name in ("learning_curve", "generalization", "sequence", "weightings", "memory", "at_work", "memory_use")
        for suffix in ("png", "svg")
    }
    assert all(Path(path).stat().st_size > 1000 for path in paths)
    assert json.loads(told[1]["plot --json"].out)["plots"] == paths


def test_a_finished_run_says_so(told):
    assert "finished already" in told[1]["resume"].err
    assert told[1]["resume"].out == told[1]["train"].out
    assert json.loads(told[1]["resume --json"].out)["step"] == 12


def test_the_doctor_tells_what_is_there(capsys):
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    for word in (
        "torch",
        "instruction_set",
        "threads",
        "cores",
        "reference: runs",
        "rich",
        "matplotlib",
        "CUDA devices",
    ):
        assert word in told
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {reasons["reference"] for reasons in found["backends"].values()} == {None}
    assert found["extras"].keys() == {"rich", "docstring_parser", "matplotlib"}


def test_the_doctor_says_what_a_missing_kernel_costs_and_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr(library, "MISSING", "it was not built; install g++")
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "cpp: it was not built; install g++" in told
    assert "times as long" in told


@pytest.mark.parametrize("command", ["train", "resume", "evaluate", "plot", "sweep", "bench"])
def test_without_the_extra_a_command_says_how_to_get_it(command, monkeypatch, capsys):
    monkeypatch.setattr(_errors, "find_spec", lambda module: None)
    assert main([command]) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "pip install 'tapehead[cli]'" in captured.err


def test_the_doctor_needs_no_extra(monkeypatch, capsys):
    monkeypatch.setattr(_errors, "find_spec", lambda module: None)
    assert main(["doctor"]) == 0
    assert "torch" in capsys.readouterr().out


def test_every_command_has_help(capsys):
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out
    assert all(f"  {name} " in overview for name in COMMANDS)
    for words in [*([command, "--help"] for command in COMMANDS if command != "train"), ["train", "copy", "--help"]]:
        assert main(words) == 0
        assert f"usage: tapehead {words[0]}" in capsys.readouterr().out
    for words in (["train"], ["train", "--help"], ["train", "-h"]):
        assert main(words) == 0
        overview = capsys.readouterr().out
        assert overview.startswith("usage: tapehead train TASK")
        assert all(name in overview for name in (*TASKS, *MODELS, *OPTIMIZERS, *CURRICULA, *RECIPES))


def test_every_command_has_its_module():
    folder = Path(cli.__file__).parent
    assert {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")} == set(COMMANDS)


def test_it_runs_as_a_program():
    words = [sys.executable, "-m", "tapehead"]
    told = subprocess.run([*words, "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"tapehead {__version__}\n"
    wrong = subprocess.run([*words, "trian"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == (
        "tapehead: 'trian': expected one of train, resume, evaluate, verify, plot, export, sample, sweep, figure, "
        "suite, bench, doctor (did you mean train?)\n"
    )


def test_a_run_of_any_model_can_be_trained_and_drawn(tmp_path):
    few = [flag for flag in TINY_FLAGS if not flag.startswith("--memory")]
    for model in ("lstm", "rnn"):
        run = tmp_path / model
        assert tapehead("train", "copy", "--model", model, "--out", run, *few).status == 0
        said = tapehead("plot", run)
        assert {Path(path).stem for path in said.out.splitlines()} == {"learning_curve", "sequence"}


def test_a_run_of_any_task_is_evaluated_at_its_own_points(tmp_path, capsys, monkeypatch):
    lines = []
    for task, options in TINY_TASKS.items():
        run, small = tmp_path / task, flags(TINY | TINY_NTM | options)
        lines += [["train", task, "--out", run, *small], ["evaluate", run, "--sequences", "3", "--json"]]
    said = tapeheads([*lines, ["evaluate", tmp_path / "ngrams"], ["plot", tmp_path / "repeat_copy"]])
    assert {command.status for command in said} == {0}
    for number, task in enumerate(TINY_TASKS):
        made = tiny_config(task=task).make_task()
        scores = json.loads(said[2 * number + 1].out)["scores"]
        assert [tuple(score[name] for name in made.size_names) for score in scores] == list(made.eval_sizes)
        assert all((score["optimal_bits"] is None) == (task != "ngrams") for score in scores)
        assert all((score["gap_bits"] is None) == (task != "ngrams") for score in scores)
    for word in ("length", "best possible", "gap"):
        assert word in said[-2].out
    monkeypatch.setattr(_table, "WITHOUT_WINDOW", 80)
    assert main(["evaluate", str(tmp_path / "ngrams"), "--sequences", "3"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_sizes_of_two_numbers_are_written_with_an_x_and_wrong_ones_are_named(tmp_path):
    repeat, recall = tmp_path / "repeat", tmp_path / "recall"
    train(tiny_config(task="repeat_copy"), repeat)
    train(tiny_config(task="associative_recall"), recall)
    right, wrong, none = tapeheads(
        [
            ["evaluate", repeat, "--sizes", "2x3", "4x1", "--sequences", "2", "--json"],
            ["evaluate", repeat, "--sizes", "10"],
            ["evaluate", recall, "--sizes", "1"],
        ]
    )
    assert [(score["length"], score["repeats"]) for score in json.loads(right.out)["scores"]] == [(2, 3), (4, 1)]
    assert (wrong.status, wrong.err) == (2, "tapehead: --sizes: expected LENGTHxREPEATS, such as 3x2, not '10'\n")
    impossible = "AssociativeRecall.sample: expected sequences, not an error: ValueError: items: expected at least 2"
    assert (none.status, none.err.split(", since")[0]) == (2, f"tapehead: {impossible}")


@pytest.mark.parametrize(("words", "threads"), [([], 2), (["--threads", "1"], 1)])
def test_a_run_is_resumed_on_as_many_threads_as_it_had_last_unless_told_otherwise(words, threads, tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(4))
    (checkpoint,) = (tmp_path / "checkpoints").glob("*.json")
    manifest = open_sealed(checkpoint)
    manifest["state"]["threads"] = 2
    checkpoint.write_bytes(seal(manifest))
    said = tapehead("resume", tmp_path, *words)
    assert said.status == 0
    assert ("threads was 1 and is 2" in said.err) == (threads == 2), "what the note says is only a note"
    assert json.loads((tmp_path / "environment.json").read_text())[-1]["fingerprint"]["threads"] == threads


def test_a_run_without_an_evaluation_yet_can_be_looked_at(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(2))
    assert {Path(path).stem for path in tapehead("plot", tmp_path).out.splitlines()} == {
        "sequence",
        "weightings",
        "memory",
        "at_work",
        "memory_use",
    }
    assert tapehead("evaluate", tmp_path, "--sequences", "2").status == 0


def test_a_run_without_a_checkpoint_yet_says_so(tmp_path):
    start_run_dir(tmp_path, tiny_config(), {})
    said = tapehead("evaluate", tmp_path)
    assert (said.status, said.err) == (2, f"tapehead: {tmp_path}: this run has no checkpoint yet\n")


def test_the_scores_are_printed_even_where_they_cannot_be_recorded(tmp_path):
    train(tiny_config(), tmp_path)
    (tmp_path / "evaluations.jsonl").mkdir()
    said = tapehead("evaluate", tmp_path, "--sizes", "3", "--sequences", "2", "--json")
    assert said.status == 0
    assert len(json.loads(said.out)["scores"]) == 1
    assert said.err.startswith("tapehead: warning: ")
    assert said.err.endswith("this score is not recorded\n")


def test_a_damaged_checkpoint_is_a_warning_when_the_one_before_is_looked_at(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(10))
    (tmp_path / "checkpoints/00000010.json").write_text("{}")
    said = tapehead("evaluate", tmp_path, "--sizes", "3", "--sequences", "2")
    assert "step 8, 5 memory slots" in " ".join(said.out.split())
    assert "taking the checkpoint of step 8" in said.err


@pytest.mark.parametrize(
    ("raised", "status", "said"), [(KeyboardInterrupt(), 130, ""), (MemoryError("1 TB"), 1, "1 TB")]
)
def test_what_ends_a_command_in_its_middle_is_no_traceback(raised, status, said, monkeypatch, capsys):
    def end(*_: object) -> None:
        raise raised

    monkeypatch.setattr(cli, "import_module", end)
    assert main(["doctor"]) == status
    assert said in capsys.readouterr().err


def test_a_reader_who_goes_early_is_no_traceback():
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; from tapehead.cli import main; sys.exit(main(['doctor']))"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE
