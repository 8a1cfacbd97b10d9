"""The words after `tapehead train` until training would begin, and configurations as run.json has them."""

import contextlib
import io
import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path

from tapehead.cli import main, train
from tapehead.training.config import RunConfig
from tests.command_line import flags
from tests.training.tiny import TINY, TINY_NTM, TINY_TASKS, tiny_config

CONFIGURATION = b"{"
"""What a configuration begins with; anything else is words, a line each."""

LINES = [
    "copy --model ntm --seed 1 --out new --lr 0.01 --betas 0.9 0.99 --no-memory-trainable --threads 1",
    "copy --model=dnc --optimizer=sgd --curriculum=naive --threshold=1.5 --momentum=.5 --max-grad-norm none --json",
    "ngrams --model lstm --recipe graves2014 --context 2 --device cpu --checkpoint-every 10 --steps 10",
    "repeat_copy --recipe collier2018 --encoding graves2014 --eval-every 3 --lr-schedule constant",
    "associative_recall --model rnn --optimizer torch.optim:Adam --curriculum prediction_gain --weight-decay 1e-3",
    "tapehead.tasks.copy:Copy --min-length 2 --max-length 4 --controller feedforward --addressing content",
    "priority_sort --help",
    "reverse --alphabet 3 --memory-slots 5 --sparse-links 4 --model dnc --shift-bias -1",
]


def prepare(folder: Path) -> tuple[list[bytes], Callable[[bytes], None]]:
    """Make the function that reads an input as a command line or a configuration, and give some that are right."""
    os.chdir(folder)
    train.Learner = train.train_and_report = lambda *_: None  # reading ends where training would begin
    whole = [tiny_config(task=task) for task in TINY_TASKS] + [tiny_config(model) for model in ("dnc", "lstm", "rnn")]
    seeds = ["\n".join(shlex.split(line)).encode() for line in LINES]
    seeds += ["\n".join(["copy", *flags(TINY | TINY_NTM | TINY_TASKS["copy"])]).encode()]
    return seeds + [json.dumps(config.to_json()).encode() for config in whole], take


def take(data: bytes) -> None:
    if data.startswith(CONFIGURATION):
        read_configuration(data)
    else:
        read_words(data.decode(errors="surrogateescape").split("\n"))


def read_configuration(text: bytes) -> None:
    """What is taken is written down as what was read."""
    try:
        config = RunConfig.from_json(text, "run.json")
    except (TypeError, ValueError):
        return
    again = RunConfig.from_json(json.dumps(config.to_json()).encode(), "run.json")
    assert again == config, (again, config)


def read_words(words: list[str]) -> None:
    """A command line is right, or is wrong and told so in one line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["train", *words])
    said = err.getvalue()
    if status == 0:
        assert not said, said
    else:
        assert status == 2, (status, said)
        assert said.startswith("tapehead: "), said
        assert said.count("\n") == 1, said
        assert not out.getvalue(), out.getvalue()
