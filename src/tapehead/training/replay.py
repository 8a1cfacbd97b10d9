"""Hard sequences come again: those that were predicted worst are added to later batches.

What goes wrong with one sequence in a thousand, as with a vector of zeros at the start of a copy, is hardly ever
trained on once everything else goes well. Drawn in proportion to its loss, it comes back until it is learned (after
prioritized experience replay, Schaul et al. 2016, arXiv 1511.05952).
"""

import torch
from torch import Tensor

from tapehead._shapes import PerSequence
from tapehead.tasks import Batch
from tapehead.training.config import MOST_REPLAYED
from tapehead.training.data import Purpose, make_generator


class Replay:
    """The sequences that were predicted worst so far.

    Args:
        count: How many are added to every batch, at most MOST_REPLAYED.
        seed: The run's seed.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed
        self.kept: Batch | None = None
        self.losses = torch.zeros(0)  # of the kept sequences, when they last came
        self._chosen = torch.zeros(0, dtype=torch.int64)  # of the kept sequences, those added last

    def extend(self, batch: Batch, step: int) -> Batch:
        """Add hard sequences to a batch, drawn without replacement in proportion to their losses.

        Args:
            batch: The new sequences.
            step: The training step.

        Returns:
            The new sequences, and `count` hard ones after them once there are so many.
        """
        if self.kept is None or len(self.losses) < self.count:
            return batch
        weights = self.losses.cpu().double().numpy() + 1e-12
        generator = make_generator(self.seed, Purpose.REPLAY, step)
        chosen = generator.choice(len(weights), self.count, replace=False, p=weights / weights.sum())
        self._chosen = torch.from_numpy(chosen).to(batch.lengths.device)
        return _concatenate(batch, _select(self.kept, self._chosen))

    def report(self, batch: Batch, losses: PerSequence) -> None:
        """Keep the hardest sequences.

        Args:
            batch: As `extend` returned it.
            losses: How badly each of its sequences was predicted; the mean over what is scored, so that long sequences
                do not count as hard. Unless all are finite, nothing changes.
        """
        if self.count == 0 or not bool(torch.isfinite(losses).all()):
            return
        new = len(losses) - len(self._chosen)
        if self.kept is None:
            self.kept, self.losses = batch, losses.clone()
        else:
            self.losses[self._chosen] = losses[new:]
            self.losses = torch.cat([self.losses, losses[:new]])
            self.kept = _concatenate(self.kept, _select(batch, torch.arange(new, device=losses.device)))
        self._chosen = self._chosen[:0]
        if len(self.losses) > MOST_REPLAYED:
            hardest = self.losses.topk(MOST_REPLAYED).indices
            self.kept, self.losses = _select(self.kept, hardest), self.losses[hardest]

    def tensors(self) -> dict[str, Tensor]:
        """Return all that has changed since the first training step, by name."""
        return {} if self.kept is None else {"losses": self.losses, **self.kept._asdict()}

    def load_tensors(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        """Load what `tensors` returned.

        Raises:
            RuntimeError: A tensor is missing.
        """
        if not tensors:
            return
        missing = sorted({"losses", *Batch._fields} - tensors.keys())
        if missing:
            raise RuntimeError(f"replay.{missing[0]}: expected a tensor, which is missing")
        self.kept = Batch(**{name: tensors[name].to(device) for name in Batch._fields})
        self.losses = tensors["losses"].to(device)


def _select(batch: Batch, chosen: Tensor) -> Batch:
    """Return some sequences of a batch, with no more padding than they need."""
    lengths = batch.lengths[chosen]
    steps = int(lengths.max())
    inputs, targets, mask = (tensor[:steps, chosen] for tensor in (batch.inputs, batch.targets, batch.mask))
    return Batch(inputs, targets, mask, lengths)


def _concatenate(first: Batch, second: Batch) -> Batch:
    """Return the sequences of two batches as one batch."""
    lengths = torch.cat([first.lengths, second.lengths])
    return Batch(
        _beside(first.inputs, second.inputs),
        _beside(first.targets, second.targets),
        _beside(first.mask, second.mask),
        lengths,
    )


def _beside(first: Tensor, second: Tensor) -> Tensor:
    """Join two tensors along axis B; the one with fewer time steps is padded with zeros."""
    steps = max(len(first), len(second))
    padded = (torch.cat([part, part.new_zeros(steps - len(part), *part.shape[1:])]) for part in (first, second))
    return torch.cat(list(padded), 1)
