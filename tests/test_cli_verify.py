"""tapehead verify: what it prints, draws and refuses; what it finds is tested in tests/experiments."""

import json
from pathlib import Path

from tests.command_line import tapehead, tapeheads
from tests.training.tiny import tiny_config, train


def test_it_says_how_far_a_model_is_right(tmp_path: Path) -> None:
    train(tiny_config(), tmp_path / "run")
    table, said = tapeheads([["verify", "run", "--max-size", "12"], ["verify", "run", "--json"]], tmp_path)
    assert (table.status, table.err) == (0, "")
    lines = table.out.splitlines()
    assert lines[0].strip() == "run: copy, ntm, step 12"
    assert lines[-1].startswith("no size right; at 3 the earliest error is at time step")
    assert not (tmp_path / "run/plots").exists(), "of a sequence that is wrong there is no picture"
    found = json.loads(said.out)
    assert (found["run"], found["ended_by"]) == ("run", "error")
    (row,) = found["sizes"]
    assert (row["length"], row["memory_slots"], row["sequences"], row["targets"]) == (3, 5, 4, 96)
    assert 0 < row["errors"] <= 96
    assert row["first_error"].keys() == {"sequence", "time_step", "target"}


RIGHT = """
from dataclasses import dataclass
from tapehead.tasks import Copy

@dataclass(frozen=True, kw_only=True)
class Right(Copy):
    def count_errors(self, logits, batch):
        return 0 * super().count_errors(logits, batch)
"""


def test_the_end_of_the_longest_sequence_is_drawn_and_printing_does_not_depend_on_it(tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(RIGHT)
    train_words = ["train", "right:Right", "--out", "run", "--steps=2", "--warmup-steps=1", "--max-length=3"]
    small = ["--hidden-size=4", "--memory-slots=5", "--memory-width=3"]
    words = ["verify", "run", "--max-size=12"]
    late = [*words, "--time-limit=1e-9", "--json"]
    trained, *drawn_as_json, drawn = tapeheads([[*train_words, *small], [*words, "--json"], late, words], tmp_path)
    assert [json.loads(said.out)["ended_by"] for said in drawn_as_json] == ["max_size", "time_limit"]
    assert (trained.status, drawn.status, drawn.err) == (0, 0, "")
    lines = drawn.out.splitlines()
    assert (
        lines[-3] == "no error in 4 sequences of any size tried up to 12; ended by the largest size that was asked for"
    )
    assert lines[-2:] == ["run/plots/verified.png", "run/plots/verified.svg"]
    assert all((tmp_path / path).stat().st_size > 1000 for path in lines[-2:])
    for path in lines[-2:]:
        (tmp_path / path).unlink()
    (tmp_path / "run/plots").rmdir()
    (tmp_path / "run/plots").write_text("a file where a folder should be")
    (said,) = tapeheads([words], tmp_path)
    assert (said.status, said.out.splitlines()[-1]) == (0, lines[-3])
    assert said.err.startswith("tapehead: warning: run/plots")
    assert said.err.endswith("; there is no picture\n")


def test_where_errors_cannot_be_avoided_there_is_nothing_to_verify(tmp_path: Path) -> None:
    train(tiny_config(task="ngrams"), tmp_path)
    said = tapehead("verify", str(tmp_path))
    assert (said.status, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith("tapehead: RUN: expected a task whose inputs determine its targets, not ngrams, where")


def test_what_is_wrong_is_told_in_a_line(tmp_path: Path) -> None:
    train(tiny_config(), tmp_path / "run")
    lines = {
        "--max-size: expected a length of at least 3, the largest of training, not 2": ["--max-size", "2"],
        "--axis: expected one of length, not 'depth'": ["--axis", "depth"],
        "--time-limit: expected a finite number of seconds > 0, not '0'": ["--time-limit", "0"],
    }
    for expected, words in lines.items():
        said = tapehead("verify", str(tmp_path / "run"), *words)
        assert (said.status, said.out, said.err) == (2, "", f"tapehead: {expected}\n")
