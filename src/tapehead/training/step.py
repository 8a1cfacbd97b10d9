"""One training step: a batch, a loss, its gradients, and a step of the optimizer."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from tapehead._shapes import Logits, PerSequence
from tapehead.models.memory_model import MemoryModel
from tapehead.tasks import Batch, Size, Sizes
from tapehead.training.carried import CarriedState, check_can_carry
from tapehead.training.config import RunConfig
from tapehead.training.data import Purpose, draw_training_batch, make_generator, model_inputs
from tapehead.training.errors import DivergedError, EvaluationStoppedError
from tapehead.training.evaluation import Score, score
from tapehead.training.optimizers import clip_gradient, learning_rate
from tapehead.training.ranks import ALONE, Ranks
from tapehead.training.rollback import WEIGHTS, Rollback
from tapehead.training.signals import ShouldStop
from tapehead.training.trial import check_curriculum, check_model, check_task

MODEL, OPTIMIZER, ROLLBACK, CARRIED = "model.", "optimizer.", "rollback.", "carried."

BATCHES_AHEAD, NUMBERS_AHEAD = 16, 2**18
"""Batches are drawn this many at a time, or fewer once their inputs have this many elements."""


class StepMetrics(NamedTuple):
    """The metrics of one training step on its batch, before the optimizer step."""

    loss: float
    bits: float  # per sequence
    errors: float  # per sequence
    gradient_norm: float  # before clipping; the step was skipped if it is not finite


class _Done(NamedTuple):
    """A training step whose metrics have not been computed yet."""

    step: int
    batch: Batch
    logits: Logits
    errors: PerSequence | None  # where they were counted already
    gradient_norm: float


def _gradient(parameter: nn.Parameter) -> Tensor:
    """Return the gradient of a parameter; zeros if the outputs do not depend on it."""
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


class Learner:
    """A model in training, with its task, curriculum and optimizer; the caller numbers the steps.

    The parameters of `model` are views of one flat parameter, `weights`, so that gradient clipping and the optimizer
    work on a single tensor; copying the model, or assigning other tensors to its parameters, breaks that link.

    Args:
        config: The configuration of the run.
        device: Where the model is trained; data and initial weights are the same on every device.
        ranks: The processes that train it together, each on its share of every batch.

    Raises:
        TypeError: The task's size names or batches, or what the model returns, are of the wrong type.
        ValueError: The task's size names or batches, or the model's outputs, are not valid; or the model is too large.
        TaskError: The task or the curriculum cannot draw a batch, or a checkpoint cannot hold the curriculum's state.
    """

    def __init__(self, config: RunConfig, device: torch.device | str = "cpu", ranks: Ranks = ALONE) -> None:
        ranks.check_batch_size(config.batch_size)
        self.config, self.ranks = config, ranks
        self.device = torch.device(device)
        self.task = config.make_task()
        check_task(self.task, Score._fields)
        check_curriculum(config)
        self.curriculum = config.make_curriculum()
        check_can_carry(self.task, self.curriculum, config.min_memory_slots, ranks)
        self.model = config.make_model(self.device)
        self.model.backend_in_use  # noqa: B018 - raises here, before anything is written, if none can run it
        check_model(config, self.task, self.device)
        self._parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.weights = nn.Parameter(parameters_to_vector(self._parameters).detach())
        vector_to_parameters(self.weights.detach(), self._parameters)
        self.optimizer = config.make_optimizer(self.weights)
        self.rollback = Rollback(config.rollback_patience)
        self.carried = CarriedState(self.task)
        self._done: list[_Done] = []
        self._ahead: dict[int, tuple[Sizes, Batch]] = {}
        self._ahead_as: dict[str, Any] = {}  # the curriculum's state when these were drawn

    def train_step(self, step: int) -> None:
        """Do one training step, which draws the batch of this number.

        If the gradient overflows, as can happen over hundreds of time steps, the step is skipped: the weights and the
        optimizer's state do not change. If the task was solved and the batch shows that this was lost, the weights and
        the optimizer's state become those of an earlier evaluation.

        Raises:
            DivergedError: The curriculum needs the loss after the optimizer step, and it is not finite.
        """
        sizes, batch = self._take_batch(step)
        own = self.ranks.take_share(batch)
        state = self.carried.state or self._draw_initial_state(step, len(own.lengths))
        outputs, last = self.model(model_inputs(self.model, self.task, own), state, lengths=own.lengths)
        self.carried.keep(last)
        scale = self._loss_divisor(batch).reciprocal() * math.log(2)
        for parameter in self._parameters:
            parameter.grad = None
        outputs.backward(self.task.cross_entropy_gradient(outputs.detach(), own, scale))
        self.weights.grad = parameters_to_vector(map(_gradient, self._parameters))
        self.ranks.add(self.weights.grad)
        logits = self.ranks.join(outputs.detach())
        norm = clip_gradient(self.weights.grad, self.config.max_grad_norm, self.config.max_grad_value)
        errors = self.task.count_errors(logits, batch) if self.rollback.watching else None
        self._done.append(_Done(step, batch, logits, errors, norm))
        if errors is not None and self.rollback.report_batch(errors):
            self._go_back()
            return
        if not math.isfinite(norm):
            return
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(step)
        self.optimizer.step()
        if self.curriculum.needs_gains:
            self._report_gains(step, sizes, batch, self.task.cross_entropy(logits, batch))

    def _draw_initial_state(self, step: int, sequences: int) -> Any:
        """Return the initial state with the number of memory slots of this step; None: the model's own."""
        least, model = self.config.min_memory_slots, self.model
        if least is None or not isinstance(model, MemoryModel):
            return None
        most = model.config["memory_slots"]
        least = min(max(least, self.task.memory_needed(self.task.max_size) or 0), most)
        slots = 1 / make_generator(self.config.seed, Purpose.MEMORY, step).uniform(1 / (most + 1), 1 / least)
        return model.cell.expand_initial_state(sequences, min(max(int(slots), least), most))

    def take_metrics(self) -> Iterator[StepMetrics]:
        """Compute the metrics of the steps since the last call; for many steps at once this takes half the time.

        Raises:
            DivergedError: A loss is not finite. It may have changed the weights: do not use the learner further.
        """
        done, self._done = self._done, []
        return map(self._metrics, done)

    def _metrics(self, done: _Done) -> StepMetrics:
        bits = self.task.cross_entropy(done.logits, done.batch)
        errors = self.task.count_errors(done.logits, done.batch) if done.errors is None else done.errors
        loss = bits.sum() * math.log(2) / self._loss_divisor(done.batch)
        if not math.isfinite(loss):
            finite = bool(torch.isfinite(done.batch.inputs).all())
            cause = "" if finite else ", and the `inputs` of its batch hold NaN or infinite values"
            raise DivergedError(f"step {done.step}: the loss is {float(loss)}{cause}")
        return StepMetrics(float(loss), float(bits.mean()), float(errors.mean()), done.gradient_norm)

    def _take_batch(self, step: int) -> tuple[Sizes, Batch]:
        """Return the batch of this step; several are drawn ahead, which is faster since code stays in the caches."""
        state = self.curriculum.state()
        if step not in self._ahead or state != self._ahead_as:
            self._ahead, self._ahead_as, numbers = {}, state, 0
            for later in range(step, step + (1 if self.curriculum.needs_gains else BATCHES_AHEAD)):
                sizes, batch = draw_training_batch(self.config, self.task, self.curriculum, later)
                self._ahead[later] = sizes, batch.to(self.device)
                numbers += batch.inputs.numel()
                if numbers >= NUMBERS_AHEAD:
                    break
        return self._ahead.pop(step)

    @torch.no_grad()
    def _report_gains(self, step: int, sizes: Sizes, batch: Batch, before: PerSequence) -> None:
        """Report to the curriculum how far the step lowered each sequence's loss, in bits per time step."""
        if not bool(torch.isfinite(before).all()):
            return  # take_metrics will raise the error
        logits, _ = self.model(model_inputs(self.model, self.task, batch), lengths=batch.lengths)
        gains = (before - self.task.cross_entropy(logits, batch)).double() / batch.lengths
        self.ranks.copy_first(gains)
        if not bool(torch.isfinite(gains).all()):
            raise DivergedError(f"step {step}: the loss after it is not finite")
        generator = make_generator(self.config.seed, Purpose.CURRICULUM, step)
        self.curriculum.report_gains(sizes, gains.cpu().numpy(), generator)

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a training step, given how often training went back up to now."""
        config, peak = self.config, float(self.optimizer.defaults["lr"]) * self.rollback.learning_rate_factor
        return learning_rate(step, peak, config.warmup_steps, config.end_after(step), config.lr_schedule)

    def evaluate(self, step: int, should_stop: ShouldStop) -> Score:
        """Evaluate the model on new sequences of the task's `max_size`, different ones for each step.

        Raises:
            EvaluationStoppedError: `should_stop` returned a signal.
        """
        return self._score(self.task.max_size, Purpose.EVALUATION, step, should_stop)

    def is_solved(self, score: Score) -> bool:
        """Say whether the task counts as solved at an evaluation."""
        return score.errors < self.config.solved_below

    def report_evaluation(self, score: Score) -> None:
        """Take note of an evaluation: the model may go back to an earlier one; the curriculum does not."""
        wrong, tensors = 1 - score.sequence_accuracy, self._tensors_to_keep()
        if self.rollback.report_evaluation(score.distance(), self.is_solved(score), wrong, tensors):
            self._go_back()

    def _tensors_to_keep(self) -> dict[str, Tensor]:
        return {WEIGHTS: self.weights} | {OPTIMIZER + name: tensor for name, tensor in self._optimizer_state().items()}

    @torch.no_grad()
    def _go_back(self) -> None:
        """Take the weights and the optimizer's state of the best evaluation; a buffer of a model of one's own stays."""
        kept = {name: tensor.clone() for name, tensor in self.rollback.kept.items()}
        self.weights.copy_(kept.pop(WEIGHTS))
        self._set_optimizer_state({name.removeprefix(OPTIMIZER): tensor for name, tensor in kept.items()})

    def evaluate_for_curriculum(self, step: int, should_stop: ShouldStop) -> Score | None:
        """Evaluate the model on the size that the curriculum waits to be solved; None if it waits for none.

        Raises:
            EvaluationStoppedError: `should_stop` returned a signal.
        """
        size = self.curriculum.waits_for
        signal = None if size is None else should_stop()
        if signal is not None:
            raise EvaluationStoppedError(signal)
        return None if size is None else self._score(size, Purpose.CURRICULUM, step, should_stop)

    def _score(self, size: Size, purpose: Purpose, step: int, should_stop: ShouldStop) -> Score:
        sequences, seed = self.config.eval_sequences, self.config.seed
        found = score(self.model, self.task, size, sequences, seed, purpose, step, should_stop=should_stop)
        return self.ranks.agree_on_score(found)

    def tensors(self) -> dict[str, Tensor]:
        """Return all tensors that training changes: of the model, its state, the optimizer and the best evaluation."""
        named = {OPTIMIZER + name: tensor for name, tensor in self._optimizer_state().items()}
        named |= {ROLLBACK + name: tensor for name, tensor in self.rollback.tensors().items()}
        named |= {CARRIED + name: tensor for name, tensor in self.carried.tensors().items()}
        return {MODEL + name: tensor for name, tensor in self.model.state_dict().items()} | named

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Load what `tensors` returned; they may be on another device.

        Raises:
            RuntimeError: They belong to a different model or kind of optimizer.
        """
        model, optimizer, rollback, carried = (
            {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
            for prefix in (MODEL, OPTIMIZER, ROLLBACK, CARRIED)
        )
        self.carried.load_tensors(self.model.cell, carried, self.config.batch_size, self.device)
        self.model.load_state_dict(model)
        self._check_shapes(OPTIMIZER, optimizer)
        self._set_optimizer_state(optimizer)
        self.rollback.load_tensors(rollback)
        kept = self.rollback.kept
        self._check_shapes(ROLLBACK, kept)
        missing = sorted({OPTIMIZER + name for name in optimizer} - kept.keys())
        if len(kept) > 1 and missing:
            raise RuntimeError(f"{ROLLBACK}{missing[0]}: expected a tensor, which is missing")

    def _check_shapes(self, prefix: str, tensors: dict[str, Tensor]) -> None:
        shape = self.weights.shape
        for name, tensor in tensors.items():
            if tensor.shape != shape and (name == WEIGHTS or tensor.shape != torch.Size()):
                number = "" if name == WEIGHTS else "a number or "
                raise RuntimeError(f"{prefix}{name}: expected {number}shape {tuple(shape)}, not {tuple(tensor.shape)}")

    def _optimizer_state(self) -> dict[str, Tensor]:
        state = self.optimizer.state.get(self.weights, {})
        return {name: tensor for name, tensor in state.items() if tensor is not None}

    def _set_optimizer_state(self, tensors: dict[str, Tensor]) -> None:
        state = {0: tensors} if tensors else {}
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})

    def is_finite(self) -> bool:
        """Return whether every weight is finite, and the state that is carried over, if any."""
        return bool(torch.isfinite(self.weights).all()) and self.carried.is_finite()

    def _loss_divisor(self, batch: Batch) -> Tensor:
        """Return what the summed cross-entropy is divided by, a tensor of shape ()."""
        if self.config.loss_reduction == "mean":
            return self.task.count_targets(batch).sum()
        return torch.tensor(float(len(batch.lengths)), device=self.device)
