"""Give a trained model a larger memory, and longer sequences: `python examples/larger_memory.py runs/demo`."""

import sys
from pathlib import Path

import numpy as np
import torch

import tapehead
from tapehead.tasks import Copy


def main(run: Path, memory_slots: int = 1024, lengths: tuple[int, ...] = (20, 120, 500)) -> list[float]:
    """Print and return the wrong bits per sequence at each length."""
    model = tapehead.load(run / "weights.safetensors")
    if not isinstance(model, tapehead.NTM):
        raise SystemExit(f"{run}: expected a Neural Turing Machine, which has a memory")
    model, task = model.with_memory_slots(memory_slots), Copy()
    means = []
    for length in lengths:
        batch = task.sample(np.full((8, 1), length), np.random.default_rng(length))
        with torch.no_grad():
            logits, _ = model(batch.inputs)
        means.append(task.count_errors(logits, batch).mean().item())
        print(f"length {length:5d}   bit errors per sequence {means[-1]:.2f} of {task.bits * length}")
    return means


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python examples/larger_memory.py RUN_DIR")
    main(Path(sys.argv[1]))
