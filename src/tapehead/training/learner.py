"""One update: a batch, a loss, its gradients, and a step of the optimiser."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from tapehead._shapes import Logits, PerSequence
from tapehead.maths.scores import bit_errors, bits, bits_gradient
from tapehead.tasks import Batch, Size, Sizes, Task
from tapehead.training.data import Purpose, generator, training_batch
from tapehead.training.errors import DivergedError
from tapehead.training.generalise import Score, score
from tapehead.training.optimisers import clip_gradient, learning_rate
from tapehead.training.run import Run

MODEL, OPTIMISER = "model.", "optimiser."
RECORDED = ("seed", "update", "memory_slots")
"""What a record of an evaluation has beside a score and the names of a size."""


UPDATES_AHEAD, NUMBERS_AHEAD = 16, 2**18
"""For how many updates batches are drawn at a time, and how many numbers may go in before that is enough."""


class Lesson(NamedTuple):
    """What one update measured on its batch, before the weights moved."""

    loss: float
    bits: float  # per sequence
    bit_errors: float  # per sequence
    gradient_norm: float  # before clipping; the update was skipped if it is not finite


def check_size_names(task: Task) -> None:
    """Raise unless a task names every number of its sizes, by a word that records have no other use for.

    Raises:
        TypeError: The names are no words in a tuple.
        ValueError: There are too many or too few, or one is taken or has other signs than letters, digits and _.
    """
    names: Any = task.size_names
    count = len(task.largest)
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"task: expected size_names to be a tuple of words, not {names!r}")
    if len(names) != count:
        raise ValueError(f"task: expected as many size_names as numbers in `largest`, {count}, not {names!r}")
    for name in names:
        if not name.isidentifier() or name in {*RECORDED, *Score._fields}:
            raise ValueError(f"task: expected size_names to be words that records use for nothing else, not {name!r}")


class _Done(NamedTuple):
    """What is left of an update whose lesson was not drawn yet."""

    update: int
    batch: Batch
    logits: Logits
    gradient_norm: float


class Learner:
    """A model that learns its task, update by update; which update comes next is the caller's to say.

    The parameters of `model` are views of one long one, `weights`, so that to clip and to step is to go over one
    tensor; what copies the model or puts other tensors in their place parts them.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.task = run.make_task()
        check_size_names(self.task)
        self.curriculum = run.make_curriculum()
        self.model = run.make_model()
        self._parameters = list(self.model.parameters())
        self.weights = nn.Parameter(parameters_to_vector(self._parameters).detach())
        vector_to_parameters(self.weights.detach(), self._parameters)
        self.optimiser = run.make_optimiser(self.weights)
        self._done: list[_Done] = []
        self._ahead: dict[int, tuple[Sizes, Batch]] = {}
        self._ahead_as: dict[str, Any] = {}  # the curriculum's state when these were drawn

    def learn(self, update: int) -> None:
        """Do the update of this number.

        A gradient that leaves the number format, as one through hundreds of steps can, says nothing: the weights and
        the optimiser then stay as they are.

        Raises:
            DivergedError: The curriculum wants to know the loss after the update, and it is not finite.
        """
        sizes, batch = self._batch(update)
        outputs, _ = self.model(batch.inputs, lengths=batch.lengths)
        logits = outputs.detach()
        of_a_bit = self._bits_or_sequences(batch.scored).reciprocal() * math.log(2)
        for parameter in self._parameters:
            parameter.grad = None
        outputs.backward(bits_gradient(logits, batch.targets, batch.scored, of_a_bit))
        self.weights.grad = parameters_to_vector(cast(Tensor, parameter.grad) for parameter in self._parameters)
        norm = clip_gradient(self.weights.grad, self.run.gradient_clip, self.run.gradient_bound)
        self._done.append(_Done(update, batch, logits, norm))
        if not math.isfinite(norm):
            return
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate(update)
        self.optimiser.step()
        if self.curriculum.wants_gains:
            self._tell_gains(update, sizes, batch, bits(logits, batch.targets, batch.scored))

    def lessons(self) -> Iterator[Lesson]:
        """Say what was measured in the updates since this was last asked; for many at once takes half the time.

        Raises:
            DivergedError: A loss is not finite. The weights may have followed it: the learner is of no use any more.
        """
        done, self._done = self._done, []
        return map(self._lesson, done)

    def _lesson(self, done: _Done) -> Lesson:
        answered = done.logits, done.batch.targets, done.batch.scored
        information, wrong = bits(*answered), bit_errors(*answered)
        loss = information.sum() * math.log(2) / self._bits_or_sequences(done.batch.scored)
        if not math.isfinite(loss):
            raise DivergedError(f"update {done.update}: loss {float(loss)}")
        return Lesson(float(loss), float(information.mean()), float(wrong.mean()), done.gradient_norm)

    def _batch(self, update: int) -> tuple[Sizes, Batch]:
        """Draw the batch of this update, and some of the next ones', while what draws them is in the caches."""
        drawn_as = self.curriculum.state()
        if update not in self._ahead or drawn_as != self._ahead_as:
            self._ahead, self._ahead_as, numbers = {}, drawn_as, 0
            for later in range(update, update + (1 if self.curriculum.wants_gains else UPDATES_AHEAD)):
                self._ahead[later] = training_batch(self.run, self.task, self.curriculum, later)
                numbers += self._ahead[later][1].inputs.numel()
                if numbers >= NUMBERS_AHEAD:
                    break
        return self._ahead.pop(update)

    @torch.no_grad()
    def _tell_gains(self, update: int, sizes: Sizes, batch: Batch, before: PerSequence) -> None:
        """Tell the curriculum by how many bits per step each sequence is predicted better after the update."""
        if not bool(torch.isfinite(before).all()):
            return  # as the update's lesson will say
        outputs, _ = self.model(batch.inputs, lengths=batch.lengths)
        gains = (before - bits(outputs, batch.targets, batch.scored)).double() / batch.lengths
        if not bool(torch.isfinite(gains).all()):
            raise DivergedError(f"update {update}: the loss after it is not finite")
        self.curriculum.hear_gains(sizes, gains.numpy(), generator(self.run.seed, Purpose.CURRICULUM, update))

    def learning_rate(self, update: int) -> float:
        """Say the learning rate of an update."""
        run = self.run
        return learning_rate(update, run.learning_rate, run.warmup_updates, run.updates, run.decay)

    def evaluate(self, update: int) -> Score:
        """Try the model on fresh questions of the largest size; other ones after each update."""
        return self._try(self.task.largest, Purpose.EVALUATION, update)

    def advance(self, update: int) -> None:
        """Let the curriculum move on, if it waits for a size to be solved and the model solves it.

        Where no answer can be certain, the bits above the best possible take the place of the wrong ones.
        """
        if self.curriculum.awaited is not None:
            tried = self._try(self.curriculum.awaited, Purpose.CURRICULUM, update)
            self.curriculum.hear_errors(tried.bit_errors if tried.gap_bits is None else tried.gap_bits)

    def _try(self, size: Size, purpose: Purpose, update: int) -> Score:
        return score(self.model, self.task, size, self.run.evaluation_sequences, self.run.seed, purpose, update)

    def tensors(self) -> dict[str, Tensor]:
        """Give all that learning changes: the model's tensors, and what the optimiser remembers, by name."""
        remembered = self.optimiser.state.get(self.weights, {})
        kept = {OPTIMISER + name: tensor for name, tensor in remembered.items() if tensor is not None}
        return {MODEL + name: tensor for name, tensor in self.model.state_dict().items()} | kept

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `tensors` gave.

        Raises:
            RuntimeError: They are of another model, or of another kind of optimiser.
        """
        model, remembered = (
            {name.removeprefix(owner): tensor for name, tensor in tensors.items() if name.startswith(owner)}
            for owner in (MODEL, OPTIMISER)
        )
        self.model.load_state_dict(model)
        for name, tensor in remembered.items():
            if tensor.shape not in {torch.Size(), self.weights.shape}:
                shape = tuple(self.weights.shape)
                raise RuntimeError(f"{OPTIMISER}{name}: expected a number or shape {shape}, not {tuple(tensor.shape)}")
        state = {0: remembered} if remembered else {}
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": state})

    def is_finite(self) -> bool:
        """Say whether every weight is a finite number."""
        return bool(torch.isfinite(self.weights).all())

    def _bits_or_sequences(self, scored: Tensor) -> Tensor:
        """What the loss is divided by, ()."""
        if self.run.loss == "mean":
            return scored.sum() * self.task.output_size
        return torch.tensor(self.run.batch_size)
