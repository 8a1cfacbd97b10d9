"""Teach a Neural Turing Machine to copy, in a PyTorch loop of your own."""

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils import clip_grad_norm_

import tapehead
from tapehead.maths.scores import bit_errors
from tapehead.tasks import Copy


def main(updates: int = 2000, batch_size: int = 32) -> float:
    """Train, print the progress, and return the wrong bits per sequence at the end."""
    torch.manual_seed(1)
    generator = np.random.default_rng(1)
    task = Copy(max_length=20)
    model = tapehead.NTM(task.input_size, task.output_size, shift_bias=1.0, sharpening_bias=1.0)
    optimiser = torch.optim.Adam(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=0.01, total_iters=500)
    errors = float("nan")
    for update in range(1, updates + 1):
        batch = task.sample(generator.integers(1, 21, size=(batch_size, 1)), generator)
        logits, _ = model(batch.inputs, lengths=batch.lengths)
        loss = binary_cross_entropy_with_logits(logits[batch.scored], batch.targets[batch.scored])
        optimiser.zero_grad()
        loss.backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if update % 100 == 0 or update == updates:
            errors = bit_errors(logits, batch.targets, batch.scored).mean().item()
            print(f"update {update:5d}   loss {loss.item():.4f}   bit errors per sequence {errors:.2f}")
    return errors


if __name__ == "__main__":
    main()
