"""The two kinds of targets that a task can have, with the loss and the scores of each: bits, and symbols."""

from abc import ABC

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tapehead._shapes import Logits, PerSequence, Targets
from tapehead.maths.scores import bit_errors, bits, bits_gradient, symbol_bits, symbol_bits_gradient, symbol_errors
from tapehead.tasks.batch import Batch
from tapehead.tasks.task import Task


class BitTask(Task, ABC):
    """A task whose targets are bits, each predicted on its own: binary cross-entropy, errors at a threshold of 0.5."""

    error_name = "bit errors"

    def check_batch(self, batch: object, count: int) -> None:
        """Raise unless this is a batch of `count` sequences as this task promises them.

        Raises:
            TypeError: It is no batch, or a tensor is of the wrong type.
            ValueError: A shape or a value does not fit, or a target is no bit.
        """
        super().check_batch(batch, count)
        assert isinstance(batch, Batch)
        scored = batch.targets[batch.mask]
        wrong = scored[(scored != 0) & (scored != 1)]
        if len(wrong):
            raise ValueError(self._complaint("targets that are 0 or 1, as a BitTask's are", f"{float(wrong[0]):g}"))

    def cross_entropy(self, logits: Logits, batch: Batch) -> PerSequence:
        """Give the binary cross-entropy in bits per sequence, (B,)."""
        return bits(logits, batch.targets, batch.mask)

    def cross_entropy_gradient(self, logits: Logits, batch: Batch, scale: Tensor) -> Logits:
        """Give the gradient of `scale` times the sum of `cross_entropy`, (T, B, O)."""
        return bits_gradient(logits, batch.targets, batch.mask, scale)

    def count_errors(self, logits: Logits, batch: Batch) -> PerSequence:
        """Count the wrong bits of each sequence, (B,)."""
        return bit_errors(logits, batch.targets, batch.mask)

    def count_targets(self, batch: Batch) -> PerSequence:
        """Count the bits of each sequence that are scored, (B,)."""
        return batch.mask.sum(dim=0) * float(self.output_size)

    def probabilities(self, logits: Logits) -> Logits:
        """Give the probability of a 1 for every bit, (T, B, O)."""
        return torch.sigmoid(logits)

    def target_channels(self, batch: Batch) -> Targets:
        """Give the targets, (T, B, O)."""
        return batch.targets

    def _targets_shape(self, steps: int, count: int) -> tuple[int, ...]:
        return (steps, count, self.output_size)

    def _check_target_type(self, targets: Tensor) -> None:
        if targets.dtype != torch.get_default_dtype():
            raise TypeError(self._complaint(f"targets of {torch.get_default_dtype()} that are 0 or 1", targets.dtype))


class SymbolTask(Task, ABC):
    """A task whose targets are symbols of a vocabulary of `output_size`: cross-entropy, and errors of the likeliest."""

    error_name = "symbol errors"

    def cross_entropy(self, logits: Logits, batch: Batch) -> PerSequence:
        """Give the cross-entropy in bits per sequence, (B,)."""
        return symbol_bits(logits, batch.targets, batch.mask)

    def cross_entropy_gradient(self, logits: Logits, batch: Batch, scale: Tensor) -> Logits:
        """Give the gradient of `scale` times the sum of `cross_entropy`, (T, B, O)."""
        return symbol_bits_gradient(logits, batch.targets, batch.mask, scale)

    def count_errors(self, logits: Logits, batch: Batch) -> PerSequence:
        """Count the wrong symbols of each sequence, (B,)."""
        return symbol_errors(logits, batch.targets, batch.mask)

    def count_targets(self, batch: Batch) -> PerSequence:
        """Count the symbols of each sequence that are scored, (B,)."""
        return batch.mask.sum(dim=0).float()

    def probabilities(self, logits: Logits) -> Logits:
        """Give the probability of every symbol, (T, B, O)."""
        return torch.softmax(logits, dim=-1)

    def target_channels(self, batch: Batch) -> Targets:
        """Give the targets as one-hot vectors, (T, B, O)."""
        return one_hot(batch.targets, self.output_size).float()

    def _targets_shape(self, steps: int, count: int) -> tuple[int, ...]:
        return (steps, count)

    def _check_target_type(self, targets: Tensor) -> None:
        self._check_symbols("targets", targets, self.output_size)
