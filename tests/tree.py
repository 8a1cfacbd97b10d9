"""The files of this tree, and Python in a process of its own."""

import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "tapehead"


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def tree() -> set[str]:
    """List the files of the tree as a fresh clone has them, but for a package's own `__init__.py`."""
    files = {path for path in ROOT.iterdir() if path.is_file()}
    for folder in (".ci", ".github", "src", "tests", "examples", "docs", "page"):
        files |= {path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"}
    made_here = [".git", *(ROOT / ".gitignore").read_text().split("\n")]  # in a second working tree .git is a file
    return {name for path in files if not _matches(name := name_of(path), made_here)}


def _matches(name: str, patterns: list[str]) -> bool:
    """Say whether a file, or a folder that it is in, goes by one of these patterns of .gitignore."""
    parts = name.split("/")
    folders = [pattern.rstrip("/") for pattern in patterns if pattern.endswith("/")]
    return any(fnmatch(parts[-1], pattern) for pattern in patterns) or any(
        fnmatch(part, folder) for part in parts[:-1] for folder in folders
    )
