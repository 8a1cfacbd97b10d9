"""Give a trained machine a longer tape, and longer sequences: `python examples/longer_tape.py runs/demo`."""

import sys
from pathlib import Path

import numpy as np
import torch

import tapehead
from tapehead.maths.scores import bit_errors
from tapehead.tasks import Copy


def main(run: Path, memory_slots: int = 1024, lengths: tuple[int, ...] = (20, 120, 500)) -> list[float]:
    """Print and return the wrong bits per sequence at each length."""
    model = tapehead.load(run / "weights.safetensors")
    if not isinstance(model, tapehead.NTM):
        raise SystemExit(f"{run}: expected a Neural Turing Machine, which has a tape")
    model = model.with_memory_slots(memory_slots)
    means = []
    for length in lengths:
        batch = Copy().sample(np.full((8, 1), length), np.random.default_rng(length))
        with torch.no_grad():
            logits, _ = model(batch.inputs)
        means.append(bit_errors(logits, batch.targets, batch.scored).mean().item())
        print(f"length {length:5d}   bit errors per sequence {means[-1]:.2f} of {8 * length}")
    return means


if __name__ == "__main__":
    main(Path(sys.argv[1]))
