"""tapehead sample: text that a trained language model writes."""

import argparse
import json
import math
from collections.abc import Sequence

import torch

from tapehead.cli._errors import CommandError, as_command_errors, warn
from tapehead.cli._parser import Parser, add_device, add_json, add_run, add_threads, read_count, use_device
from tapehead.tasks import Text
from tapehead.training.config import MAX_INT64
from tapehead.training.loaded_run import load_run
from tapehead.training.sampling import sample_text

CHARACTERS = 500
TEMPERATURE = 0.8


def run(words: Sequence[str]) -> None:
    """Sample."""
    parser = Parser("sample")
    add_arguments(parser)
    chosen = parser.read(words)
    device = use_device(chosen)
    with as_command_errors():
        loaded = load_run(chosen.run, warn, device)
    task = loaded.task
    if not isinstance(task, Text):
        raise CommandError(f"RUN: expected a run of the task text, not of {loaded.config.task.name}")
    prompt = first_character(task) if chosen.prompt is None else chosen.prompt
    try:
        task.encode(prompt)
    except ValueError as problem:
        raise CommandError(f"--prompt: {problem}") from None
    generator = torch.Generator().manual_seed(chosen.seed)
    written = sample_text(loaded.model, task, prompt, chosen.length, chosen.temperature, generator)
    if chosen.json:
        print(json.dumps({"run": str(chosen.run), "prompt": prompt, "text": "".join(written)}))
        return
    print(prompt, end="")
    for character in written:
        print(character, end="", flush=True)
    print()


def add_arguments(parser: Parser) -> None:
    """Add what `sample` takes."""
    add_run(parser)
    parser.add_argument("--prompt", type=read_prompt, metavar="TEXT", help="what the model reads first [a line break]")
    parser.add_argument(
        "--length", type=read_count, default=CHARACTERS, metavar="N", help=f"characters to write [{CHARACTERS}]"
    )
    parser.add_argument(
        "--temperature",
        type=read_temperature,
        default=TEMPERATURE,
        metavar="X",
        help=f"below 1: more likely characters; 0: always the likeliest; above 1: less likely ones [{TEMPERATURE}]",
    )
    parser.add_argument("--seed", type=read_seed, default=1, metavar="N", help="decides what is drawn [1]")
    add_device(parser)
    add_threads(parser)
    add_json(parser)


def first_character(task: Text) -> str:
    """Give a line break, or what comes first in a text without one."""
    return "\n" if "\n" in task.kinds else task.kinds[0]


def read_prompt(word: str) -> str:
    """Read a text that is not empty."""
    if not word:
        raise argparse.ArgumentTypeError("expected at least one character, not ''")
    return word


def read_seed(word: str) -> int:
    """Read a seed."""
    return read_count(word, least=0, most=MAX_INT64)


def read_temperature(word: str) -> float:
    """Read a number from 0 on."""
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a finite number >= 0, not {word!r}")
    return number
