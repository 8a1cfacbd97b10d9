"""How fast a training step is: each way to run it against the reference, in one process, after their results agreed."""

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

from tapehead.maths.dnc import dnc_step
from tapehead.maths.ntm import ntm_step
from tapehead.models import DNC, NTM
from tapehead.training.optimisers import adam

INPUT_SIZE, OUTPUT_SIZE = 9, 8
REFERENCE, COMPILED = "reference", "compiled"

TURN_MS = 100.0
"""How long a way runs before the next has its turn: as in training, a step follows others of its kind."""

LARGEST_DIFFERENCE = 1e-3
"""Of float32 outputs and gradients from the reference's, relative to the largest entry; more, and nothing is timed."""


class Shape(NamedTuple):
    """A batch of sequences, and the machine that learns from it."""

    batch_size: int
    steps: int
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


class Figures(NamedTuple):
    """What was measured of one way to run one shape."""

    shape: str
    way: str
    forward_ms: float
    step_ms: float  # forward, backward and Adam
    ratio: float  # the reference's step_ms over this
    gflops: float  # GFLOP/s of the step
    share_of_peak: float
    difference: float  # from the reference, relative
    peak_mb: float  # MB that a step adds to a process of its own; NaN where the system does not tell


class Trainee:
    """A machine of one shape that is trained in one way; weights and batch are the same in all."""

    def __init__(self, shape: Shape, way: str) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            backend = REFERENCE if way == COMPILED else way
            self.model = shape.model(INPUT_SIZE, OUTPUT_SIZE, backend=backend, **shape.options)
            self.inputs = torch.rand(shape.steps, shape.batch_size, INPUT_SIZE).round()
            self.targets = torch.rand(shape.steps, shape.batch_size, OUTPUT_SIZE).round()
        self.optimiser = adam(self.model.parameters(), learning_rate=1e-3)
        self.step: Callable[..., Any] | None = torch.compile(STEPS[shape.model]) if way == COMPILED else None

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

    def learn(self) -> Tensor:
        """Take a training step; returns the outputs before it."""
        outputs = self.forward()
        self.optimiser.zero_grad()
        binary_cross_entropy_with_logits(outputs, self.targets).backward()
        self.optimiser.step()
        return outputs

    def results(self) -> list[Tensor]:
        """Give the outputs and every gradient, from the first weights."""
        outputs = self.forward()
        self.optimiser.zero_grad()
        binary_cross_entropy_with_logits(outputs, self.targets).backward()
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        return [outputs.detach(), *(gradient.clone() for gradient in gradients)]


def measure(name: str, ways: Sequence[str], repeats: int, peak_gflops: float) -> list[Figures]:
    """Compare the ways on a shape, then time them in turns.

    Args:
        name: A key of SHAPES.
        ways: The reference first.
        repeats: How many turns each has; the median turn counts.
        peak_gflops: What `matrix_product_peak` found.

    Raises:
        ArithmeticError: A way's results are not the reference's.
    """
    shape = SHAPES[name]
    trainees = {way: Trainee(shape, way) for way in ways}
    wanted = trainees[ways[0]].results()
    differences = {way: _difference(trainee.results(), wanted) for way, trainee in trainees.items()}
    for way, difference in differences.items():
        if not difference <= LARGEST_DIFFERENCE:
            raise ArithmeticError(f"{name}: {way} differs from the reference by {difference:.1e}, so it is not timed")
    forward: dict[str, list[float]] = {way: [] for way in ways}
    step: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(repeats):
        for way, trainee in trainees.items():
            trainee.learn()
            forward[way].append(_milliseconds_of_each(trainee.forward))
            step[way].append(_milliseconds_of_each(trainee.learn))
    medians = {way: statistics.median(times) for way, times in step.items()}
    work = step_gflop(shape)
    return [
        Figures(
            shape=name,
            way=way,
            forward_ms=statistics.median(forward[way]),
            step_ms=medians[way],
            ratio=medians[ways[0]] / medians[way],
            gflops=1000 * work / medians[way],
            share_of_peak=1000 * work / medians[way] / peak_gflops,
            difference=differences[way],
            peak_mb=peak_memory(name, way),
        )
        for way in ways
    ]


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
    return float(3 * 2 * products * shape.batch_size * shape.steps) / 1e9


def matrix_product_peak(size: int = 1536, repeats: int = 7) -> float:
    """Measure the GFLOP/s of this machine's float32 matrix product, at its best."""
    left, right = torch.rand(size, size), torch.rand(size, size)
    fastest = min(_milliseconds(lambda: left @ right) for _ in range(repeats))
    return 2 * size**3 / fastest / 1e6


def peak_memory(name: str, way: str) -> float:
    """Measure the MB that a training step adds to the largest size of a process, in one of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        grown: float = pool.apply(_growth, (name, way, torch.get_num_threads()))
    return grown


def _growth(name: str, way: str, threads: int) -> float:
    torch.set_num_threads(threads)
    trainee = Trainee(SHAPES[name], way)
    before = _largest_size()
    trainee.learn()
    return _largest_size() - before


def _largest_size() -> float:
    """Say how many MB of memory this process had at its largest; unlike getrusage's, the figure starts at its own."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return float(found[1]) / 1024 if found else math.nan


def _difference(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> float:
    return max(
        float((one - other).abs().max() / other.abs().max().clamp(min=1e-30))
        for one, other in zip(found, wanted, strict=True)
    )


def _milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begin)


def _milliseconds_of_each(work: Callable[[], object]) -> float:
    """Work for a turn, and say how long it took once, in the median."""
    times = [_milliseconds(work)]
    while sum(times) < TURN_MS:
        times.append(_milliseconds(work))
    return statistics.median(times)
