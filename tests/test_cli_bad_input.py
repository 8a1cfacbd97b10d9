"""What a user may get wrong on the command line: one line on standard error, exit status 2, and no traceback."""

import json
import random
from pathlib import Path
from typing import get_args, get_origin

import pytest

from tapehead.cli import COMMANDS
from tapehead.training.components import KINDS, known_options
from tapehead.training.config import run_options
from tapehead.training.options import Option
from tapehead.training.recipes import configure
from tests.command_line import TINY_FLAGS, Said, tapehead, tapeheads
from tests.training.tiny import tiny_config, train

pytestmark = pytest.mark.reliability(6)

COPY = configure("copy")
OPTIONS: dict[str, Option] = {
    name: option
    for known in (*(known_options(kind, getattr(COPY, kind).name) for kind in KINDS), run_options())
    for name, option in known.items()
}


def is_one_line_of_complaint(said: Said) -> bool:
    return (
        said.status == 2 and not said.out and said.err.startswith("tapehead: ") and said.err.count("\n") == 1
        and "Traceback" not in said.err
    )  # fmt: skip


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def is_yes_or_no(option: Option) -> bool:
    return bool in {option.type, *get_args(option.type)}


def wrong_value(name: str, drawn: random.Random) -> list[str]:
    """A flag of `train` with a value that it cannot have."""
    option = OPTIONS[name]
    if is_yes_or_no(option):
        return [f"{flag(name)}=yes"]
    values = ["", "nonsense", "nan", "-7x", "1e", "0x10", "😀", "a\nb", "[1]", "yes"]
    if option.type is int:
        values += ["1.5", "-1", "1e3", str(10**30), "inf", "None"]
    return [
        flag(name),
        *(drawn.choice(values) for _ in (get_args(option.type) if get_origin(option.type) is tuple else "1")),
    ]


def misspelt(word: str, drawn: random.Random) -> str:
    place = drawn.randrange(2, len(word))
    return drawn.choice([word[:place] + word[place + 1 :] + "q", word + "s", word[:place] + "z" + word[place:]])


def malformed(drawn: random.Random, run: Path) -> list[str]:
    """A command line with one thing wrong."""
    train_copy = ["train", "copy", "--out", str(run / "new"), *TINY_FLAGS]
    name = drawn.choice(sorted(OPTIONS))
    return drawn.choice(
        [
            [misspelt(drawn.choice(sorted(COMMANDS)), drawn)],
            ["train", misspelt("copy", drawn)],
            ["train", *train_copy[2:]],
            ["train", *TINY_FLAGS, "copy"],
            [*train_copy, misspelt(flag(name), drawn) + "=1"],
            [*train_copy, *wrong_value(name, drawn)],
            [*train_copy, *wrong_value(name, drawn)],
            [*train_copy, *wrong_value(name, drawn)],
            [*train_copy, drawn.choice(sorted(flag(name) for name, each in OPTIONS.items() if not is_yes_or_no(each)))],
            [*train_copy, "extra"],
            [*train_copy[:2], "--out", "", *TINY_FLAGS],
            ["plot", ""],
            [*train_copy, "--recipe", "collier"],
            [*train_copy, drawn.choice(["--model", "--optimizer", "--curriculum", "--recipe"])],
            [*train_copy, drawn.choice(["--model", "--optimizer", "--curriculum", "--recipe"]), "nonsense"],
            [*train_copy, drawn.choice(["--model", "--optimizer", "--curriculum", "--recipe"]) + "="],
            [*train_copy, "--model", "math:pi"],
            [*train_copy, "--checkpoint-every", drawn.choice(["0", "-1", "x", "1.5"])],
            [*train_copy, "--threads", drawn.choice(["0", "-1", "x", "1025"])],
            [*train_copy, "--device", drawn.choice(["", "gpu", "meta", "cuda:x", "cuda:99", "cpu:0:0", "😀"])],
            [*train_copy, "--momentum", "0.9"],
            [*train_copy, "--state-init", "zero"],
            [*train_copy, "--shift-range", "3"],
            [*train_copy, "--min-length", "4"],
            [*train_copy, "--max-grad-norm", "0"],
            [*train_copy, "--max-grad-value", "1"],
            [*train_copy, "--betas", "0.9", "1.5"],
            [*train_copy, "--betas", "0.9"],
            [*train_copy, "--threshold", "1"],
            [*train_copy, "--curriculum", "naive", "--threshold", "0"],
            [*train_copy, "--optimizer", "sgd", "--amsgrad"],
            ["train", "copy", "--model", "lstm", "--memory-slots", "5"],
            ["train", "copy", "--out", str(run)],
            ["resume"],
            ["resume", str(run / "nowhere")],
            ["resume", str(run), "--seed", "2"],
            ["resume", str(run), "--device", "gpu"],
            ["evaluate", str(run / "nowhere")],
            ["evaluate", str(run), "--sizes", drawn.choice(["0", "-3", "x", "3x4", "1.5", ""])],
            ["evaluate", str(run), "--sizes"],
            ["evaluate", str(run), "--sequences", drawn.choice(["0", "x"])],
            ["evaluate", str(run), "--memory-slots", drawn.choice(["0", "2", "x"])],
            ["evaluate", str(run), "--device", "gpu"],
            ["plot", str(run / "nowhere")],
            ["plot", str(run), "--size", drawn.choice(["0", "3x4", "x"])],
            ["doctor", "--jsn"],
        ]
    )


def test_five_hundred_malformed_command_lines(tmp_path, record_property):
    record_property("cases", 500)
    train(tiny_config(), tmp_path / "run")
    drawn = random.Random(0)
    lines = [malformed(drawn, tmp_path / "run") for _ in range(500)]
    results = zip(lines, tapeheads(lines), strict=True)
    assert [(line, said) for line, said in results if not is_one_line_of_complaint(said)] == []
    assert not (tmp_path / "run/new").exists(), "nothing is begun before all of the command line is checked"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("train copi", "task: expected one of 'associative_recall', 'binary_addition', "),
        ("train --seed 3", "expected the task first, as in `tapehead train copy --seed ...`, not '--seed'"),
        ("train copy --model nmt", "model: expected one of 'ntm', 'dnc', 'lstm', 'rnn', not 'nmt' (did you mean "),
        (
            "train copy --optimizer adm",
            "optimizer: expected one of 'adam', 'adamw', 'stable_adam', 'rmsprop', 'sgd', not 'adm' (did",
        ),
        ("train copy --memory-slot 4", "--memory-slot: this command has no such option (did you mean --memory-slots?)"),
        ("train copy --memory-slots 0", "memory_slots: expected a whole number >= 1, not 0"),
        ("train copy --memory-slots x", "--memory-slots: expected a whole number, not 'x'"),
        (
            "train copy --memory-slots 2",
            "memory_slots, shift_range: expected memory_slots >= 2 * shift_range + 1, not 2 and 1",
        ),
        (
            "train copy --betas 0.9 1.5",
            "optimizer: expected options that StableAdam accepts: betas[1]: expected a number from 0 to below 1",
        ),
        ("train copy --betas 0.9 x", "--betas: expected a finite number, not 'x'"),
        ("train copy --encoding graves", "--encoding: expected one of 'graves2014', 'collier2018', not 'graves'"),
        ("train copy --recipe graves", "recipe: expected one of 'tapehead', 'collier2018', 'graves2014', not 'graves'"),
        ("train copy --steps 0", "steps: expected a whole number >= 1, not 0"),
        (
            "train copy --steps 9999999999999999999",
            "steps: expected a whole number from 1 to 9223372036854775807, not 9999999999999999999",
        ),
        (
            "train copy --seed 99999999999999999999",
            "seed: expected a whole number from 0 to 9223372036854775807, not 99999999999999999999",
        ),
        (
            "train copy --shift-bias 1e39",
            "shift_bias: expected a finite number >= -3.40282e+38 and <= 3.40282e+38, not",
        ),
        (
            "train copy --max-grad-norm none --max-grad-value 1e39",
            "max_grad_value: expected a finite number > 0 and <= 3.40282e+38, not 1e+39",
        ),
        (
            "evaluate x --sizes x",
            "--sizes: expected whole numbers from 1 to 1000000 with an x between, as 20 or 10x20, not 'x'",
        ),
        ("train copy --clip x", "--clip: expected a finite number or none, not 'x'"),
        (
            "train copy --model LSTM",
            "model: expected one of 'ntm', 'dnc', 'lstm', 'rnn', not 'LSTM' (did you mean lstm?)",
        ),
        ("train copy --out -dash", "--out: expected a value; one that begins with - is written --out=-..."),
        ("train copy extra", "extra: this command has no such argument"),
        # both bounds are named, though only one of them was typed
        ("train copy --min-length 30", "min_length, max_length: expected min_length <= max_length, not 30 and 20"),
        # whose an option is
        (
            "train copy --momentum 0.9",
            "--momentum: the optimizer stable_adam has no such option (it is an option of rmsprop, sgd)",
        ),
        ("train copy --context 3", "--context: the task copy has no such option (it is an option of ngrams)"),
        ("train copy --model lstm --clip 3", "--clip: the model lstm has no such option (it is an option of ntm, dnc)"),
        (
            "train copy --threshold 3",
            "--threshold: the curriculum uniform has no such option (it is an option of naive, ",
        ),
        (
            "train copy --optimizer sgd --no-amsgrad",
            "--no-amsgrad: the optimizer sgd has no such option (it is an option of adam, adamw",
        ),
        # no suggestion where nothing is meant by it
        ("train copy --epochs 3", "--epochs: this command has no such option\n"),
        ("train copy --learning-rate 0.1", "--learning-rate: this command has no such option\n"),
        ("train copy --optimiser adam", "--optimiser: this command has no such option (did you mean --optimizer?)\n"),
        (
            "evaluate x --sizes 0",
            "--sizes: expected whole numbers from 1 to 1000000 with an x between, as 20 or 10x20, not '0'",
        ),
        ("evaluate x --size 3", "--size: this command has no such option (did you mean --sizes?)"),
        ("evaluate", "the following arguments are required: RUN"),
        ("resume", "the following arguments are required: RUN"),
    ],
)
def test_the_line_names_the_argument_what_was_expected_and_what_came(words, expected, tmp_path):
    (said,) = tapeheads([words.split()], tmp_path)
    assert is_one_line_of_complaint(said)
    assert said.err.startswith(f"tapehead: {expected}")
    assert list(tmp_path.iterdir()) == []


def test_memory_that_runs_out_is_a_line(tmp_path):
    few = ["--model", "dnc", "--memory-slots", "1000000", "--hidden-size", "3", "--out", tmp_path / "run"]
    said = tapehead("train", "copy", *few)
    assert (said.status, said.out, said.err.count("\n")) == (1, "", 1), said
    assert "out of memory: tried to allocate 4000000000000 bytes" in said.err


def test_flags_that_people_type_exist(tmp_path):
    few = ["--max-length=2", "--hidden-size=3", "--steps=1", "--eval-sequences=1", "--out", str(tmp_path / "run")]
    (said,) = tapeheads([["train", "copy", "--model", "lstm", "--lr", "0.01", "--device", "cpu", *few]])
    assert said.status == 0, said
    assert json.loads((tmp_path / "run/run.json").read_text())["optimizer"]["options"]["lr"] == 0.01


def test_a_damaged_configuration_is_a_line_too(tmp_path):
    train(tiny_config(), tmp_path)
    whole = json.loads((tmp_path / "run.json").read_text())
    for spoilt in ("{", "[]", json.dumps({**whole, "seeed": 1}), json.dumps({**whole, "seed": "1"})):
        (tmp_path / "run.json").write_text(spoilt)
        for command in ("resume", "evaluate", "plot"):
            assert is_one_line_of_complaint(tapehead(command, tmp_path))
