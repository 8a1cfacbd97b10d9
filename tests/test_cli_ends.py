"""What the commands say at the end: in the measure that suits the task, in good grammar, and with a word of warning."""

import pytest

from tapehead.cli._training import describe_end, summarize
from tapehead.cli.bench import lay_out
from tapehead.training.train_state import Result
from tests.command_line import TINY_FLAGS, TINY_MODEL_FLAGS, flags, tapeheads
from tests.training.tiny import TINY, TINY_TASKS, tiny_config

ENDED = Result(12, 48, None, 3.25, 5.5, None, 0.4)


def test_a_task_that_is_not_solved_says_how_many_errors_are_left():
    expected = "not solved: 3.25 bit errors per sequence at the last evaluation"
    assert describe_end(tiny_config(), ENDED) == expected
    symbols = describe_end(tiny_config(task="reverse"), ENDED)
    assert symbols == "not solved: 3.25 symbol errors per sequence at the last evaluation"


def test_a_task_that_is_solved_says_when():
    expected = "solved at step 1,200 (4,800 sequences); 0.00 bit errors per sequence at the last evaluation"
    assert describe_end(tiny_config(), ENDED._replace(solved_at_step=1200, errors=0.0)) == expected


@pytest.mark.parametrize("solved_at", [None, 5])
def test_where_no_prediction_is_certain_the_gap_to_the_best_possible_is_said_and_never_that_it_is_not_solved(solved_at):
    said = describe_end(tiny_config(task="ngrams"), ENDED._replace(gap_bits=1.625, solved_at_step=solved_at))
    assert said == "1.62 bits per sequence above the best possible at the last evaluation"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 seconds"),
        (0.6, "1 second"),
        (1.0, "1 second"),
        (1.4, "1 second"),
        (1.6, "2 seconds"),
        (61.0, "61 seconds"),
    ],
)
def test_one_second_is_one_second(seconds, words, tmp_path):
    lines = summarize(tiny_config(), tmp_path, ENDED._replace(seconds=seconds)).splitlines()
    assert lines[1] == f"12 steps, 48 sequences, {words}"


def test_one_of_something_is_not_several(tmp_path):
    lines = summarize(tiny_config(), tmp_path, ENDED._replace(step=1, sequences=1, seconds=1.0)).splitlines()
    assert lines[1] == "1 step, 1 sequence, 1 second"
    environment = {"threads": 1, "instruction_set": "AVX2", "device": "cpu", "matrix_product_gflops": 1.0}
    assert "1 thread, AVX2" in str(lay_out([], environment).title)


def test_n_grams_end_with_the_gap_on_the_command_line_too(tmp_path):
    small = [*TINY_MODEL_FLAGS, *flags(TINY_TASKS["ngrams"])]
    (said,) = tapeheads([["train", "ngrams", "--out", tmp_path / "run", *small]])
    assert said.status == 0
    assert said.out.startswith("ngrams, ntm, seed 1: ")
    assert "bits per sequence above the best possible at the last evaluation" in said.out
    assert "solved" not in said.out


def test_a_sequence_that_does_not_fit_into_the_memory_is_a_warning(tmp_path):
    """20 vectors fit into 128 slots, 200 do not."""
    run, lstm = tmp_path / "run", tmp_path / "lstm"
    without_memory = [flag for flag in TINY_FLAGS if not flag.startswith("--memory")]
    narrow = [*without_memory, "--memory-width=3"]
    few = ["--sequences", "1"]
    said = tapeheads(
        [
            ["train", "copy", "--out", run, *narrow],
            ["train", "copy", "--model", "lstm", "--out", lstm, *without_memory],
            ["evaluate", run, "--sizes", "20", "128", *few],
            ["evaluate", run, "--sizes", "20", "200", *few],
            ["evaluate", run, "--sizes", "20", "200", "--memory-slots", "256", *few],
            ["evaluate", lstm, "--sizes", "200", *few],
            ["evaluate", run, "--sizes", "20", "200", "129", "130", *few],
        ]
    )
    assert [command.status for command in said] == [0] * 7, said
    warning = (
        "tapehead: warning: size 200 needs 200 memory slots, one for each vector or symbol, and the model has 128 "
        "slots: try --memory-slots 256\n"
    )
    several = warning.replace("size 200 needs", "sizes 200, 129, 130 need up to")
    assert [command.err for command in said[2:]] == ["", warning, "", "", several]


def test_every_number_that_evaluate_prints_is_of_the_size_that_was_asked_for(tmp_path):
    sizes = flags(TINY | TINY_TASKS["repeat_copy"])
    (_, said) = tapeheads(
        [
            ["train", "repeat_copy", "--model", "rnn", "--out", tmp_path / "run", *sizes],
            ["evaluate", tmp_path / "run", "--sizes", "2x3", "--sequences", "2"],
        ]
    )
    assert "lengthxrepeats" in said.out
    assert " 2x3 " in said.out
