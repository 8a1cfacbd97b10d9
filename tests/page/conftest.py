"""The page's code, run in node, and the built page in a browser."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.page.visit import Visit
from tests.tree import ROOT

TOOLS = ROOT / "page" / "node_modules"
BUILT = ROOT / "build" / "page"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

InNode = Callable[[list[dict[str, Any]]], list[Any]]


@pytest.fixture(scope="session")
def in_node(tmp_path_factory: pytest.TempPathFactory) -> InNode:
    """Answer requests by the page's own code; in_node.mjs says which there are."""
    if shutil.which("node") is None or not TOOLS.exists():
        pytest.skip("node is not on the PATH, or `make test-page` has not installed what the page is built with")
    bundle = tmp_path_factory.mktemp("page") / "in_node.cjs"
    source = Path(__file__).with_name("in_node.mjs")
    esbuild = TOOLS / ".bin" / "esbuild"
    subprocess.run(
        [esbuild, source, "--bundle", "--platform=node", "--log-level=error", f"--outfile={bundle}"], check=True
    )

    def ask(requests: list[dict[str, Any]]) -> list[Any]:
        question = json.dumps(requests)
        return json.loads(
            subprocess.run(["node", bundle], input=question, capture_output=True, text=True, check=True).stdout
        )

    return ask


@pytest.fixture(scope="session")
def built_page() -> Path:
    if not (BUILT / "page.js").exists():
        pytest.skip("the page is not built; `make test-page` builds it")
    return BUILT


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start the browser that is on the PATH."""
    paths = [path for path in map(shutil.which, BROWSERS) if path is not None]
    if find_spec("playwright") is None or not paths:
        pytest.skip(f"Playwright is not installed, or none of {', '.join(BROWSERS)} is on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=paths[0], args=options)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Any, built_page: Path) -> Iterator[Callable[..., Visit]]:
    """Open the page for a task, in windows that are closed at the end; nothing may have gone wrong in any of them."""
    visits: list[Visit] = []

    def open_page(task: str, **settings: Any) -> Visit:
        visits.append(Visit(browser, built_page, task, **settings))
        return visits[-1]

    yield open_page
    for each in visits:
        each.close()
        assert each.complaints == []
        assert all(request.startswith(built_page.as_uri()) for request in each.requests)
