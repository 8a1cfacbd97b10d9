"""Train an NTM to copy in a loop of your own, with the settings of `tapehead train copy`: `python train_copy.py`."""

import math

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils import clip_grad_norm_

from tapehead.training.config import RunConfig
from tapehead.training.optimizers import learning_rate
from tapehead.training.recipes import configure


def main(config: RunConfig = configure("copy", "ntm", seed=1)) -> float:  # noqa: B008 - it is frozen
    """Train, print the progress, and return the wrong bits per sequence of the last batch."""
    task, model = config.make_task(), config.make_model()
    optimizer = torch.optim.Adam(model.parameters(), **config.optimizer.options)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda done: learning_rate(done + 1, 1.0, config.warmup_steps, config.steps, config.lr_schedule)
    )
    generator = np.random.default_rng(config.seed)
    for step in range(1, config.steps + 1):
        sizes = generator.integers(task.min_size, task.max_size, (config.batch_size, 1), endpoint=True)
        batch = task.sample(sizes, generator)
        logits, _ = model(batch.inputs, lengths=batch.lengths)
        loss = binary_cross_entropy_with_logits(logits[batch.mask], batch.targets[batch.mask])
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(model.parameters(), config.max_grad_norm or math.inf)
        optimizer.step()
        schedule.step()
        errors = task.count_errors(logits, batch).mean().item()
        if step % 100 == 0:
            print(f"step {step:5d}   loss {loss.item():.4f}   bit errors per sequence {errors:.2f}")
    return errors


if __name__ == "__main__":
    main()
