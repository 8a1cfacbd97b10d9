"""What a user may get wrong on the command line: one line on standard error, exit status 2, and no traceback."""

import json
import random
from pathlib import Path

import pytest

from tapehead.cli import COMMANDS
from tapehead.training._knobs import knob_of
from tapehead.training.run import Run
from tests.command_line import TINY_FLAGS, Said, tapehead, tapeheads
from tests.training.tiny import tiny_run, train

KNOBS = {name: knob_of(described) for name, described in Run.__dataclass_fields__.items() if name != "task"}


def is_one_line_of_complaint(said: Said) -> bool:
    return (
        said.status == 2 and not said.out and said.err.startswith("tapehead: ") and said.err.count("\n") == 1
        and "Traceback" not in said.err
    )  # fmt: skip


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def wrong_value(name: str, drawn: random.Random) -> list[str]:
    """A flag of `train` with a value that it cannot have."""
    knob = KNOBS[name]
    if knob.kind == "flag":
        return [f"{flag(name)}=yes"]
    values = ["", "nonsense", "nan", "-7x", "1e", "0x10", "😀", "a\nb", "[1]", "None"]
    if knob.kind == "count":
        values += ["1.5", "-1", "1e3", str(10**30), "inf"]
    return [flag(name), drawn.choice(values)]


def misspelt(word: str, drawn: random.Random) -> str:
    place = drawn.randrange(2, len(word))
    return drawn.choice([word[:place] + word[place + 1 :] + "q", word + "s", word[:place] + "z" + word[place:]])


def malformed(drawn: random.Random, run: Path) -> list[str]:
    """A command line with one thing wrong."""
    train_copy = ["train", "copy", "--out", str(run / "new"), *TINY_FLAGS]
    name = drawn.choice(sorted(KNOBS))
    return drawn.choice(
        [
            [misspelt(drawn.choice(sorted(COMMANDS)), drawn)],
            ["train", misspelt("copy", drawn)],
            ["train"],
            [*train_copy, misspelt(flag(name), drawn) + "=1"],
            [*train_copy, *wrong_value(name, drawn)],
            [*train_copy, *wrong_value(name, drawn)],
            [*train_copy, *wrong_value(name, drawn)],
            [*train_copy, drawn.choice(sorted(flag(name) for name, knob in KNOBS.items() if knob.kind != "flag"))],
            [*train_copy, "extra"],
            [*train_copy[:2], "--out", "", *TINY_FLAGS],
            ["plot", ""],
            [*train_copy, "--recipe", "collier"],
            [*train_copy, "--checkpoint-every", drawn.choice(["0", "-1", "x", "1.5"])],
            [*train_copy, "--threads", drawn.choice(["0", "-1", "x", "1025"])],
            [*train_copy, "--momentum", "0.9"],
            [*train_copy, "--state-init", "zero"],
            [*train_copy, "--shift-range", "3"],
            [*train_copy, "--min-length", "4"],
            [*train_copy, "--gradient-bound", "0"],
            ["train", "copy", "--model", "lstm", "--memory-slots", "5"],
            ["train", "copy", "--out", str(run)],
            ["resume"],
            ["resume", str(run / "nowhere")],
            ["resume", str(run), "--seed", "2"],
            ["evaluate", str(run / "nowhere")],
            ["evaluate", str(run), "--lengths", drawn.choice(["0", "-3", "x", "3x4", "1.5", ""])],
            ["evaluate", str(run), "--lengths"],
            ["evaluate", str(run), "--sequences", drawn.choice(["0", "x"])],
            ["evaluate", str(run), "--memory-slots", drawn.choice(["0", "2", "x"])],
            ["plot", str(run / "nowhere")],
            ["plot", str(run), "--length", drawn.choice(["0", "3x4", "x"])],
            ["doctor", "--jsn"],
        ]
    )


def test_three_hundred_malformed_command_lines(tmp_path):
    train(tiny_run(), tmp_path / "run")
    drawn = random.Random(0)
    lines = [malformed(drawn, tmp_path / "run") for _ in range(300)]
    said = tapeheads(lines)
    assert [line for line, heard in zip(lines, said, strict=True) if not is_one_line_of_complaint(heard)] == []
    assert not (tmp_path / "run/new").exists(), "nothing is begun before all of the command line is checked"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train", "copi"], "task: expected one of 'copy', 'repeat_copy', 'associative_recall', 'ngrams', 'p"),
        (["train", "copy", "--model", "nmt"], "--model: expected one of 'ntm', 'dnc', 'lstm', 'rnn', not 'nmt' (did "),
        (["train", "copy", "--memory-slot", "4"], "'--memory-slot': expected no such argument (did you mean --m"),
        (["train", "copy", "--beta1", "1.5"], "--beta1: expected a number < 1, not 1.5"),
        (["train", "copy", "--memory-slots", "0"], "--memory-slots: expected a whole number >= 1, not 0"),
        (["train", "copy", "--recipe", "graves"], "recipe: expected one of 'tapehead', 'collier2018', 'graves2014'"),
        (["train", "copy", "--memory-slots", "2"], "shift_range: expected at most 0 for memory_slots=2, not 1"),
        (["evaluate", "x", "--lengths", "0"], "--lengths: expected a whole number >= 1 and <= 1000000, not '0'"),
        (["train"], "the following arguments are required: TASK"),
    ],
)  # fmt: skip
def test_the_line_names_the_argument_what_was_expected_and_what_came(words, expected):
    said = tapehead(*words)
    assert is_one_line_of_complaint(said)
    assert said.err.startswith(f"tapehead: {expected}")


def test_a_spoilt_description_is_a_line_too(tmp_path):
    train(tiny_run(), tmp_path)
    whole = json.loads((tmp_path / "run.json").read_text())
    for spoilt in ("{", "[]", json.dumps({**whole, "seeed": 1}), json.dumps({**whole, "seed": "1"})):
        (tmp_path / "run.json").write_text(spoilt)
        for command in ("resume", "evaluate", "plot"):
            assert is_one_line_of_complaint(tapehead(command, tmp_path))
