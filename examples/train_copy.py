"""Train an NTM to copy in a loop of your own, as `tapehead train copy` does, but for going back to better weights."""

import numpy as np
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils import clip_grad_norm_

from tapehead import NTM
from tapehead.training.config import RunConfig
from tapehead.training.optimizers import StableAdam, learning_rate
from tapehead.training.recipes import configure


def main(config: RunConfig = configure("copy", "ntm", seed=1)) -> float:  # noqa: B008 - it is frozen
    """Train, print the progress, and return the wrong bits per sequence of the last batch."""
    assert config.max_grad_norm and config.min_memory_slots  # noqa: PT018 - for mypy
    task, model = config.make_task(), config.make_model()
    assert isinstance(model, NTM)
    optimizer = StableAdam(model.parameters(), **config.optimizer.options)
    generator, count, peak = np.random.default_rng(config.seed), config.batch_size, config.optimizer.options["lr"]
    for step in range(1, config.steps + 1):
        sizes = generator.integers(task.min_size, task.max_size, (count, 1), endpoint=True)
        batch = task.sample_training(sizes, generator)
        slots = int(1 / generator.uniform(1 / (model.config["memory_slots"] + 1), 1 / config.min_memory_slots))
        logits, _ = model(batch.inputs, model.initial_state(count, slots), lengths=batch.lengths)
        loss = binary_cross_entropy_with_logits(logits[batch.mask], batch.targets[batch.mask])
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(model.parameters(), config.max_grad_norm)
        optimizer.param_groups[0]["lr"] = learning_rate(step, peak, config.warmup_steps, config.steps, "cosine")
        optimizer.step()
        errors = task.count_errors(logits, batch).mean().item()
        if step % 100 == 0:
            print(f"step {step:5d}   loss {loss.item():.4f}   bit errors per sequence {errors:.2f}")
    return errors


if __name__ == "__main__":
    main()
