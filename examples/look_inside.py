"""Draw what the heads of a trained model did with its memory: `python examples/look_inside.py runs/demo pictures`."""

import sys
from pathlib import Path

import numpy as np
import torch

import tapehead
from tapehead import plots
from tapehead.tasks import Copy


def main(run: Path, folder: Path, length: int = 20) -> list[Path]:
    """Run the model of a run directory on one sequence of the copy task, and write a picture of what it did."""
    model = tapehead.load(run / "weights.safetensors")
    if not isinstance(model, tapehead.NTM):
        raise SystemExit(f"{run}: expected a Neural Turing Machine, which has a memory to look at")
    batch = Copy().sample(np.array([[length]]), np.random.default_rng(1))
    trace = model.trace(batch.inputs)
    states = trace.states
    figure = plots.at_work(
        inputs=batch.inputs[:, 0].numpy(),
        outputs=torch.sigmoid(trace.outputs[:, 0]).numpy(),
        mask=batch.mask[:, 0].numpy(),
        write=states.write_weightings[:, 0].numpy(),
        read=states.read_weightings[:, 0].numpy(),
        memory=states.memory[-1, 0].numpy(),
        title=f"A Neural Turing Machine copies {length} vectors",
    )
    return plots.save(figure, folder / "at_work")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: python examples/look_inside.py RUN_DIR PICTURE_DIR")
    print(*main(Path(sys.argv[1]), Path(sys.argv[2])), sep="\n")
