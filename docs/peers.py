"""Time a training step of tapehead beside that of other PyTorch implementations of the same models, in turns.

python docs/peers.py --pytorch-ntm CLONE --dnc SITE    measure, and write docs/results/peers.json and the README's table
python docs/peers.py                                   write the README's table from the record

CLONE is a clone of github.com/loudinthecloud/pytorch-ntm. SITE is a folder with the package dnc from PyPI:
`pip install --no-deps --target SITE dnc==1.1.0`. Both are only imported, never changed.
"""

import argparse
import importlib
import importlib.machinery
import importlib.util
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits
from torch.optim import Adam

import tapehead

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
RECORD = ROOT / "docs" / "results" / "peers.json"

TIME_STEPS, INPUT_SIZE, HIDDEN_SIZE, SLOTS, WIDTH = 41, 9, 100, 128, 20
"""Copying 20 vectors: everybody has one LSTM layer as controller, one read head and one write head."""

ROUNDS = 9
TURN_SECONDS = 0.3
"""In every round each implementation trains for at least this long; a round gives one ratio."""


class Contestant(NamedTuple):
    """An implementation of a model, and its training step."""

    name: str
    step: Callable[[], object]


class Comparison(NamedTuple):
    """A peer's time for a training step beside ours, of one model, batch size and number of threads."""

    model: str
    peer: str
    batch_size: int
    threads: int
    peer_ms: float
    reference_ms: float
    cpp_ms: float
    reference_ratio: list[float]  # the peer's time over the reference's: median, least, most of the rounds
    cpp_ratio: list[float]


# ------------------------------------------------------------------------------------------------------- contestants


def ours(model_class: type[tapehead.NTM] | type[tapehead.DNC], backend: str, batch_size: int) -> Contestant:
    """Train a model of tapehead."""
    model = model_class(
        INPUT_SIZE, output_size(model_class), hidden_size=HIDDEN_SIZE, memory_slots=SLOTS, memory_width=WIDTH,
        read_heads=1, write_heads=1, backend=backend,
    )  # fmt: skip
    optimizer = Adam(model.parameters())
    inputs, targets = batch(batch_size, output_size(model_class))

    def step() -> None:
        optimizer.zero_grad()
        binary_cross_entropy_with_logits(model(inputs)[0], targets).backward()
        optimizer.step()

    return Contestant(f"tapehead, {backend}", step)


def pytorch_ntm(clone: Path, batch_size: int) -> Contestant:
    """Train the NTM of loudinthecloud/pytorch-ntm, fed one time step at a call as its own train.py does."""
    model = imported(clone, "ntm.aio").EncapsulatedNTM(INPUT_SIZE, 8, HIDDEN_SIZE, 1, 1, SLOTS, WIDTH)
    optimizer = Adam(model.parameters())
    inputs, targets = batch(batch_size, 8)

    def step() -> None:
        optimizer.zero_grad()
        model.init_sequence(batch_size)
        outputs = torch.stack([model(one)[0] for one in inputs])
        binary_cross_entropy(outputs, targets).backward()
        optimizer.step()

    return Contestant("pytorch-ntm", step)


def pypi_dnc(site: Path, batch_size: int) -> Contestant:
    """Train the DNC of the package dnc; its output is as large as its input."""
    model = imported(site, "dnc.dnc").DNC(
        INPUT_SIZE, HIDDEN_SIZE, num_hidden_layers=1, nr_cells=SLOTS, cell_size=WIDTH, read_heads=1, batch_first=False
    )
    optimizer = Adam(model.parameters())
    inputs, targets = batch(batch_size, INPUT_SIZE)

    def step() -> None:
        optimizer.zero_grad()
        outputs, _ = model(inputs, (None, None, None), reset_experience=True)
        binary_cross_entropy_with_logits(outputs, targets).backward()
        optimizer.step()

    return Contestant("dnc", step)


def output_size(model_class: type) -> int:
    """Give the channels of an output: of a DNC as many as of an input, which is all that the package dnc has."""
    return INPUT_SIZE if model_class is tapehead.DNC else 8


def batch(batch_size: int, targets: int) -> tuple[Tensor, Tensor]:
    """Draw random bits, (T, B, channels)."""
    generator = torch.Generator().manual_seed(0)
    return (
        torch.rand(TIME_STEPS, batch_size, INPUT_SIZE, generator=generator).round(),
        torch.rand(TIME_STEPS, batch_size, targets, generator=generator).round(),
    )


def imported(folder: Path, module: str) -> Any:
    """Import a module from a folder; a package's own __init__, which may need more than the model, is not run."""
    package, _, _ = module.partition(".")
    spec = importlib.machinery.ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(folder / package)]
    sys.modules.setdefault(package, importlib.util.module_from_spec(spec))
    return importlib.import_module(module)


# --------------------------------------------------------------------------------------------------------- measuring


def compare(model: str, peer: Contestant, reference: Contestant, cpp: Contestant, batch_size: int) -> Comparison:
    """Let three implementations train in turns."""
    times: list[list[float]] = [[], [], []]
    for _ in range(ROUNDS):
        for contestant, found in zip((peer, reference, cpp), times, strict=True):
            found.append(milliseconds(contestant.step))
    by_peer, by_reference, by_cpp = times
    return Comparison(
        model=model,
        peer=peer.name,
        batch_size=batch_size,
        threads=torch.get_num_threads(),
        peer_ms=round(statistics.median(by_peer), 2),
        reference_ms=round(statistics.median(by_reference), 2),
        cpp_ms=round(statistics.median(by_cpp), 2),
        reference_ratio=ratios(by_peer, by_reference),
        cpp_ratio=ratios(by_peer, by_cpp),
    )


def milliseconds(step: Callable[[], object]) -> float:
    """Train for a turn, after a step to warm up; give the median step's time.

    One thread is timed by its processor time, which does not grow when other processes want the core as well.
    """
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    step()
    found: list[float] = []
    while sum(found) < 1000 * TURN_SECONDS:
        begin = clock()
        step()
        found.append(1000 * (clock() - begin))
    return statistics.median(found)


def ratios(slow: Sequence[float], fast: Sequence[float]) -> list[float]:
    """Give the median, the least and the most of the rounds' ratios."""
    each = [one / other for one, other in zip(slow, fast, strict=True)]
    return [round(value, 2) for value in (statistics.median(each), min(each), max(each))]


def measure(clone: Path, site: Path, thread_counts: Sequence[int]) -> dict[str, Any]:
    """Compare both models at batch sizes 32 and 1, on each number of threads."""
    found = []
    for threads in thread_counts:
        torch.set_num_threads(threads)
        for size in (32, 1):
            for model, model_class, peer in (
                ("NTM", tapehead.NTM, pytorch_ntm(clone, size)),
                ("DNC", tapehead.DNC, pypi_dnc(site, size)),
            ):
                row = compare(model, peer, ours(model_class, "reference", size), ours(model_class, "cpp", size), size)
                found.append(row._asdict())
    environment = {
        "date": time.strftime("%Y-%m-%d"), "torch": torch.__version__, "platform": platform.platform(),
        "architecture": platform.machine(), "instruction_set": torch.backends.cpu.get_cpu_capability(),
    }  # fmt: skip
    return {"environment": environment, "rounds": ROUNDS, "comparisons": found}


# ------------------------------------------------------------------------------------------------------------- table


def table() -> str:
    """Lay out the recorded comparisons in Markdown."""
    cells = [
        (
            row["model"],
            f"{row['batch_size']}",
            f"{row['threads']}",
            row["peer"],
            f"{row['peer_ms']:.0f}",
            f"{row['reference_ms']:.0f}: {times_as_fast(row['reference_ratio'])}",
            f"{row['cpp_ms']:.1f}: {times_as_fast(row['cpp_ratio'])}",
        )
        for row in json.loads(RECORD.read_text())["comparisons"]
    ]
    head = ("model", "batch", "threads", "beside", "its step, ms", "our reference, ms", "our C++ kernel, ms")
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *cells))


def times_as_fast(ratio: Sequence[float]) -> str:
    """Say how many times as fast, with the range over the rounds."""
    digits = 1 if max(ratio) < 10 else 0
    middle, low, high = (f"{value:.{digits}f}" for value in ratio)
    return f"{middle} times as fast" + ("" if low == high else f" ({low} to {high})")


def with_table(text: str) -> str:
    """Put the table between its markers."""
    begin, end = "<!-- table: peers -->\n", "<!-- end of peers -->"
    before, rest = text.split(begin)
    return before + begin + table() + "\n" + end + rest.split(end)[1]


def main() -> None:
    """Measure where both peers are named, and write the README's table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pytorch-ntm", type=Path, metavar="CLONE")
    parser.add_argument("--dnc", type=Path, metavar="SITE")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    chosen = parser.parse_args()
    if chosen.pytorch_ntm and chosen.dnc:
        RECORD.write_text(json.dumps(measure(chosen.pytorch_ntm, chosen.dnc, chosen.threads), indent=1) + "\n")
    README.write_text(with_table(README.read_text()))


if __name__ == "__main__":
    main()
