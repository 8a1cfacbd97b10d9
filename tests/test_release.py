"""The files of a release, as `make release-check` builds them into dist/: what is in them, and that they work alone."""

import json
import os
import re
import sys
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tapehead import __version__
from tests.command_line import TINY_FLAGS
from tests.test_installation import run
from tests.tree import ROOT, tree

pytestmark = pytest.mark.release

NAME = f"tapehead-{__version__}"
NOT_IN_THE_WHEEL = ("tapehead/kernels/*/src/*", "tapehead/kernels/.clang-format")
LIBRARY = "tapehead/kernels/libtapehead.so"


def find_wheel() -> Path:
    (wheel,) = (ROOT / "dist").glob("*.whl")
    return wheel


def find_sdist() -> Path:
    (sdist,) = (ROOT / "dist").glob("*.tar.gz")
    return sdist


def read_metadata() -> Message:
    with zipfile.ZipFile(find_wheel()) as wheel:
        return message_from_bytes(wheel.read(f"{NAME}.dist-info/METADATA"))


def test_the_wheel_is_for_every_python_3_on_linux_since_glibc_2_17() -> None:
    assert re.fullmatch(rf"{NAME}-py3-none-manylinux2014_(\w+)\.manylinux_2_17_\1\.whl", find_wheel().name)


def test_the_wheel_has_the_package_with_its_library_and_nothing_else() -> None:
    sources = {path.removeprefix("src/") for path in tree() if path.startswith("src/")}
    left_out = {path for path in sources if any(fnmatch(path, pattern) for pattern in NOT_IN_THE_WHEEL)}
    with zipfile.ZipFile(find_wheel()) as wheel:
        files = [name for name in wheel.namelist() if not name.endswith("/")]
        packed = {name for name in files if not name.startswith(f"{NAME}.dist-info/")}
        assert wheel.read(f"{NAME}.dist-info/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert left_out
    assert packed == sources - left_out | {LIBRARY}


def test_the_sdist_is_the_tree_and_nothing_built() -> None:
    with tarfile.open(find_sdist()) as sdist:
        packed = {name.removeprefix(f"{NAME}/") for name in sdist.getnames()}
    assert packed == tree() | {"PKG-INFO"}


def test_every_link_and_picture_of_the_description_is_a_file_of_this_version() -> None:
    metadata = read_metadata()
    repository = dict(value.split(", ") for value in metadata.get_all("Project-URL"))["Repository"]
    raw = repository.replace("github.com", "raw.githubusercontent.com")
    places = (f"{raw}/v{__version__}/", f"{repository}/blob/v{__version__}/")
    links = re.findall(r"\]\((?!#)([^)\s]+)\)", metadata.get_payload())
    assert [link for link in links if not link.startswith("https://")] == []
    ours = [link for link in links if link.startswith((raw, repository))]
    assert len(ours) > 20
    for link in ours:
        (place,) = (place for place in places if link.startswith(place))
        assert (ROOT / link.removeprefix(place).partition("#")[0]).exists(), link


@pytest.mark.parametrize("find", [find_wheel, find_sdist])
def test_it_installs_into_a_fresh_environment_and_trains_on_the_kernels(find, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", tmp_path / "environment", cwd=tmp_path)
    programs = tmp_path / "environment" / "bin"
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}

    def tapehead(*words: str) -> str:
        return run(programs / "tapehead", *words, cwd=tmp_path, **environment)

    constraints = ["-c", ROOT / "constraints.txt", "--build-constraint", ROOT / "constraints.txt"]
    pip = [programs / "python", "-m", "pip", "install", "--quiet"]
    run(*pip, "--upgrade", "pip", *constraints[:2], cwd=tmp_path, **environment)
    run(*pip, *constraints, f"{find()}[cli]", cwd=tmp_path, **environment)
    where = run(programs / "python", "-c", "import tapehead; print(tapehead.__file__)", cwd=tmp_path, **environment)
    assert where.startswith(str(tmp_path)), "not the one that is installed there"
    assert tapehead("--version") == f"tapehead {__version__}\n"
    found = json.loads(tapehead("doctor", "--json"))
    assert found["fingerprint"]["backend"] == "cpp"
    assert [backends["cpp"] for backends in found["backends"].values()] == [None, None]
    assert None not in found["extras"].values()
    tapehead("train", "copy", "--out", "run", *TINY_FLAGS)
    scores = json.loads(tapehead("evaluate", "run", "--sizes", "2", "3", "--json"))["scores"]
    assert [row["length"] for row in scores] == [2, 3]
    (trained,) = json.loads(tapehead("evaluate", "pretrained:copy-ntm", "--sizes", "20", "--json"))["scores"]
    assert trained["errors"] == 0
    tapehead("plot", "run")
    assert list((tmp_path / "run" / "plots").glob("*.png"))
