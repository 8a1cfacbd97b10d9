"""How fast a training step is: each backend against the reference, in one process, after their results agreed."""

import math
import multiprocessing
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim import Adam

from tapehead.maths.dnc import dnc_step
from tapehead.maths.ntm import ntm_step
from tapehead.models import DNC, NTM

INPUT_SIZE, OUTPUT_SIZE = 9, 8
REFERENCE, COMPILED = "reference", "compiled"

TURN_MS = 100.0
"""How long one backend runs before the next has its turn: as in training, a step follows others of its kind."""

MAX_DIFFERENCE = 1e-3
"""Of float32 outputs and gradients from the reference's, relative to the largest entry; if larger, nothing is timed."""


class Shape(NamedTuple):
    """A batch of sequences, and the model that learns from it."""

    batch_size: int
    time_steps: int
    options: Mapping[str, Any]
    model: type[NTM] | type[DNC] = NTM


SHAPES: dict[str, Shape] = {
    "copy": Shape(32, 41, {}),
    "copy-batch-1": Shape(1, 41, {}),
    "copy-feedforward": Shape(32, 41, {"controller": "feedforward"}),
    "ngrams": Shape(32, 200, {}),
    "recall": Shape(32, 30, {"controller": "feedforward", "hidden_size": 256, "read_heads": 4, "write_heads": 4}),
    "sort": Shape(16, 37, {"num_layers": 2, "read_heads": 5, "write_heads": 5}),
    "large": Shape(64, 128, {"memory_slots": 512, "memory_width": 64, "hidden_size": 256, "read_heads": 4}),
    "dnc-copy": Shape(32, 41, {}, DNC),
    "dnc-repeat-copy": Shape(32, 112, {"memory_slots": 16, "memory_width": 16, "read_heads": 4}, DNC),
}
"""The set-ups of the papers' tasks, and one that is larger."""

STEPS: Mapping[type, Callable[..., Any]] = {NTM: ntm_step, DNC: dnc_step}
"""The step of each model, for torch to compile."""


class Timing(NamedTuple):
    """What was measured of one backend on one shape."""

    shape: str
    backend: str
    forward_ms: float
    step_ms: float  # forward, backward and Adam
    ratio: float  # the reference's step_ms over this
    gflops: float  # GFLOP/s of the step
    share_of_peak: float  # of a matrix product's speed here
    difference: float  # from the reference, relative
    peak_mb: float  # MB that a step adds to a process, or to a GPU's memory; NaN where the system does not tell


class BenchmarkCase:
    """A model of one shape that is trained on one backend; weights and batch are the same for all."""

    def __init__(self, shape: Shape, backend: str, device: torch.device) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            run_by = REFERENCE if backend == COMPILED else backend
            self.model = shape.model(INPUT_SIZE, OUTPUT_SIZE, backend=run_by, **shape.options).to(device)
            self.inputs = torch.rand(shape.time_steps, shape.batch_size, INPUT_SIZE).round().to(device)
            self.targets = torch.rand(shape.time_steps, shape.batch_size, OUTPUT_SIZE).round().to(device)
        self.optimizer = Adam(self.model.parameters(), lr=1e-3, fused=True)
        self.step: Callable[..., Any] | None = torch.compile(STEPS[shape.model]) if backend == COMPILED else None

    def forward(self) -> Tensor:
        """Run the batch, keeping what a backward pass needs."""
        if self.step is None:
            outputs: Tensor = self.model(self.inputs)[0]
            return outputs
        cell, state, collected = self.model.cell, self.model.initial_state(self.inputs.shape[1]), []
        for inputs in self.inputs:
            output, state = self.step(inputs, state, cell.weights(), cell.options)
            collected.append(output)
        return torch.stack(collected)

    def train_step(self) -> Tensor:
        """Take a training step; returns the outputs before it."""
        outputs = self.forward()
        self.optimizer.zero_grad()
        binary_cross_entropy_with_logits(outputs, self.targets).backward()
        self.optimizer.step()
        return outputs

    def results(self) -> list[Tensor]:
        """Give the outputs and every gradient, from the initial weights."""
        outputs = self.forward()
        self.optimizer.zero_grad()
        binary_cross_entropy_with_logits(outputs, self.targets).backward()
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        return [outputs.detach(), *(gradient.clone() for gradient in gradients)]


def measure(name: str, backends: Sequence[str], repeats: int, peak_gflops: float, device: torch.device) -> list[Timing]:
    """Compare the backends' results on a shape, then time them in turns.

    Args:
        name: A key of SHAPES.
        backends: The reference first.
        repeats: How many turns each has; the median turn counts.
        peak_gflops: What `matrix_product_peak` found.
        device: Where they run.

    Raises:
        ArithmeticError: A backend's results are not the reference's.
    """
    shape = SHAPES[name]
    cases = {backend: BenchmarkCase(shape, backend, device) for backend in backends}
    differences = _compare(name, cases)
    forward, step = _time_in_turns(cases, repeats, device)
    work = step_gflop(shape)
    return [
        Timing(
            shape=name,
            backend=backend,
            forward_ms=forward[backend],
            step_ms=step[backend],
            ratio=step[backends[0]] / step[backend],
            gflops=1000 * work / step[backend],
            share_of_peak=1000 * work / step[backend] / peak_gflops,
            difference=differences[backend],
            peak_mb=peak_memory(name, backend, device),
        )
        for backend in backends
    ]


def _compare(name: str, cases: Mapping[str, BenchmarkCase]) -> dict[str, float]:
    """Give how far each backend's results are from the first one's, the reference's."""
    expected = next(iter(cases.values())).results()
    differences = {backend: _difference(case.results(), expected) for backend, case in cases.items()}
    for backend, difference in differences.items():
        if not difference <= MAX_DIFFERENCE:
            raise ArithmeticError(
                f"{name}: {backend} differs from the reference by {difference:.1e}, so it is not timed"
            )
    return differences


def _time_in_turns(
    cases: Mapping[str, BenchmarkCase], repeats: int, device: torch.device
) -> tuple[dict[str, float], dict[str, float]]:
    """Give the median milliseconds of a forward pass and of a training step on every backend."""
    forward: dict[str, list[float]] = {backend: [] for backend in cases}
    step: dict[str, list[float]] = {backend: [] for backend in cases}
    for _ in range(repeats):
        for backend, case in cases.items():
            case.train_step()
            forward[backend].append(_milliseconds_of_each(case.forward, device))
            step[backend].append(_milliseconds_of_each(case.train_step, device))
    medians = ({backend: statistics.median(times) for backend, times in found.items()} for found in (forward, step))
    return next(medians), next(medians)


def step_gflop(shape: Shape) -> float:
    """Count the multiplications and additions of a training step, in billions; backward counts twice the forward.

    Matrix products and the memory's content addressing, reading and writing are counted, and of the links their making
    and being followed both ways; exponentials are not.
    """
    model = shape.model(INPUT_SIZE, OUTPUT_SIZE, **shape.options)
    weights = sum(parameter.numel() for parameter in model.parameters() if parameter.dim() == 2)
    options = model.cell.options
    cells = model.config["memory_slots"] * options.memory_width
    heads = options.read_heads + options.write_heads
    products = weights + cells * (heads + 1 + options.read_heads + 2 * options.write_heads)
    if shape.model is DNC:
        products += options.write_heads * model.config["memory_slots"] ** 2 * (2 + 2 * options.read_heads)
    return float(3 * 2 * products * shape.batch_size * shape.time_steps) / 1e9


def matrix_product_peak(device: torch.device, size: int = 1536, repeats: int = 7) -> float:
    """Measure the GFLOP/s of a float32 matrix product here, at its best."""
    left, right = torch.rand(size, size, device=device), torch.rand(size, size, device=device)
    fastest = min(_milliseconds(lambda: left @ right, device) for _ in range(repeats))
    return 2 * size**3 / fastest / 1e6


def peak_memory(name: str, backend: str, device: torch.device) -> float:
    """Measure the MB that a training step adds to the largest size of a process, in one of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        grown: float = pool.apply(_growth, (name, backend, torch.get_num_threads(), str(device)))
    return grown


def _growth(name: str, backend: str, threads: int, device: str) -> float:
    torch.set_num_threads(threads)
    case = BenchmarkCase(SHAPES[name], backend, torch.device(device))
    before = _max_memory(torch.device(device))
    case.train_step()
    return _max_memory(torch.device(device)) - before


def _max_memory(device: torch.device) -> float:
    """Give the most MB that this process had so far; unlike getrusage's, the figure starts at its own."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return float(found[1]) / 1024 if found else math.nan


def _difference(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    return max(
        float((one - other).abs().max() / other.abs().max().clamp(min=1e-30))
        for one, other in zip(found, expected, strict=True)
    )


def _milliseconds(work: Callable[[], object], device: torch.device) -> float:
    begin = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return 1000 * (time.perf_counter() - begin)


def _milliseconds_of_each(work: Callable[[], object], device: torch.device) -> float:
    """Work for a turn, and give how long it took once, in the median."""
    times = [_milliseconds(work, device)]
    while sum(times) < TURN_MS:
        times.append(_milliseconds(work, device))
    return statistics.median(times)
