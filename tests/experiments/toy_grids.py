"""Grids of small runs on a task that can fail, diverge and hang, in a folder of their own, and sweeps of them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from tapehead.experiments.grid import load_grid
from tapehead.experiments.jobs import read_holder
from tests.processes import elsewhere
from tests.training.tiny import digests, train

TOY = '''
"""Copy, told to fail or to hang."""

import time
from dataclasses import dataclass

from tapehead.tasks import Copy


@dataclass(frozen=True, kw_only=True)
class Toy(Copy):
    """Copy, told to fail or to hang.

    Args:
        mode: ok, fail, diverge or hang.
    """

    mode: str = "ok"

    def sample(self, sizes, generator):
        if self.mode == "fail":
            raise RuntimeError("told to fail")
        if self.mode == "hang":
            time.sleep(3600)
        return super().sample(sizes, generator)

    def cross_entropy(self, logits, batch):
        found = super().cross_entropy(logits, batch)
        return found * float("nan") if self.mode == "diverge" else found
'''

GRID = """
from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

SMALL = {{
    "batch_size": 4, "steps": {steps}, "eval_every": 100, "eval_sequences": 8, "warmup_steps": 3,
    "model": {{"hidden_size": 8, "memory_slots": 8, "memory_width": 4}},
}}
RUNS = tuple(
    configure("toy:Toy", seed=seed, changes=SMALL | {{"task": {{"max_length": 3, "mode": mode}}}})
    for mode, seeds in {modes}.items()
    for seed in range(seeds)
)
EVALUATIONS = (
    Evaluation(sizes=((3,), (5,)), sequences=8),
    Evaluation(sizes=((5,),), memory_slots=16, sequences=8),
)
"""


def write_grid(folder: Path, *, steps: int = 40, **modes: int) -> Path:
    """Write the task and a grid of so many runs of each mode; gives the grid's path."""
    (folder / "toy.py").write_text(TOY)
    (folder / "grid.py").write_text(GRID.format(steps=steps, modes=modes))
    return folder / "grid.py"


def start_sweep(folder: Path, *words: str) -> "subprocess.Popen[bytes]":
    """Start `tapehead sweep` in a folder with a grid; what it prints goes to out.txt and err.txt there."""
    with (folder / "out.txt").open("ab") as out, (folder / "err.txt").open("ab") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "tapehead", "sweep", "grid.py", "--out", "runs", *words],
            cwd=folder,
            stdout=out,
            stderr=err,
        )


def sweep(folder: Path, *words: str) -> dict[str, Any]:
    """Call `tapehead sweep --json` in a folder with a grid; gives what it printed, and its exit status."""
    (folder / "out.txt").unlink(missing_ok=True)
    status = start_sweep(folder, "--json", *words).wait()
    return json.loads((folder / "out.txt").read_text()) | {"status": status}


def train_serially(folder: Path) -> dict[str, tuple[str, str]]:
    """Do every run of a grid that does neither fail nor hang, one after the other; gives their digests by name."""
    return elsewhere(_train_serially, folder)


def _train_serially(folder: Path) -> dict[str, tuple[str, str]]:
    torch.set_num_threads(1)
    sys.path.append(str(folder))
    runs = {name: config for name, config in load_grid(str(folder / "grid.py")).runs.items() if "-ok-" in name}
    for name, config in runs.items():
        train(config, folder / "serial" / name, checkpoint_every=500)
    return {name: digests(folder / "serial" / name) for name in runs}


def read_progress(path: Path) -> dict[str, Any]:
    """What the process that works on a run said last; empty if it said nothing yet."""
    said = path / "progress.json"
    return json.loads(said.read_text()) if said.exists() else {}


def kill_holder(path: Path) -> bool:
    """Kill the process that works on a run; gives whether there was one."""
    holder = read_holder(path)
    if holder is None:
        return False
    try:
        os.kill(holder.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
