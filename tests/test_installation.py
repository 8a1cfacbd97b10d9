"""Where there is no C++ compiler the package installs all the same, and says what it runs on (RELIABILITY 18)."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.command_line import TINY_FLAGS
from tests.tree import ROOT

SOURCES = ("pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE", "src")


def run(*words: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command with nothing on PATH, and give what it prints."""
    ended = subprocess.run(list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


def install_without_a_compiler(folder: Path) -> Path:
    """Install into an environment of its own, which finds the dependencies in that of the tests; give its programs."""
    tree, environment = folder / "tree", folder / "environment"
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, tree / name)
    for built in (tree / "src").rglob("*.so"):
        built.unlink()
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=folder)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    programs, nowhere = environment / "bin", str(folder / "nowhere")
    compilers = {"CC": nowhere, "CXX": nowhere, "PATH": str(programs)}  # CMake also looks beyond PATH
    settings = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "HOME"))}
    pip = [sys.executable, "-m", "pip", "--python", programs / "python", "install", "--quiet", "--no-deps"]
    run(*pip, "--build-constraint", ROOT / "constraints.txt", tree, cwd=folder, **settings, **compilers)
    return programs


@pytest.mark.slow
@pytest.mark.reliability(18)
def test_without_a_compiler_it_installs_trains_on_the_reference_and_doctor_says_so(tmp_path):
    programs = install_without_a_compiler(tmp_path)
    run_dir = tmp_path / "run"
    where = run(programs / "python", "-c", "import tapehead; print(tapehead.__file__)", cwd=tmp_path)
    assert where.startswith(str(tmp_path)), "not the one that is tested otherwise"
    assert not list(Path(where).parent.rglob("*.so"))
    found = json.loads(run(programs / "tapehead", "doctor", "--json", cwd=tmp_path))
    assert found["fingerprint"]["backend"] == "reference"
    for scan in found["backends"].values():
        assert scan["reference"] is None
        assert "the installation found no C++ compiler" in scan["cpp"]
    assert "without a kernel training takes" in run(programs / "tapehead", "doctor", cwd=tmp_path)
    run(programs / "tapehead", "train", "copy", "--out", run_dir, *TINY_FLAGS, cwd=tmp_path)
    environment = json.loads((run_dir / "environment.json").read_text())
    assert environment[0]["fingerprint"]["backend"] == "reference"
