"""The base class of tasks: they generate sequences of any size, and compute their loss and scores."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from tapehead._shapes import Inputs, Logits, PerSequence, Targets
from tapehead.tasks.batch import Batch, Size, Sizes


class Task(ABC):
    """Generates sequences, with inputs, targets and a mask of the scored time steps; computes loss and errors.

    All randomness comes from the generator that is passed in, and a task has no state, so a batch is a pure function
    of the sizes and the generator's seed. The curriculum chooses the sizes.

    A task of your own derives from `BitTask` or `SymbolTask` and is trained by its import path:
    examples/your_own_task.py. If it is a frozen dataclass, its fields are its options.
    """

    error_name: ClassVar[str]
    """What `count_errors` counts: `bit errors`, `symbol errors` or the like."""
    target_name: ClassVar[str | None] = None
    """What to tell the bits of the cross-entropy for, such as a `character`; None: for a whole sequence."""

    @property
    @abstractmethod
    def input_size(self) -> int:
        """Channels of an input, I."""

    @property
    @abstractmethod
    def output_size(self) -> int:
        """Channels of an output, O."""

    @property
    @abstractmethod
    def size_names(self) -> tuple[str, ...]:
        """The names of the numbers that make up a size, such as ("length",)."""

    @property
    @abstractmethod
    def min_size(self) -> Size:
        """The smallest size that is trained on."""

    @property
    @abstractmethod
    def max_size(self) -> Size:
        """The largest size that is trained on."""

    @property
    def eval_sizes(self) -> tuple[Size, ...]:
        """The sizes that a trained model is evaluated on unless others are given, `max_size` first."""
        return (self.max_size,)

    @abstractmethod
    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw one sequence for each row of `sizes`.

        In this package's tasks a sequence depends on the number of sequences in the batch, but not on their sizes.

        Args:
            sizes: The size of each sequence, (B, K) with K = len(size_names); every entry is at least 1, and may exceed
                `max_size`.
            generator: The source of all randomness.

        Returns:
            The batch; T is the number of time steps of the longest sequence.

        Raises:
            ValueError: There is no sequence of such a size.
        """

    def sample_training(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw sequences to train on; as `sample` does, unless a task is trained on others than it is tested on.

        Args:
            sizes: As for `sample`.
            generator: As for `sample`.
        """
        return self.sample(sizes, generator)

    @property
    def data_digest(self) -> str | None:
        """What is the same for equal data only, if they depend on more than options and seed, as on a file."""
        return None

    def memory_needed(self, size: Size) -> int | None:  # noqa: ARG002
        """Return how many slots hold a sequence, with one vector or symbol in each; None if that is unclear.

        Args:
            size: The size of the sequence.
        """
        return None

    def optimal_bits(self, batch: Batch) -> PerSequence | None:  # noqa: ARG002
        """Return the cross-entropy of the best possible predictions for these sequences.

        Args:
            batch: Sequences that this task drew.

        Returns:
            Bits per sequence, (B,); None if the inputs determine every target, so that 0 bits are possible.
        """
        return None

    def predict_optimally(self, batch: Batch) -> NDArray[np.float64] | None:  # noqa: ARG002
        """Return the best possible predictions if the output is a single bit: the probability of a 1, (T, B).

        Args:
            batch: Sequences that this task drew.

        Returns:
            The probabilities; None if the inputs determine every target, or the optimum is not known.
        """
        return None

    def input_channels(self, batch: Batch) -> Inputs:
        """Return the inputs of a model, (T, B, I): token ids are one-hot encoded.

        Args:
            batch: Sequences that this task drew.
        """
        if batch.inputs.is_floating_point():
            return batch.inputs
        return one_hot(batch.inputs, self.input_size).to(torch.get_default_dtype())

    @abstractmethod
    def cross_entropy(self, logits: Logits, batch: Batch) -> PerSequence:
        """Return the loss: the cross-entropy in bits per sequence, summed over the scored time steps, (B,).

        Args:
            logits: The model's outputs, (T, B, O).
            batch: The batch that it was run on.
        """

    @abstractmethod
    def cross_entropy_gradient(self, logits: Logits, batch: Batch, scale: Tensor) -> Logits:
        """Return the gradient of `scale` times the sum of `cross_entropy` with respect to the logits, (T, B, O).

        Args:
            logits: The model's outputs, (T, B, O).
            batch: The batch that it was run on.
            scale: A tensor of shape ().
        """

    @abstractmethod
    def count_errors(self, logits: Logits, batch: Batch) -> PerSequence:
        """Count the wrong bits or symbols of each sequence at its scored time steps, (B,).

        Args:
            logits: The model's outputs, (T, B, O).
            batch: The batch that it was run on.
        """

    @abstractmethod
    def count_targets(self, batch: Batch) -> PerSequence:
        """Count the target bits or symbols at the scored time steps of each sequence, (B,).

        Args:
            batch: Sequences that this task drew.
        """

    @abstractmethod
    def probabilities(self, logits: Logits) -> Logits:
        """Turn logits into probabilities, (T, B, O).

        Args:
            logits: The model's outputs, (T, B, O).
        """

    @abstractmethod
    def target_channels(self, batch: Batch) -> Targets:
        """Return the targets as probabilities of 0 or 1, (T, B, O): symbols are one-hot encoded.

        Args:
            batch: Sequences that this task drew.
        """

    def check_batch(self, batch: object, count: int) -> None:
        """Raise unless this is a valid batch of `count` sequences of this task.

        Args:
            batch: What `sample` returned.
            count: B, how many sequences it was to draw.

        Raises:
            TypeError: It is not a `Batch`, or a tensor is of the wrong type.
            ValueError: A shape or a value does not fit.
        """
        batch = self._check_form(batch, count)
        steps = len(batch.mask)
        if int(batch.lengths.max()) > steps or int(batch.lengths.min()) < 0:
            raise ValueError(self._complaint(f"lengths from 0 to {steps}", batch.lengths.tolist()))
        if not bool(batch.mask.any(dim=0).all()):
            raise ValueError(self._complaint("a scored time step in every sequence", "a mask without one for some"))
        if bool((batch.mask & (torch.arange(steps).unsqueeze(1) >= batch.lengths)).any()):
            raise ValueError(self._complaint("a mask that is False after a sequence's end", "one that is True there"))

    def _check_form(self, batch: object, count: int) -> Batch:
        """Raise unless types and shapes are those of a batch of `count` sequences; fast enough for every batch.

        Raises:
            TypeError: It is not a `Batch`, or a tensor is of the wrong type.
            ValueError: A shape does not fit, or a token id is out of range.
        """
        if not isinstance(batch, Batch):
            raise TypeError(self._complaint("a tapehead.tasks.Batch", type(batch).__name__))
        for name, tensor in zip(Batch._fields, batch, strict=True):
            if not isinstance(tensor, Tensor):
                raise TypeError(self._complaint(f"{name} to be a tensor", type(tensor).__name__))
        if batch.mask.dtype != torch.bool or batch.lengths.dtype != torch.int64:
            found = f"{batch.mask.dtype} and {batch.lengths.dtype}"
            raise TypeError(self._complaint("a mask of torch.bool and lengths of torch.int64", found))
        are_ids = batch.inputs.dtype == torch.int64
        if (are_ids and batch.inputs.dim() > 2) or (not are_ids and batch.inputs.dtype != torch.get_default_dtype()):
            expected = f"inputs (T, B, I) of {torch.get_default_dtype()}, or token ids (T, B) of torch.int64"
            found = f"{batch.inputs.dtype} of shape {tuple(batch.inputs.shape)}"
            raise TypeError(self._complaint(expected, found))
        steps = len(batch.mask) if batch.mask.dim() else 0
        inputs_shape = (steps, count) if are_ids else (steps, count, self.input_size)
        shapes = {"mask": (steps, count), "inputs": inputs_shape, "lengths": (count,)}
        for name, shape in (shapes | {"targets": self._targets_shape(steps, count)}).items():
            found_shape = tuple(getattr(batch, name).shape)
            if found_shape != shape:
                raise ValueError(self._complaint(f"{name} of shape {shape}", found_shape))
        if are_ids:
            self._check_symbols("inputs", batch.inputs, self.input_size)
        self._check_target_type(batch.targets)
        return batch

    @abstractmethod
    def _targets_shape(self, steps: int, count: int) -> tuple[int, ...]:
        """The shape of a batch's targets."""

    @abstractmethod
    def _check_target_type(self, targets: Tensor) -> None:
        """Raise unless the targets have the dtype and the range that the loss needs."""

    def _check_symbols(self, name: str, symbols: Tensor, count: int) -> None:
        expected = f"{name} to be torch.int64 from 0 to {count - 1}"
        if symbols.dtype != torch.int64:
            raise TypeError(self._complaint(expected, symbols.dtype))
        if symbols.numel() and (int(symbols.min()) < 0 or int(symbols.max()) >= count):
            raise ValueError(self._complaint(expected, f"from {int(symbols.min())} to {int(symbols.max())}"))

    def _complaint(self, expected: str, found: object) -> str:
        return f"{type(self).__name__}.sample: expected {expected}, not {found}"


class StreamTask(Task, ABC):
    """A task whose training sequences have no end: each batch goes on where the one before ended.

    So does the state of the model, without gradients. All training sequences have the same size.
    """

    @abstractmethod
    def sample_continued(self, sizes: Sizes, step: int, generator: np.random.Generator) -> Batch:
        """Draw the batch of a training step.

        Args:
            sizes: As for `sample`.
            step: The training step, from 1 on.
            generator: The same for every step, so that what is drawn from it holds for all of them.
        """


class LengthTask(Task, ABC):
    """A task whose size is a length alone; its options `min_length` and `max_length` are those that are trained on."""

    min_length: int
    max_length: int

    @property
    def size_names(self) -> tuple[str, ...]:
        """A sequence has a length."""
        return ("length",)

    @property
    def min_size(self) -> Size:
        """The shortest that is trained on."""
        return (self.min_length,)

    @property
    def max_size(self) -> Size:
        """The longest that is trained on."""
        return (self.max_length,)
