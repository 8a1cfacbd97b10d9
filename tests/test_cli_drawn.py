"""Command lines drawn from the real options, right and wrong: each ends with a result, or in one line that says why."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from tapehead.cli import COMMANDS
from tapehead.models import MODELS
from tapehead.tasks import TASKS
from tapehead.training.components import KINDS, known_options
from tapehead.training.config import run_options
from tapehead.training.curricula import CURRICULA
from tapehead.training.optimizers import OPTIMIZERS
from tapehead.training.options import Option
from tapehead.training.recipes import RECIPES
from tests.command_line import Said, flags, tapeheads
from tests.command_line_words import AXES, FLOATS, GRIDS, HUGE, INTS, ODD, OWN, OWN_CLASSES, SLOW
from tests.training.tiny import TINY_NTM, TINY_TASKS, tiny_config, train


def draw_values(option: Option, drawn: random.Random) -> list[str]:
    """Words for the values of an option; some of them fit."""
    if drawn.random() < 0.1:
        return [drawn.choice(ODD)]
    kinds = get_args(option.type) or (option.type,)
    if get_origin(option.type) is tuple:
        return [drawn.choice(FLOATS[:5]) for _ in range(len(kinds) - (drawn.random() < 0.1))]
    if get_origin(option.type) is Literal:
        return [str(drawn.choice(kinds))]
    fitting = {int: INTS, float: FLOATS, str: ["auto", "cpp", "reference", "here"], type(None): ["none", "None"]}
    return [drawn.choice(fitting.get(drawn.choice(kinds), ODD))]


def draw_flag(prefix: str, name: str, option: Option, drawn: random.Random) -> list[str]:
    """A flag of an option with its values; the prefix is not always needed."""
    flag = drawn.choice([*7 * ["--"], f"--{prefix}-"]) + name.replace("_", "-")
    if bool in {option.type, *get_args(option.type)}:
        return [drawn.choice([flag, flag.replace("--", "--no-"), f"{flag}=yes"])]
    values = ["1000000"] if name in HUGE and drawn.random() < 0.2 else draw_values(option, drawn)
    return [f"{flag}={values[0]}"] if len(values) == 1 and drawn.random() < 0.5 else [flag, *values]


def draw_components(drawn: random.Random) -> dict[str, str]:
    """A name for each kind of component, some of them wrong."""
    registries = {"task": TASKS, "model": MODELS, "optimizer": OPTIMIZERS, "curriculum": CURRICULA}
    components = {}
    for kind, registry in registries.items():
        named = drawn.choice(list(registry))
        own = "own:" + drawn.choice(OWN_CLASSES[kind])
        wrong = drawn.choice([*ODD, "own", "own:Missing", "missing:Missing", "math:pi", "torch.optim:LBFGS"])
        components[kind] = drawn.choices([named, own, wrong], [8, 2 if kind in {"task", "model"} else 0.5, 0.2])[0]
    return components


def draw_training(drawn: random.Random, number: int) -> list[str]:
    """A line that trains something small, or tries to."""
    components = draw_components(drawn)
    small = {"batch_size": 2, "steps": 3, "warmup_steps": 1, "eval_every": 2, "eval_sequences": 2}
    groups: dict[str, dict[str, Option]] = {"training": run_options()}
    for kind, name in components.items():
        default = {"task": "copy", "model": "lstm", "optimizer": "adam", "curriculum": "naive"}[kind]
        groups[kind] = known_options(kind, name if name in KINDS[kind].registry else default)
    if components["model"] in MODELS:
        small |= {"hidden_size": 3} | (TINY_NTM if components["model"] in {"ntm", "dnc"} else {})
    words = ["train", components["task"], "--out", f"runs/{number}"]
    words += [word for kind in ("model", "optimizer", "curriculum") for word in (f"--{kind}", components[kind])]
    words += [*flags(small | TINY_TASKS.get(components["task"], {})), "--sizes-per", "batch"]
    words += ["--recipe", drawn.choice(list(RECIPES))] if drawn.random() < 0.2 else []
    words += flags(small) if "--recipe" in words else []
    for _ in range(drawn.choice([0, 0, 1, 1, 2, 3])):
        group = drawn.choice(list(groups))
        name, option = drawn.choice(list(groups[group].items()) or [("seed", run_options()["seed"])])
        words += draw_flag(group, name, option, drawn) if name not in SLOW else []
    if components["task"].startswith("own:Good"):
        own = [
            "--salt=3",
            "--task-clip=2",
            "--clip=2",
            "--no-amsgrad",
            "--task-no-amsgrad",
            "--task-steps=2",
            "--names",
            "--nested=3",
        ]
        words += [drawn.choice([*own, "--task-device=x", "--tone=2", "--pair=3", "--no-task-no-amsgrad", "--nested"])]
    return words + (["--salt", "2"] if components["task"] == "own:Needs" and drawn.random() < 0.5 else [])


def draw_run(drawn: random.Random) -> str:
    """The path of a run directory, or of something else."""
    return drawn.choice(["copy", "copy", "repeat_copy", "lstm", "missing", "empty", "damaged", "own.py", *ODD[:6]])


def draw_sizes(drawn: random.Random) -> str:
    return drawn.choice(["1", "3", "2x3", "3x2x1", "0", "x", "1x", "-3", "1000001", "3.5", "9" * 30, *ODD])


def draw_looking(command: str) -> Callable[[random.Random, int], list[str]]:
    """Lines of a command that looks at a run."""

    def draw(drawn: random.Random, number: int) -> list[str]:
        chosen = {
            "evaluate": ["--sizes=SIZE", "--sizes SIZE SIZE", "--sequences=COUNT", "--memory-slots=COUNT", "--json"],
            "plot": ["--size=SIZE", "--size SIZE", "--out ODD", "RUN", "--json"],
            "verify": ["--max-size=COUNT", "--axis AXIS", "--sequences=COUNT", "--time-limit=LIMIT", "--json"],
            "resume": ["--checkpoint-every=COUNT", "--json", "--steps=3"],
            "doctor": ["--json", "ODD"],
            "bench": ["--shapes ODD", "--repeats=0", "--shapes", "--repeats ODD"],
            "sweep": ["--out=ODD", "--workers=COUNT", "--retries=COUNT", "--timeout=COUNT", "--json"],
        }[command]
        given = ["--threads=1", "--device=cpu", "--device=ODD", "--threads=ODD", "--help", "ODD", *3 * chosen]
        words = [command]
        if command in {"evaluate", "plot", "verify", "resume"}:
            words += [draw_run(drawn)]
        if command == "sweep":
            words += [drawn.choice([*GRIDS, "copy", "missing.py", *ODD[:6]]), "--list"]
        if command == "bench":
            words += ["--shapes", "none"]
        few = drawn.sample(given, drawn.choice([0, 1, 1, 2]))
        for word in " ".join(["", *few]).split():
            filled = word.replace("SIZE", draw_sizes(drawn)).replace("COUNT", drawn.choice(INTS))
            filled = filled.replace("AXIS", drawn.choice(AXES)).replace("LIMIT", drawn.choice(FLOATS))
            words.append(filled.replace("ODD", drawn.choice(ODD)).replace("RUN", draw_run(drawn)))
        if command == "verify":
            words += ["--sequences=2", drawn.choice(["--max-size=3", "--max-size=4", "--max-size=13"])]
        return [*words, "--sequences=2"] if command == "evaluate" and drawn.random() < 0.7 else words

    return draw


def draw_anything(drawn: random.Random, number: int) -> list[str]:
    """Words that are hardly a command line; none that trains or measures for long."""
    first = drawn.choice([*(command for command in COMMANDS if command != "bench"), *ODD, "--help", "-h", "--version"])
    return [first, *drawn.choices([*ODD, "--help"], k=drawn.randrange(3))][: drawn.randrange(4)]


DRAWS: dict[Callable[[random.Random, int], list[str]], int] = {
    draw_training: 60,
    **{draw_looking(command): weight for command, weight in {"evaluate": 12, "plot": 2, "resume": 6}.items()},
    **{draw_looking(command): weight for command, weight in {"verify": 8, "doctor": 3, "bench": 3, "sweep": 6}.items()},
    draw_anything: 8,
}


def draw_line(drawn: random.Random, number: int) -> list[str]:
    """A command line; some have a word too few, too many, or another one."""
    words = drawn.choices(list(DRAWS), list(DRAWS.values()))[0](drawn, number)
    if drawn.random() < 0.05 and len(words) > 1 and words[0] not in {"bench", "sweep"}:
        place = drawn.randrange(1, len(words))
        words[place : place + drawn.randrange(2)] = [drawn.choice(ODD)] * drawn.randrange(2)
        words += ["--steps=3"] if words[0] == "train" else []  # it may have been lost
    return words


def fill(folder: Path) -> None:
    """Make the directories and files that the lines are about."""
    (folder / "own.py").write_text(OWN)
    for name, text in GRIDS.items():
        (folder / name).write_text(text)
    train(tiny_config(), folder / "copy")
    train(tiny_config(task="repeat_copy"), folder / "repeat_copy")
    train(tiny_config("lstm"), folder / "lstm")
    (folder / "empty").mkdir()
    shutil.copytree(folder / "copy", folder / "damaged")
    (folder / "damaged/run.json").write_text("{")


def ends_well(said: Said) -> bool:
    """Whether a command ended with a result or, if its line was wrong, in one line that says why."""
    if "Traceback" in said.err or said.status not in {0, 1, 2}:
        return False
    return said.status != 2 or (said.out == "" and said.err.count("\n") == 1 and said.err.startswith("tapehead: "))


def run_drawn(seed: int, count: int, folder: Path) -> dict[str, Any]:
    """Run lines drawn from a seed; give those that did not end well."""
    fill(folder)
    drawn = random.Random(seed)
    lines = [draw_line(drawn, number) for number in range(count)]
    said = tapeheads(lines, folder)
    assert {each.status for each in said} >= {0, 2}, "some are right, and some are wrong"
    return {str(words): each for words, each in zip(lines, said, strict=True) if not ends_well(each)}


@pytest.mark.reliability(6)
def test_thirty_drawn_command_lines_end_well(tmp_path, record_property):
    record_property("cases", 30)
    assert run_drawn(0, 30, tmp_path) == {}


@pytest.mark.reliability(6)
@pytest.mark.slow
def test_five_hundred_drawn_command_lines_end_well(tmp_path, record_property):
    record_property("cases", 500)
    assert run_drawn(1, 500, tmp_path) == {}
