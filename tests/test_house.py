"""The code keeps the rules that no other tool enforces, and importing it costs little."""

import ast
import inspect
import json
import statistics
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import jaxtyping
import pytest
import torch

import tapehead
import tapehead.models
from tapehead.kernels import SCANS
from tapehead.maths.memory import read
from tapehead.tasks import TASKS
from tapehead.tasks.task import Task
from tests.tree import ROOT, SOURCE, name_of, run_python, tree

SOURCES = sorted((ROOT / "src").rglob("*.py"))

IMPORT_ALLOWANCE = 0.3
"""Seconds of computing that `import tapehead` may take beyond `import torch`; other processes do not count."""


def _attributes(path: Path) -> set[str]:
    return {ast.unparse(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return {name.split(".")[0] for name in found}


def _tries_to_import(path: Path) -> bool:
    """Say whether an import is tried, and something else is done where it fails; Ctrl-C during one may be caught."""
    attempts = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Try)]
    return any(
        isinstance(node, ast.Import | ast.ImportFrom)
        for attempt in attempts
        if any(handler.type is None or ast.unparse(handler.type) != "KeyboardInterrupt" for handler in attempt.handlers)
        for node in attempt.body
    )


def _functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]


def _statement_lines(function: ast.FunctionDef) -> int:
    body = function.body[ast.get_docstring(function) is not None :]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _private_imports_from_elsewhere(path: Path) -> set[str]:
    """List the private modules, and private names of modules, that a file imports from outside its own folder."""
    package = ".".join(path.relative_to(ROOT / "src").parent.parts)
    names = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tapehead")
        for alias in node.names
    }
    found = set()
    for name in names:
        parts = name.split(".")
        owners = [".".join(parts[:depth]) for depth, part in enumerate(parts) if _is_private(part)]
        if any(owner != "tapehead" and not f"{package}.".startswith(f"{owner}.") for owner in owners):
            found.add(name)
    return found


# What an import costs


def test_importing_tapehead_loads_the_core_only() -> None:
    loaded = json.loads(run_python("import json, sys, tapehead; print(json.dumps(sorted(sys.modules)))"))
    assert "tapehead.models" in loaded
    extra = {"matplotlib", "rich", "docstring_parser", "huggingface_hub", "onnx", "onnxscript", "ray"}
    above = {"tapehead.cli", "tapehead.experiments", "tapehead.plots", "tapehead.training"}
    assert not (extra | above) & set(loaded)


def test_importing_tapehead_takes_little_longer_than_importing_torch() -> None:
    code = """if True:
        import time
        import torch
        begin = time.process_time()
        import tapehead
        print(time.process_time() - begin)"""
    assert statistics.median(float(run_python(code)) for _ in range(3)) < IMPORT_ALLOWANCE


def test_everything_public_is_there_and_says_what_it_is() -> None:
    for name in tapehead.__all__:
        assert inspect.getdoc(getattr(tapehead, name)), name


# The rules that no other tool enforces


def _offenders(offends: Callable[[Path], bool], paths: Iterable[Path] = SOURCES) -> list[str]:
    return [name_of(path) for path in paths if offends(path)]


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_every_file_but_a_kernel_is_short_enough_to_read_at_a_sitting() -> None:
    kernels = [path for path in SOURCES if "kernels" in path.parts]
    assert _offenders(lambda path: _lines(path) > 300, set(SOURCES) - set(kernels)) == []
    assert _offenders(lambda path: _lines(path) > 400, kernels) == []


def test_every_example_fits_on_a_page() -> None:
    assert _offenders(lambda path: _lines(path) > 40, (ROOT / "examples").glob("*.py")) == []


def test_functions_are_short() -> None:
    functions = [function for path in SOURCES for function in _functions(path)]
    assert statistics.median(map(_statement_lines, functions)) <= 10


def test_no_function_outside_the_kernels_is_longer_than_40_lines() -> None:
    long = {
        f"{name_of(path)}: {function.name}"
        for path in SOURCES
        if "kernels" not in path.parts
        for function in _functions(path)
        if _statement_lines(function) > 40
    }
    assert long == set()


def test_nothing_private_is_imported_from_another_folder() -> None:
    found = {name_of(path): _private_imports_from_elsewhere(path) for path in SOURCES}
    assert {name: imports for name, imports in found.items() if imports} == {}


def test_only_shapes_knows_jaxtyping() -> None:
    assert _offenders(lambda path: "jaxtyping" in _imports(path)) == ["src/tapehead/_shapes.py"]


def test_no_environment_variable_decides_anything() -> None:
    assert _offenders(lambda path: bool({"os.environ", "os.getenv", "os.environb"} & _attributes(path))) == []


def test_nothing_is_pickled() -> None:
    assert _offenders(lambda path: bool({"torch.load", "torch.save"} & _attributes(path))) == []
    assert _offenders(lambda path: bool({"pickle", "dill", "shelve", "joblib"} & _imports(path))) == []


def test_no_import_is_tried() -> None:
    assert _offenders(_tries_to_import) == []


def test_no_file_is_a_drawer_for_odds_and_ends() -> None:
    assert not {"utils", "helpers", "common", "misc"} & {Path(path).stem for path in tree()}


def test_every_task_is_in_the_registry() -> None:
    files = {path.stem for path in (SOURCE / "tasks").glob("[!_]*.py")} - {
        "task",
        "batch",
        "targets",
        "strings",
        "arithmetic",
    }  # what tasks are made of
    assert {task.__module__.rpartition(".")[2] for task in TASKS.values()} == files
    assert set(TASKS) == files
    assert all(issubclass(task, Task) and not inspect.isabstract(task) for task in TASKS.values())


def test_every_backend_is_in_the_registry_of_its_scan() -> None:
    for model, backends in SCANS.items():
        folder = SOURCE / "kernels" / f"{model}_scan"
        packages = {path.parent.name for path in folder.glob("*/__init__.py")}
        assert set(backends) == {path.stem for path in folder.glob("[!_]*.py")} | packages
        assert all(name == backend.name for name, backend in backends.items())


def test_every_model_is_in_the_registry() -> None:
    models = {
        value
        for value in vars(tapehead.models).values()
        if inspect.isclass(value) and issubclass(value, torch.nn.Module)
        if "saved_as" in vars(value)
    }
    assert set(tapehead.models.MODELS.values()) == models
    assert all(name == model.__name__.lower() for name, model in tapehead.models.MODELS.items())


# What the tests rely on


def test_shapes_in_signatures_are_checked_while_the_tests_run() -> None:
    with pytest.raises(jaxtyping.TypeCheckError, match="weighting"):
        read(torch.zeros(2, 3, 4), torch.zeros(2, 1, 5))


def test_shapes_in_signatures_are_not_checked_outside_the_tests() -> None:
    code = "import torch, tapehead.maths.memory as memory; memory.read(torch.zeros(2, 3, 4), torch.zeros(3))"
    run_python(code)


def test_memory_used_before_it_is_written_is_nan_in_tests() -> None:
    assert torch.empty(1000).isnan().all()
    assert torch.zeros(3).new_empty(1000).isnan().all()
    assert torch.empty_like(torch.zeros(1000, dtype=torch.float64)).isnan().all()


def test_warnings_are_errors_in_tests() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["filterwarnings"][0] == "error"
