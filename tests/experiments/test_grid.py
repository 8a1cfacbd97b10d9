"""A grid is a Python file; whatever is wrong with it is said in a line."""

from pathlib import Path

import pytest

from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.grid import FOLDER, GRIDS, PAPERS, SUITES, load_grid, name_runs
from tapehead.experiments.labels import find_recipe
from tapehead.training.components import Component
from tapehead.training.recipes import RECIPES, configure
from tests.processes import complaints

IMPORTS = "from tapehead.experiments.evaluations import Evaluation\nfrom tapehead.training.recipes import configure\n"
SEEDS = IMPORTS + "RUNS = tuple(configure('copy', seed=seed) for seed in (1, 2))\n"


@pytest.mark.parametrize("name", GRIDS)
def test_every_grid_of_the_package_can_be_read(name: str) -> None:
    grid = load_grid(name)
    assert grid.evaluations
    if name.startswith(f"{SUITES}/"):
        return
    (task,) = {config.task.name for config in grid.runs.values()}
    paper, _, own = name.rpartition("/")
    assert own in {task, f"{task}_graves2014", f"{task}_own_settings"}
    recipe = paper if paper and not own.endswith("_own_settings") else "tapehead"
    (first, *_) = grid.runs.values()
    assert find_recipe(first) in {recipe, None}
    assert all(run.startswith(f"{task}-") for run in grid.runs)


def test_the_grids_of_the_package_are_all_files_of_their_folders() -> None:
    folders = {"": FOLDER / "grids", **{f"{name}/": FOLDER / name for name in (*PAPERS, SUITES)}}
    files = {f"{name}{path.stem}" for name, folder in folders.items() for path in folder.glob("[!_]*.py")}
    assert files == set(GRIDS)


def test_runs_are_named_by_what_tells_them_apart() -> None:
    changes = [{"model": {"hidden_size": size}, "task": {"max_length": most}} for size in (8, 16) for most in (3, 20)]
    runs = [configure("copy", "lstm", seed=7, changes=change) for change in changes]
    assert name_runs(runs) == [
        "copy-lstm-max-length-3-hidden-size-8-seed-7",
        "copy-lstm-max-length-20-hidden-size-8-seed-7",
        "copy-lstm-max-length-3-hidden-size-16-seed-7",
        "copy-lstm-max-length-20-hidden-size-16-seed-7",
    ]


def test_runs_of_several_recipes_are_named_by_the_recipe() -> None:
    runs = [configure("copy", model, recipe=recipe) for recipe in RECIPES for model in ("ntm", "lstm")]
    assert name_runs(runs) == [
        "copy-ntm-seed-1",
        "copy-lstm-seed-1",
        "copy-ntm-collier2018-seed-1",
        "copy-lstm-collier2018-seed-1",
        "copy-ntm-graves2014-seed-1",
        "copy-lstm-graves2014-seed-1",
    ]


def test_runs_that_differ_in_much_and_follow_no_recipe_have_names_of_their_own() -> None:
    much = {"steps": 10, "batch_size": 2, "eval_every": 5, "warmup_steps": 1}
    names = name_runs(
        [configure("copy"), configure("copy", changes=much), configure("copy", changes=much | {"steps": 9})]
    )
    assert names[0] == "copy-ntm-seed-1"
    assert len(set(names)) == 3


def test_an_optimizer_s_own_options_tell_it_only_from_others_of_its_kind() -> None:
    optimizers = [Component("sgd", {"lr": rate}) for rate in (0.1, 0.2)] + [Component("adam", {"lr": 0.1})]
    names = name_runs([configure("copy", changes={"optimizer": one}) for one in optimizers])
    assert names == [
        "copy-ntm-optimizer-sgd-lr-0.1-seed-1",
        "copy-ntm-optimizer-sgd-lr-0.2-seed-1",
        "copy-ntm-optimizer-adam-lr-0.1-seed-1",
    ]


WRONG = {
    "": "expected a tuple RUNS of RunConfig, which is missing",
    "RUNS = ()": "expected at least one run in RUNS, not an empty tuple",
    "RUNS = (n for n in ())": "expected RUNS to be a tuple of RunConfig, not generator",
    "RUNS = ('copy',)": "expected RUNS[0] to be of type RunConfig, not 'copy'",
    SEEDS + "RUNS += RUNS[1:]": "expected different runs, but RUNS[1] and RUNS[2] are equal: copy, ntm, seed 2",
    SEEDS
    + "EVALUATIONS = Evaluation(sizes=((20,),))": "expected EVALUATIONS to be a tuple of Evaluation, not Evaluation",
    SEEDS + "EVALUATIONS = ((20,),)": "expected EVALUATIONS[0] to be of type Evaluation, not (20,)",
    SEEDS
    + "EVALUATIONS = (Evaluation(sizes=((2, 3),)),)": "EVALUATIONS: expected sizes of copy to be (length,), not (2, 3)",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_grid_is_refused_in_a_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.py"
    path.write_text(text)
    with pytest.raises((TypeError, ValueError)) as caught:
        load_grid(str(path))
    assert str(caught.value) == f"{path}: {WRONG[text]}"


RAISING = {
    "\n1 / 0": "line 2: expected a file that defines RUNS, not an error: ZeroDivisionError: division by zero",
    "import no_such_module": "line 1: expected a file that defines RUNS, not an error: ModuleNotFoundError: No module",
    "raise SystemExit(3)": "line 1: expected a file that defines RUNS, not an error: SystemExit: 3",
    IMPORTS + "RUNS = (configure('copy', changes={'stepz': 3}),)": "line 3: expected a file that defines RUNS, not an "
    "error: ValueError: stepz: expected a field of RunConfig, which has no such one (did you mean steps?)",
}


@pytest.mark.parametrize("text", RAISING)
def test_a_grid_that_raises_is_told_with_the_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.py"
    path.write_text(text)
    with pytest.raises(ValueError, match="expected") as caught:
        load_grid(str(path))
    assert str(caught.value).startswith(f"{path}, {RAISING[text]}")


def test_a_grid_that_is_no_python_is_told(tmp_path: Path) -> None:
    path = tmp_path / "grid.py"
    path.write_text("RUNS = (")
    with pytest.raises(ValueError, match="SyntaxError: '\\(' was never closed"):
        load_grid(str(path))


def test_a_grid_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"^GRID: expected one of .*, not 'cpoy' \(did you mean copy\?\)"):
        load_grid("cpoy")


def test_a_wrong_evaluation_is_refused() -> None:
    expected = "sizes: expected a tuple of one size or more, each a tuple of whole numbers >= 1, as ((20,), (40,))"
    messages = {
        f"{expected}, not 20": {"sizes": 20},
        f"{expected}, not (20,)": {"sizes": (20,)},
        f"{expected}, not ()": {"sizes": ()},
        f"{expected}, not (0,)": {"sizes": ((0,),)},
        "sequences: expected a whole number >= 1, not 0": {"sizes": ((1,),), "sequences": 0},
        "memory_slots: expected a whole number >= 1, not '8'": {"sizes": ((1,),), "memory_slots": "8"},
        "models: expected a tuple of names, as ('ntm', 'dnc'), or None, not 'ntm'": {
            "sizes": ((1,),),
            "models": "ntm",
        },
    }
    assert [message for _, message in complaints(Evaluation, list(messages.values()))] == list(messages)


def test_an_evaluation_of_a_model_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model: expected one of .*, not 'nmt' \(did you mean ntm\?\)"):
        Evaluation(sizes=((1,),), models=("ntm", "nmt"))
