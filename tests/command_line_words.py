"""What drawn command lines are made of: tasks, models and grids of one's own, and words right and wrong."""

OWN = '''
"""Tasks, models, optimizers and curricula of one's own; most of them are wrong in some way."""

from dataclasses import dataclass
from typing import Literal

import torch

from tapehead import LSTM, NTM
from tapehead.models.sequence_model import SequenceModel
from tapehead.tasks import Copy
from tapehead.training.curricula.fixed import Longest


@dataclass(frozen=True, kw_only=True)
class Good(Copy):
    """A task with options of many kinds."""

    bits: int = 2
    max_length: int = 3
    clip: float = 1.0
    no_amsgrad: bool = False
    steps: int = 3
    device: str = "here"
    tone: Literal["same", 2] = "same"
    pair: tuple[int, float] = (1, 2.0)
    nested: tuple[int, int] | None = None
    names: list[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Needs(Good):
    salt: int


@dataclass(frozen=True, kw_only=True)
class NeedsList(Good):
    salts: list[int]


class Fails(Copy):
    def sample(self, sizes, generator):
        raise KeyError("a\\nb")


class Halves(Copy):
    def sample(self, sizes, generator):
        drawn = super().sample(sizes, generator)
        return drawn._replace(targets=drawn.targets / 2)


class Exits(Copy):
    @property
    def max_size(self):
        return {}["size"]


class Crossed(Copy):
    min_size, max_size = (4,), (3,)


class Reserved(Copy):
    size_names = ("step",)


class Module(torch.nn.Module):
    pass


class NoCell(SequenceModel):
    pass


class WrongCell(SequenceModel):
    cell_type = torch.nn.LSTMCell


class Narrow(LSTM):
    def __init__(self, inputs, outputs, *, hidden_size: int = 3, clip: float = 2.0, device=None) -> None:
        super().__init__(inputs, outputs, hidden_size=hidden_size, num_layers=1, device=device)


class Raises(NTM):
    def __init__(self, *arguments, **options) -> None:
        raise OSError("no disk")


class Still(Longest):
    def draw(self, count, generator):
        return [3] * count
'''
OWN_CLASSES: dict[str, list[str]] = {
    "task": [*5 * ["Good"], "Needs", "Needs", "NeedsList", "Fails", "Halves", "Exits", "Crossed", "Reserved"],
    "model": [*5 * ["Narrow"], "Module", "NoCell", "WrongCell", "Raises"],
    "optimizer": ["Good"],
    "curriculum": ["Still", "Good"],
}
GRIDS = {
    "good.py": "from tapehead.training.recipes import configure\nRUNS = (configure('copy'), configure('copy', seed=2))",
    "fails.py": "raise KeyError('a\\nb')",
    "list.py": "RUNS = []",
    "empty.py": "RUNS = ()",
    "twice.py": "from tapehead.training.recipes import configure\nRUNS = (configure('copy'), configure('copy'))",
    "syntax.py": "x = = 3",
}
ODD = [
    "",
    " ",
    "-",
    "--",
    "---",
    "=",
    "-x",
    "x",
    "nan",
    "None",
    "none",
    "0x10",
    "1e3",
    "😀",
    "a\nb",
    "\udcff",
    "%s",
    "[1]",
]
ODD += ["٣", "1_000", "-1", "yes", "x" * 5000, "../..", "{}", "'", "copy:Copy", ":", "a:b", "--help=3", "@file"]
INTS = [*2 * ["1", "2", "3", "4"], "0", "-1", "+2", "1.5", "1000001", str(2**63), "9" * 30, "9" * 5000, "-" + "9" * 30]
FLOATS = [
    *2 * ["0.5", "0.9", "0.1"],
    "1",
    "0",
    "-0.0",
    "1e-3",
    "1e-320",
    "1e39",
    "-1e39",
    "1e308",
    "1e309",
    "inf",
    "-3",
    "9" * 30,
    "9" * 400,
]
AXES = ["length", "length", "repeats", "lengths", "size", *ODD]
HUGE = {"seed", "warmup_steps", "eval_every", "hidden_size", "shift_range", "min_length", "sparse_links"}
"""Options that are quickly found to be too large, or may be large."""
SLOW = {"steps", "num_layers"}
"""Options of which a large value takes its time."""
