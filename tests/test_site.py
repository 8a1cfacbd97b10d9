"""The documentation site: the code on its pages runs, every page is in it, and so is every public name."""

import inspect
import pkgutil
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import docstring_parser
import pytest

import tapehead
import tapehead.models
import tapehead.plots
import tapehead.tasks
from tapehead import cli
from tests.pages import PYTHON
from tests.test_models_onnx import pytestmark as needs_onnx
from tests.tree import ROOT, name_of

PAGES = sorted((ROOT / "docs").rglob("*.md"))
TEXTS = (ROOT / "README.md", *PAGES)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^::: (\S+)\n(?:    options:\n((?:      .+\n)+))?", re.MULTILINE)
PUBLIC = {
    f"{package.__name__}.{name}": getattr(package, name)
    for package in (tapehead, tapehead.models, tapehead.plots, tapehead.tasks)
    for name in package.__all__
}


def _build_site() -> dict[str, Any]:
    """Load docs/build_site.py, which needs nothing that the tests do not have until it builds."""
    return runpy.run_path(str(ROOT / "docs" / "build_site.py"))


# The code on the pages


@pytest.fixture(scope="module")
def run_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], tuple[int, str]]]:
    """Run a page in a process that has no shape checks, which make training many times as slow."""
    folder = tmp_path_factory.mktemp("pages")
    said = folder / "said"
    command = [sys.executable, str(ROOT / "tests" / "pages.py"), str(folder)]
    with (
        said.open("w") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):

        def run(path: Path) -> tuple[int, str]:
            before = said.stat().st_size
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            return int(process.stdout.readline()), said.read_text()[before:]

        yield run


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=needs_onnx if path.name == "onnx.md" else (), id=name_of(path))
        for path in TEXTS
        if PYTHON.search(path.read_text())
    ],
)
def test_the_python_of_a_page_runs_from_top_to_bottom(run_page: Callable[[Path], tuple[int, str]], path: Path) -> None:
    status, said = run_page(path)
    assert status == 0, said


def test_every_block_of_python_is_found_by_the_test_above() -> None:
    for path in TEXTS:
        text = path.read_text()
        assert len(re.findall(r"```py", text)) == len(PYTHON.findall(text)), path


def test_the_task_on_the_page_is_that_of_the_examples() -> None:
    (block,) = (
        found for found in PYTHON.findall((ROOT / "docs" / "own_task.md").read_text()) if "class Parity" in found
    )
    example = (ROOT / "examples" / "your_own_task.py").read_text()
    assert block[block.index("@dataclass") :] == _without_check(example[example.index("@dataclass") :])


def _without_check(code: str) -> str:
    """Leave out the example's check of its option."""
    return re.sub(r"    def __post_init__.*?(?=    @property)", "", code, flags=re.DOTALL)


COMMAND = re.compile(r"^(?:\.venv/bin/)?tapehead (.+?)(?:  +#.*)?$", re.MULTILINE)


@pytest.mark.parametrize(
    "line",
    sorted(
        {
            found
            for path in TEXTS
            for language, block in BLOCK.findall(path.read_text())
            if not language
            for found in COMMAND.findall(block)
        }
    ),
)
def test_the_commands_on_pages_have_the_flags_that_they_are_given(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT / "examples")
    words = shlex.split(line)
    flags = {word.split("=")[0] for word in words if word.startswith("--")}
    model = words[words.index("--model") + 1] if "--model" in words else "ntm"
    shown = [*words[:2], "--model", model] if words[0] == "train" else words[:1]
    assert cli.main([*shown, "--help"]) == 0
    assert flags <= set(re.findall(r"--[a-z0-9-]+", capsys.readouterr().out))


# The navigation


def _flatten(nav: Any) -> Iterator[str]:
    for entry in nav if isinstance(nav, list) else [nav]:
        if isinstance(entry, str):
            yield entry
        else:
            for inner in entry.values():
                yield from _flatten(inner)


def test_every_page_is_in_the_navigation_once() -> None:
    nav = list(_flatten(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]))
    assert sorted(page for page in nav if not page.startswith("source/")) == sorted(
        path.relative_to(ROOT / "docs").as_posix() for path in PAGES
    )


def test_copied_pages_link_to_copies(tmp_path: Path) -> None:
    """On a code host a page links to files of the tree; on the site, to what they are copied to."""
    turn_links = _build_site()["turn_links"]
    docs = ROOT / "docs"
    turned = {
        (docs / "gpu.md", "[a](../CONTRIBUTING.md#tests)"): "[a](source/CONTRIBUTING.md#tests)",
        (docs / "log.md", "![a](zero_first.png)"): "![a](zero_first.png)",
        (docs / "api" / "index.md", "[a](../lstm.md)"): "[a](../lstm.md)",
        (docs / "equations.md", "[`memory.read`](../src/tapehead/maths/memory.py)"): (
            "[`memory.read`](api/maths.md#tapehead.maths.memory.read)"
        ),
        (ROOT / "README.md", "[a](examples/train_copy.py)"): "[a](examples/train_copy.py.md)",
        (ROOT / "README.md", "[a](docs/lstm.md)"): "[a](../lstm.md)",
        (ROOT / "README.md", "[a](docs/results/)"): "[a](docs/results/index.md)",
        (ROOT / "README.md", "[a](https://arxiv.org/abs/1410.5401)"): "[a](https://arxiv.org/abs/1410.5401)",
    }
    for (path, link), expected in turned.items():
        assert turn_links(link, path)[0] == expected


# The API reference


def _list_entries() -> dict[str, Any]:
    """List what the reference has an entry for, by its path."""
    found = dict[str, Any]()
    for page in sorted((ROOT / "docs" / "api").glob("*.md")):
        for path, options in DIRECTIVE.findall(page.read_text()):
            owner, listed = pkgutil.resolve_name(path), re.search(r"members: \[(.*)\]", options)
            if not inspect.ismodule(owner):
                found[path] = owner
            members = listed[1].split(", ") if listed else _list_own(owner) if inspect.ismodule(owner) else []
            found |= {f"{path}.{name}": getattr(owner, name) for name in members}
    return found


def _list_own(module: ModuleType) -> list[str]:
    own = {name: value for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__}
    return [name for name in own if not name.startswith("_")]


ENTRIES = _list_entries()


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_has_an_entry_in_the_api_reference(name: str) -> None:
    assert any(PUBLIC[name] is entry for entry in ENTRIES.values())


@pytest.mark.parametrize(
    "path", sorted(path for path, entry in ENTRIES.items() if inspect.isroutine(entry) or inspect.isclass(entry))
)
def test_every_argument_and_field_in_the_api_reference_is_described(path: str) -> None:
    entry = ENTRIES[path]
    described = docstring_parser.parse(inspect.getdoc(entry) or "", docstring_parser.DocstringStyle.GOOGLE)
    assert described.short_description
    told = {parameter.arg_name.lstrip("*") for parameter in described.params}
    own = inspect.isroutine(entry) or vars(entry).keys() & {"__init__", "__new__"}
    assert not own or inspect.signature(entry).parameters.keys() - {"self"} <= told
