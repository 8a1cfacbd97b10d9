"""Runs a fuzzer: `python -m tests.fuzz TARGET FOLDER SECONDS`, with a target that is a module of this package.

A target's `prepare` makes, in a folder of its own, inputs to start from and the function that takes one. Whatever that
function raises is a finding. The first input of each lies in FOLDER/findings, with its traceback in a file beside it.
"""

import resource
import sys
import traceback
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path

import atheris
import torch

from tests.fuzz.silent import SilentLoadError
from tests.tree import ROOT

MEMORY = 8 * 2**30
"""Bytes of address space: what would take more is to end in an error, as it would on a small computer."""
LIMITS = [
    "-max_len=65536",
    "-len_control=0",
    "-keep_seed=1",
    "-reduce_inputs=0",
    "-timeout=60",
    "-rss_limit_mb=8192",
    "-print_final_stats=1",
]


def keep(findings: Path, data: bytes, problem: BaseException) -> None:
    """Keep an input that is the first to fail in this place, or of this kind to be loaded."""
    place = traceback.extract_tb(problem.__traceback__)[-1]
    what = problem.what if isinstance(problem, SilentLoadError) else f"{Path(place.filename).stem}-{place.lineno}"
    path = findings / f"{type(problem).__name__}-{what.replace('/', '-')}"
    if not path.exists():
        path.write_bytes(data)
        path.with_name(f"{path.name}.txt").write_text("".join(traceback.format_exception(problem)))


def main(name: str, folder: Path, seconds: str) -> None:
    """Feed a target with inputs for so many seconds; ends the process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    torch.set_num_threads(1)
    sys.path.insert(0, str(ROOT / "src"))  # atheris cannot look into what the finder of an editable install loads
    sys.meta_path.insert(0, PathFinder)
    with atheris.instrument_imports(include=["tapehead"]):
        target = import_module(f"tests.fuzz.{name}")
    findings, corpus, own = (folder / each for each in ("findings", "corpus", "own"))
    for each in (findings, corpus, own):
        each.mkdir(parents=True)
    seeds, take = target.prepare(own)
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed)

    def take_or_keep(data: bytes) -> None:
        try:
            take(data)
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - each of them is a finding
            keep(findings, data, problem)

    atheris.Setup(
        ["fuzz", str(corpus), f"-max_total_time={seconds}", f"-artifact_prefix={findings}/", *LIMITS], take_or_keep
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve(), sys.argv[3])
