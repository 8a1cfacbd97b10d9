"""The house is as its README, its floors and its rules say."""

import ast
import inspect
import json
import re
import runpy
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from pathlib import Path

import jaxtyping
import pytest
import torch

import tapehead
import tapehead.models
from tapehead.maths.memory import read
from tapehead.tasks import TASKS
from tapehead.tasks._task import Task

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "tapehead"
SOURCES = sorted(SOURCE.rglob("*.py"))
README = (ROOT / "README.md").read_text()
FIRST_SCREEN = README.splitlines()[:40]

IMPORT_ALLOWANCE = 0.3
"""Seconds of computing that `import tapehead` may take beyond `import torch`; other processes do not count."""


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _in_a_fresh_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


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
    attempts = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Try)]
    return any(isinstance(node, ast.Import | ast.ImportFrom) for attempt in attempts for node in attempt.body)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef)


def _statement_lines(function: ast.FunctionDef) -> int:
    body = function.body[ast.get_docstring(function) is not None :]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def _file_map() -> set[str]:
    """Read the README's file map: an entry, two spaces, what it is for; indented entries lie in the folder above."""
    block = re.search(r"## File map.*?```\n(.*?)```", README, re.DOTALL).group(1)
    paths, folder = set(), ""
    for line in block.splitlines():
        entry = line.split()[0]
        folder = folder if line.startswith(" ") else entry
        paths.add(folder + entry if line.startswith(" ") else entry)
    return paths


def _tree() -> set[str]:
    """List the files of the tree as a fresh clone has them, but for a package's own `__init__.py`."""
    files = {path for path in ROOT.iterdir() if path.is_file()}
    for folder in (".ci", "src/tapehead", "tests", "examples", "bench", "docs"):
        files |= {path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"}
    made_here = (ROOT / ".gitignore").read_text().split("\n")
    return {_name(path) for path in files if not any(fnmatch(path.name, pattern) for pattern in made_here)}


# The README


def test_every_file_is_on_the_readme_s_file_map() -> None:
    mapped = _file_map()
    whole = tuple(path for path in mapped if path.endswith("/") and path != "src/tapehead/")
    assert {path for path in _tree() if path not in mapped and not path.startswith(whole)} == set()


def test_everything_on_the_readme_s_file_map_is_there() -> None:
    assert {path for path in _file_map() if not (ROOT / path).exists()} == set()


def test_both_commands_stand_on_the_readme_s_first_screen() -> None:
    assert {"make demo", "make test"} <= {line.split("#")[0].strip() for line in FIRST_SCREEN}


def test_the_readme_shows_code_by_line_20() -> None:
    assert any(line.startswith("```python") for line in README.splitlines()[:20])


def test_the_readme_s_python_runs() -> None:
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        _in_a_fresh_process(block)


def test_the_readme_s_tables_are_the_recorded_results() -> None:
    record = runpy.run_path(str(ROOT / "docs" / "record.py"))
    assert record["with_tables"](README) == README


def test_the_readme_names_every_equation_s_function_and_where_it_is() -> None:
    named = set(re.findall(r"\[`(\w+\.\w+)`\]\(src/tapehead/maths/\w+\.py\)", README))
    public = {
        f"{path.stem}.{node.name}"
        for path in (SOURCE / "maths").glob("[!_]*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    assert named == public


def test_every_file_that_a_document_links_to_exists() -> None:
    for document in ROOT.glob("*.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
            assert (ROOT / target).exists(), f"{document.name} links to {target}"


def test_the_continuous_integration_runs_the_readme_s_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert "make test" in script.read_text()
    assert script.stat().st_mode & 0o111


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE).group(1)
    assert newest == tapehead.__version__


# What an import costs


def test_importing_tapehead_loads_the_core_only() -> None:
    loaded = json.loads(_in_a_fresh_process("import json, sys, tapehead; print(json.dumps(sorted(sys.modules)))"))
    assert "tapehead.models" in loaded
    assert not {"matplotlib", "rich", "tyro", "tapehead.cli", "tapehead.plots"} & set(loaded)


def test_importing_tapehead_takes_little_longer_than_importing_torch() -> None:
    code = """if True:
        import time
        import torch
        begin = time.process_time()
        import tapehead
        print(time.process_time() - begin)"""
    assert statistics.median(float(_in_a_fresh_process(code)) for _ in range(3)) < IMPORT_ALLOWANCE


def test_everything_public_is_there_and_says_what_it_is() -> None:
    for name in tapehead.__all__:
        assert inspect.getdoc(getattr(tapehead, name)), name


# The rules that no other tool enforces


def _offenders(offends: Callable[[Path], bool], paths: Iterable[Path] = SOURCES) -> list[str]:
    return [_name(path) for path in paths if offends(path)]


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_every_file_but_a_kernel_is_short_enough_to_read_at_a_sitting() -> None:
    kernels = [path for path in SOURCES if path.parent.parent.name == "kernels"]
    assert _offenders(lambda path: _lines(path) > 300, set(SOURCES) - set(kernels)) == []
    assert _offenders(lambda path: _lines(path) > 400, kernels) == []


def test_every_example_fits_on_a_page() -> None:
    assert _offenders(lambda path: _lines(path) > 40, (ROOT / "examples").glob("*.py")) == []


def test_functions_are_short() -> None:
    functions = [node for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) if _is_function(node)]
    assert statistics.median(map(_statement_lines, functions)) <= 10


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
    assert not {"utils", "helpers", "common", "misc"} & {Path(path).stem for path in _tree()}


def test_every_task_is_in_the_registry() -> None:
    files = {path.stem for path in (SOURCE / "tasks").glob("[!_]*.py")}
    assert {task.__module__.rpartition(".")[2] for task in TASKS.values()} == files
    assert {name.replace("-", "_") for name in TASKS} == files
    assert all(issubclass(task, Task) and not inspect.isabstract(task) for task in TASKS.values())


def test_every_model_is_in_the_registry() -> None:
    models = {
        value
        for value in vars(tapehead.models).values()
        if inspect.isclass(value) and issubclass(value, torch.nn.Module)
    }
    assert set(tapehead.models.MODELS.values()) == models
    assert all(name == model.__name__.lower() for name, model in tapehead.models.MODELS.items())


# What the tests rely on


def test_shapes_in_signatures_are_checked_while_the_tests_run() -> None:
    with pytest.raises(jaxtyping.TypeCheckError, match="weighting"):
        read(torch.zeros(2, 3, 4), torch.zeros(2, 1, 5))


def test_shapes_in_signatures_are_not_checked_outside_the_tests() -> None:
    code = "import torch, tapehead.maths.memory as memory; memory.read(torch.zeros(2, 3, 4), torch.zeros(3))"
    _in_a_fresh_process(code)


def test_memory_used_before_it_is_written_is_nan_in_tests() -> None:
    assert torch.empty(1000).isnan().all()
    assert torch.zeros(3).new_empty(1000).isnan().all()
    assert torch.empty_like(torch.zeros(1000, dtype=torch.float64)).isnan().all()


def test_warnings_are_errors_in_tests() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["filterwarnings"][0] == "error"
