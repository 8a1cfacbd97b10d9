"""The documents are true and in standard words: their tables, code, links, file map and equations; so is `--help`."""

import ast
import contextlib
import io
import re
import runpy
import tomllib
from collections.abc import Sequence

import pytest

import tapehead
from tapehead import cli
from tapehead.cli._commands import COMMANDS
from tapehead.experiments.readme import with_tables
from tapehead.tasks import TASKS
from tests.tree import ROOT, SOURCE, name_of, tree

README = (ROOT / "README.md").read_text()
FIRST_SCREEN = README.splitlines()[:40]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
DOCS = {
    "README.md",
    "CONTRIBUTING.md",
    *(
        f"docs/{name}.md"
        for name in ("index", "training_loop", "which_model", "streams", "reinforcement_learning", "own_task")
    ),
    *(
        f"docs/{name}.md"
        for name in ("teaching", "lstm", "onnx", "coming_from", "equations", "kernels", "gpu", "results")
    ),
    *(f"docs/{name}.md" for name in ("collier2018", "graves2014", "suites", "log", "results/reliability")),
    *(
        f"docs/api/{name}.md"
        for name in ("index", "models", "states", "cells", "tasks", "training", "plots", "experiments", "maths")
    ),
}
"""What users and contributors read; DESIGN.md and CHANGELOG.md are history."""

STANDARD_WORDS = {
    r"questions?|lessons?": "sequence, example",
    r"heard|due": "input, target",
    r"foretells?|foretold": "the best possible predictions",
    r"knobs?": "option",
    r"trainees?": "benchmark case",
    r"updates?": "training step",
    r"thrown back": "loss spike",
    r"tapes?(?!-RNN)": "memory, memory slots",
    r"refus\w+": "raises an error, cannot",
    r"by hand": "manual backward pass",
    r"(?<!turing )machines?": "model, computer",
    r"floors?": "layer",
    r"ladders?": "chain",
    r"sought|lest|anew|spelt": "plain words",
    r"heaviest": "largest weights",
    r"optimis\w+|generalis\w+|initialis\w+|normalis\w+|recognis\w+": "American spelling",
    r"\w*colour\w*|\w*behaviour\w*|favour\w*|neighbour\w*|licence": "American spelling",
}
"""Words that a PyTorch user would have to learn first, and what to write in their place."""


def _private_words(text: str) -> dict[str, str]:
    """Find what is not a standard word, and what is."""
    return {
        found[0].lower(): standard
        for word, standard in STANDARD_WORDS.items()
        for found in re.finditer(rf"\b(?:{word})\b", text, re.IGNORECASE)
    }


def _print_help(words: Sequence[str]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        cli.main([*words, "--help"])
    return printed.getvalue()


def _layers_of_imports() -> list[set[str]]:
    """Read the layers that import-linter checks, the upper first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return [set(layer.split(" | ")) for layer in contracts[0]["layers"]]


def _file_map() -> set[str]:
    """Read the README's file map: an entry, two spaces, what it is for; indented entries lie in the folder above."""
    block = re.search(r"## File map.*?```\n(.*?)```", README, re.DOTALL).group(1)
    paths, folder = set(), ""
    for line in block.splitlines():
        entry = line.split()[0]
        folder = folder if line.startswith(" ") else entry
        paths.add(folder + entry if line.startswith(" ") else entry)
    return paths


# The README


def test_every_file_is_on_the_readme_s_file_map() -> None:
    mapped = _file_map()
    whole = tuple(path for path in mapped if path.endswith("/") and path != "src/tapehead/")
    assert {path for path in tree() if path not in mapped and not path.startswith(whole)} == set()


def test_everything_on_the_readme_s_file_map_is_there() -> None:
    assert {path for path in _file_map() if not (ROOT / path).exists()} == set()


def test_both_commands_stand_on_the_readme_s_first_screen() -> None:
    assert {"make demo", "make test"} <= {line.split("#")[0].strip() for line in FIRST_SCREEN}


def test_the_readme_shows_code_by_line_20() -> None:
    assert any(line.startswith("```python") for line in README.splitlines()[:20])


def test_the_readme_s_tables_are_the_recorded_results() -> None:
    assert with_tables(README, ROOT / "docs" / "results") == README


def test_the_readme_s_speeds_beside_other_implementations_are_the_recorded_ones() -> None:
    peers = runpy.run_path(str(ROOT / "docs" / "peers.py"))
    assert peers["with_table"](README) == README


def test_the_page_of_equations_names_every_function_and_where_it_is() -> None:
    page = (ROOT / "docs" / "equations.md").read_text()
    named = re.findall(r"\[`(\w+)\.(\w+)`\]\(\.\./src/tapehead/maths/(\w+)\.py\)", page)
    assert all(module == file for module, _, file in named)
    public = {
        f"{path.stem}.{node.name}"
        for path in (SOURCE / "maths").glob("[!_]*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    assert {f"{module}.{function}" for module, function, _ in named} == public


def test_every_file_that_a_document_links_to_exists() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_documents_that_people_read_are_all_looked_through() -> None:
    assert {name_of(path) for path in DOCUMENTS} == DOCS | {"DESIGN.md", "CHANGELOG.md"}


@pytest.mark.parametrize("document", sorted(DOCS))
def test_documents_use_the_standard_words(document: str) -> None:
    assert _private_words((ROOT / document).read_text()) == {}


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_s_help_uses_the_standard_words(command: str) -> None:
    printed = _print_help([command] if command else [])
    assert "usage: tapehead" in printed
    assert _private_words(printed) == {}


@pytest.mark.parametrize(
    ("task", "model"),
    [
        pytest.param(task, model, marks=[] if model == "ntm" or task == "copy" else pytest.mark.slow)
        for task in TASKS
        for model in tapehead.models.MODELS
    ],
)
def test_the_help_of_every_task_and_model_uses_the_standard_words(task: str, model: str) -> None:
    printed = _print_help(["train", task, "--model", model])
    assert f"task {task}:" in printed
    assert _private_words(printed) == {}


def test_a_word_of_our_own_is_found_and_the_standard_one_named() -> None:
    found = _private_words("Neural Turing Machines: an update of the machine, thrown back.")
    assert found == {"update": "training step", "machine": "model, computer", "thrown back": "loss spike"}


def test_the_design_and_the_guide_for_contributors_name_the_layers_that_are_checked() -> None:
    layers = _layers_of_imports()
    block = re.search(r"## Layers.*?```\n(.*?)```", (ROOT / "DESIGN.md").read_text(), re.DOTALL).group(1)
    assert [set(re.split(r"\s{2,}", line)[0].split(" | ")) for line in block.splitlines()] == layers
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert [set(row.replace("`", "").split(", ")) for row in rows] == [
        layer for layer in layers if layer != {"__main__"}
    ]


def test_the_continuous_integration_runs_the_readme_s_test_command() -> None:
    script = ROOT / ".ci" / "run"
    assert "make test" in script.read_text()
    assert script.stat().st_mode & 0o111


def test_the_citation_is_of_this_version_and_names_the_repository() -> None:
    citation = (ROOT / "CITATION.cff").read_text()
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
    assert re.search(r"^version: (.*)", citation, re.MULTILINE).group(1) == tapehead.__version__
    assert re.search(r'^repository-code: "(.*)"', citation, re.MULTILINE).group(1) == urls["Repository"]
    assert all(url.startswith(urls["Repository"]) for url in urls.values())
    assert f"{urls['Repository']}/blob/v$HFPR_VERSION/" in (ROOT / "pyproject.toml").read_text()


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE).group(1)
    assert newest == tapehead.__version__
