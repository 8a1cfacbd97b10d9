"""Time one training step (forward, backward, Adam) of each machine on copy's longest sequences: `make bench`.

Prints the median and the quartiles over repeats, after a few that do not count. Nothing is written.
"""

import argparse
import json
import statistics
import time
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

import tapehead


class Shape(NamedTuple):
    """A batch, and the machine that learns from it."""

    batch_size: int
    steps: int
    model: str
    options: dict[str, Any]


SHAPES = {
    "copy, LSTM controller": Shape(32, 41, "ntm", {}),
    "copy, LSTM controller, batch 1": Shape(1, 41, "ntm", {}),
    "copy, feed-forward controller": Shape(32, 41, "ntm", {"controller": "feedforward"}),
    "copy, no memory: LSTM 3 x 256": Shape(32, 41, "lstm", {}),
}
MODELS = {"ntm": tapehead.NTM, "lstm": tapehead.LSTM}
INPUT_SIZE, OUTPUT_SIZE = 9, 8


def training_step(model: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, targets: Tensor) -> float:
    """Take one step and return its milliseconds."""
    begin = time.perf_counter()
    outputs, _ = model(inputs)
    loss = binary_cross_entropy_with_logits(outputs, targets)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    elapsed = (time.perf_counter() - begin) * 1000
    if not torch.isfinite(loss):
        raise ArithmeticError(f"loss: expected a finite number, not {loss.item()}; a wrong step is not worth timing")
    return elapsed


def measure(shape: Shape, repeats: int) -> dict[str, float | str]:
    """Time a shape; returns milliseconds, and what ran."""
    torch.manual_seed(0)
    model = MODELS[shape.model](INPUT_SIZE, OUTPUT_SIZE, **shape.options)
    optimiser = torch.optim.Adam(model.parameters())
    inputs = torch.rand(shape.steps, shape.batch_size, INPUT_SIZE).round()
    targets = torch.rand(shape.steps, shape.batch_size, OUTPUT_SIZE).round()
    times = [training_step(model, optimiser, inputs, targets) for _ in range(repeats + 3)][3:]
    lower, median, upper = statistics.quantiles(times, n=4)
    return {"median_ms": median, "lower_ms": lower, "upper_ms": upper, "backend": model.backend_in_use}


def main() -> None:
    """Print a table, or with --json one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20, help="steps that count (default: 20)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    arguments = parser.parse_args()
    rows = {name: measure(shape, arguments.repeats) for name, shape in SHAPES.items()}
    capability = torch.backends.cpu.get_cpu_capability()
    machine = {"torch": torch.__version__, "instructions": capability, "threads": torch.get_num_threads()}
    if arguments.json:
        print(json.dumps({"machine": machine, "repeats": arguments.repeats, "shapes": rows}, indent=2))
        return
    print("One training step in milliseconds:", ", ".join(f"{key} {value}" for key, value in machine.items()))
    print(f"{'shape':32} {'median':>8} {'quartiles':>17}  backend")
    for name, row in rows.items():
        quartiles = f"{row['lower_ms']:.1f} to {row['upper_ms']:.1f}"
        print(f"{name:32} {row['median_ms']:8.1f} {quartiles:>17}  {row['backend']}")


if __name__ == "__main__":
    main()
