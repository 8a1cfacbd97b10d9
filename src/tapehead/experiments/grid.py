"""Grids of runs: a Python file that lists configurations, and what the trained models are scored on.

```python
from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = tuple(
    configure("copy", model, seed=seed, changes={"steps": 2000})
    for model in ("ntm", "dnc")
    for seed in (1, 2, 3)
)
EVALUATIONS = (Evaluation(sizes=((20,), (40,))), Evaluation(sizes=((500,),), memory_slots=1024, sequences=64))
```
"""

import runpy
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tapehead._arguments import suggest
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.labels import Described, find_recipe, identify, label_runs, short_name, shorten, slug
from tapehead.training.config import RunConfig

FOLDER = Path(__file__).parent
PAPERS = ("collier2018", "graves2014")
SUITES = "suites"
GRIDS: dict[str, Path] = {path.stem: path for path in sorted(FOLDER.glob("grids/[!_]*.py"))} | {
    f"{folder}/{path.stem}": path for folder in (*PAPERS, SUITES) for path in sorted(FOLDER.glob(f"{folder}/[!_]*.py"))
}
"""The grids of this package by name: those behind the README's tables, those of the papers' figures, and suites."""


class Grid(NamedTuple):
    """Runs by the names of their directories, and what each trained model is scored on.

    Attributes:
        runs: The configuration of each.
        evaluations: What every model is scored on, where it is meant.
    """

    runs: dict[str, RunConfig]
    evaluations: tuple[Evaluation, ...]


def load_grid(wanted: str) -> Grid:
    """Read a grid.

    Args:
        wanted: A key of GRIDS, or the path of a Python file.

    Raises:
        TypeError: What the file defines is of the wrong type.
        ValueError: There is no such grid, its file raises an error, or two of its runs are the same.
    """
    path = find_grid(wanted, "GRID")
    return make_grid(path, run_file(path))


def find_grid(wanted: str, argument: str) -> Path:
    """Find the file of a grid.

    Args:
        wanted: A key of GRIDS, or the path of a Python file.
        argument: What the error calls it.

    Raises:
        ValueError: There is no such grid.
    """
    path = GRIDS.get(wanted, Path(wanted))
    if not path.is_file() and path.suffix == ".py":
        raise ValueError(f"{argument}: {wanted}: no such file")
    if not path.is_file():
        listed = f"one of {', '.join(GRIDS)}, or the path of a Python file"
        raise ValueError(f"{argument}: expected {listed}, not {wanted!r}{suggest(wanted, GRIDS)}")
    return path


def make_grid(path: Path, defined: Mapping[str, Any]) -> Grid:
    """Make a grid of what its file defines.

    Raises:
        TypeError: Something is of the wrong type.
        ValueError: RUNS is missing or empty, or two runs are the same.
    """
    if "RUNS" not in defined:
        raise ValueError(f"{path}: expected a tuple RUNS of RunConfig, which is missing")
    runs = check_tuple(path, "RUNS", defined["RUNS"], RunConfig)
    if not runs:
        raise ValueError(f"{path}: expected at least one run in RUNS, not an empty tuple")
    evaluations = check_tuple(path, "EVALUATIONS", defined.get("EVALUATIONS", ()), Evaluation)
    _check_different(path, runs)
    _check_sizes(path, runs, evaluations)
    return Grid(dict(zip(name_runs(runs), runs, strict=True)), evaluations)


def name_runs(runs: Sequence[RunConfig]) -> list[str]:
    """Name each run by its task, its model, its seed, and what else tells it from the others."""
    described = [(run, run.to_json()) for run in runs]
    labels = label_runs([Described(config, find_recipe(run), shorten(config)) for run, config in described])
    names = [
        slug(short_name(run.task.name), label, f"seed-{run.seed}") for run, label in zip(runs, labels, strict=True)
    ]
    count = Counter(names)
    return [
        name if count[name] == 1 else slug(name, shorten(config))
        for name, (_, config) in zip(names, described, strict=True)
    ]


def run_file(path: Path) -> dict[str, Any]:
    """Run a grid's file, which may do anything, and give what it defines.

    Raises:
        ValueError: It raises an error.
    """
    try:
        return runpy.run_path(str(path))
    except (Exception, SystemExit) as problem:
        said = "expected a file that defines RUNS, not an error"
        raise ValueError(f"{locate(problem, path)}: {said}: {type(problem).__name__}: {problem}") from problem


def locate(problem: BaseException, path: Path) -> str:
    """Say where in a grid's file an error came up: the file, and the line if one was being executed."""
    lines = [frame.lineno for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == str(path)]
    return f"{path}, line {lines[-1]}" if lines else str(path)


def check_tuple(path: Path, name: str, found: object, kind: type) -> tuple[Any, ...]:
    """Give a tuple that a grid's file defines.

    Raises:
        TypeError: It is no tuple, or a member is of another kind.
    """
    if not isinstance(found, tuple):
        raise TypeError(f"{path}: expected {name} to be a tuple of {kind.__name__}, not {type(found).__name__}")
    for number, member in enumerate(found):
        if not isinstance(member, kind):
            raise TypeError(f"{path}: expected {name}[{number}] to be of type {kind.__name__}, not {member!r}")
    return found


def _check_different(path: Path, runs: Sequence[RunConfig]) -> None:
    seen: dict[str, int] = {}
    for number, run in enumerate(runs):
        first = seen.setdefault(identify(run.to_json()), number)
        if first != number:
            same = f"{run.task.name}, {run.model.name}, seed {run.seed}"
            raise ValueError(f"{path}: expected different runs, but RUNS[{first}] and RUNS[{number}] are equal: {same}")


def _check_sizes(path: Path, runs: Sequence[RunConfig], evaluations: Sequence[Evaluation]) -> None:
    tasks = {run.task.name: run.make_task().size_names for run in runs}
    sizes = [size for evaluation in evaluations for size in evaluation.sizes]
    for task, names in tasks.items():
        for size in sizes:
            if len(size) != len(names):
                expected = f"sizes of {task} to be ({', '.join(names)}{',' * (len(names) == 1)})"
                raise ValueError(f"{path}: EVALUATIONS: expected {expected}, not {size}")
