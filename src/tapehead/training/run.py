"""A run's description: all that decides its result, and nothing else."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from inspect import signature
from typing import Any, Literal, get_args

import torch
from torch.optim import Optimizer

from tapehead.cells._first_state import HeadInit, MemoryInit, ReadInit
from tapehead.cells.baselines import StateInit
from tapehead.maths.controllers import Controller
from tapehead.maths.ntm import Addressing
from tapehead.models import BACKENDS, MODELS, Model
from tapehead.tasks import Encoding, Task
from tapehead.training._knobs import UNBOUNDED, Owner, choice, count, flag, knob_of, number, text
from tapehead.training.curricula import CURRICULA, Curriculum
from tapehead.training.optimisers import DECAYS, GRADIENT_CLIPS, OPTIMISERS
from tapehead.training.task_names import find_task


@dataclass(frozen=True, kw_only=True)
class Run:
    """Describes one training run; two runs of equal description, on equal software, end in equal weights, bit by bit.

    An option of the task, the model or the optimiser that is None takes that one's own default; one that it does not
    have must be None. `recipes.describe` makes a run from a recipe and a few changes.

    Raises:
        TypeError: A field is of the wrong type.
        ValueError: A field is out of range, or set where it has no meaning.
    """

    task: str = text("run", "what is learned: a key of TASKS, or module:Class")
    model: str = choice("run", "what learns it", MODELS)
    seed: int = count("run", "decides the first weights and all data", least=0, most=UNBOUNDED)

    encoding: str | None = choice("task", "how the task is written in bits", get_args(Encoding))
    bits: int | None = count("task", "bits of a vector")
    item_length: int | None = count("task", "vectors of an item")
    context: int | None = count("task", "bits that the next one depends on")
    min_length: int | None = count("task", "vectors of the shortest question that is trained on")
    max_length: int | None = count("task", "vectors of the longest question that is trained on")
    min_repeats: int | None = count("task", "the fewest repeats that are trained on")
    max_repeats: int | None = count("task", "the most repeats that are trained on")
    min_items: int | None = count("task", "the fewest items that are trained on")
    max_items: int | None = count("task", "the most items that are trained on")
    min_steps: int | None = count("task", "bits of the shortest question that is trained on")
    max_steps: int | None = count("task", "bits of the longest question that is trained on")
    curriculum: str = choice("run", "sizes that are trained on: none is always the largest", CURRICULA)
    lengths_per: str = choice("run", "whether a batch has one length, or each sequence its own", ("batch", "sequence"))

    controller: str | None = choice("model", "what drives the heads", get_args(Controller))
    hidden_size: int | None = count("model", "units of each layer")
    num_layers: int | None = count("model", "layers")
    memory_slots: int | None = count("model", "slots of the memory")
    memory_width: int | None = count("model", "numbers in a slot")
    read_heads: int | None = count("model", "read heads")
    write_heads: int | None = count("model", "write heads")
    shift_range: int | None = count("model", "slots a head may move in one step, either way", least=0)
    addressing: str | None = choice("model", "how heads find their slots", get_args(Addressing))
    memory_init: str | None = choice("model", "the memory before the first step", get_args(MemoryInit))
    memory_trainable: bool | None = flag("model", "train the first memory; default: only where it is learned")
    head_init: str | None = choice("model", "weightings before the first step", get_args(HeadInit))
    read_init: str | None = choice("model", "reads before the first step", get_args(ReadInit))
    state_init: str | None = choice("model", "state before the first step", get_args(StateInit))
    clip: float | Literal["off"] | None = number(
        "model", "bound on head parameters and outputs, or off", above=0, word="off"
    )
    shift_bias: float | None = number("model", "initial bias of heads towards moving forward")
    sharpening_bias: float | None = number("model", "initial bias of heads' sharpening")
    gate_bias: float | None = number("model", "initial bias of heads' gates; above 0 favours content over location")
    strength_bias: float | None = number("model", "initial bias of heads' key strengths")
    masked_content: bool | None = flag("model", "let heads choose the columns that they compare slots by")
    deallocate: bool | None = flag("model", "wipe the slots that are freed")
    sharpen_links: bool | None = flag("model", "let read heads sharpen what the links say")
    sparse_links: int | None = count("model", "slots that a step links, and links to; default: all")
    backend: str | None = choice("model", "what computes the recurrence", BACKENDS)

    batch_size: int = count("run", "sequences of a batch")
    updates: int = count("run", "updates of the whole run", most=UNBOUNDED)
    loss: str = choice(
        "run", "cross-entropy: mean over scored bits, or sum over each sequence's bits", ("mean", "sum_per_sequence")
    )
    optimiser: str = choice("run", "what follows the gradients", OPTIMISERS)
    beta1: float | None = number("optimiser", "decay of the mean gradient", least=0, below=1)
    beta2: float | None = number("optimiser", "decay of the mean squared gradient", least=0, below=1)
    momentum: float | None = number("optimiser", "momentum", least=0)
    alpha: float | None = number("optimiser", "decay of the mean squared gradient", least=0, below=1)
    centered: bool | None = flag("optimiser", "divide by the standard deviation instead of the root mean square")
    epsilon: float | None = number("optimiser", "added to what the gradient is divided by", least=0)
    amsgrad: bool | None = flag("optimiser", "divide by the largest mean squared gradient so far")
    learning_rate: float = number("run", "learning rate at its highest", above=0)
    warmup_updates: int = count("run", "updates over which the learning rate rises from 0", least=0, most=UNBOUNDED)
    decay: str = choice("run", "how the learning rate falls after the warm-up, to 0 after the last update", DECAYS)
    gradient_clip: str = choice("run", "whether gradients are clipped: by joint norm, each by value", GRADIENT_CLIPS)
    gradient_bound: float = number("run", "bound of the clipping; 0 where there is none", least=0)

    evaluate_every: int = count(
        "run", "updates between evaluations, each on fresh questions of the largest size", most=UNBOUNDED
    )
    evaluation_sequences: int = count("run", "sequences of an evaluation")
    solved_below: float = number("run", "solved at the first evaluation with fewer bit errors per sequence", least=0)
    stop_when_solved: bool = flag("run", "stop at the first evaluation that is solved")

    def __post_init__(self) -> None:
        for described in fields(self):
            knob, value = knob_of(described), getattr(self, described.name)
            knob.check(described.name, value)
            if knob.kind == "number" and isinstance(value, int):  # so that equal runs are written alike
                object.__setattr__(self, described.name, float(value))
        for name, why in foreign_options(self.task, self.model, self.optimiser).items():
            if getattr(self, name) is not None:
                raise ValueError(f"{name}: expected nothing, since {why}, not {getattr(self, name)!r}")
        if (self.gradient_clip == "none") != (self.gradient_bound == 0):
            expected = "0" if self.gradient_clip == "none" else "a number > 0"
            given = f"gradient_clip={self.gradient_clip!r}"
            raise ValueError(f"gradient_bound: expected {expected} with {given}, not {self.gradient_bound}")
        self.make_curriculum()

    def _options(self, owner: Owner) -> dict[str, Any]:
        """What the run says to the task, the model or the optimiser."""
        names = (described.name for described in fields(self) if knob_of(described).owner == owner)
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def make_task(self) -> Task:
        """Make the task that is learned."""
        return find_task(self.task)(**self._options("task"))

    def make_curriculum(self) -> Curriculum:
        """Make what says how large the questions are, as it stands before the first update."""
        return CURRICULA[self.curriculum](self.make_task())

    def make_model(self) -> Model:
        """Make the model, with the first weights that belong to the seed; torch's own generator is left as it was.

        Raises:
            ValueError: The model's options do not go together, or it is too large for this machine.
        """
        task = self.make_task()
        options = self._options("model")
        if self.clip == "off":
            options["clip"] = None
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            try:
                return MODELS[self.model](task.input_size, task.output_size, **options)
            except (MemoryError, RuntimeError) as problem:
                if "allocate" not in str(problem):
                    raise
                raise ValueError("model: expected sizes that fit into memory, not these") from problem

    def make_optimiser(self, weights: torch.nn.Parameter) -> Optimizer:
        """Make the optimiser of all weights, which are one tensor."""
        return OPTIMISERS[self.optimiser]([weights], self.learning_rate, **self._options("optimiser"))

    def complete(self) -> "Run":
        """Write out the defaults of the task, the model and the optimiser, so that later versions' do not matter."""
        defaults = {
            name: parameter.default
            for owner, maker in _makers(self.task, self.model, self.optimiser).items()
            for name, parameter in signature(maker).parameters.items()
            if _OWNERS.get(name) == owner and parameter.default is not parameter.empty
        }
        return replace(self, **{name: value for name, value in defaults.items() if getattr(self, name) is None})

    def to_json(self) -> dict[str, Any]:
        """Give the description as what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, text: bytes, name: str) -> "Run":
        """Read a description back.

        Args:
            text: JSON as written from `to_json`.
            name: What to call the source in messages.

        Raises:
            TypeError: A field is of the wrong type.
            ValueError: The text is not JSON, a field is unknown, missing or out of range.
        """
        try:
            read = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{name}: expected JSON, not this: {error}") from None
        if not isinstance(read, dict):
            raise TypeError(f"{name}: expected a JSON object, not {type(read).__name__}")
        check_names(read)
        missing = sorted(_NAMES - read.keys())
        if missing:
            raise ValueError(f"{name}: expected a field {missing[0]!r}, which is missing")
        return cls(**read)


_OWNERS = {described.name: knob_of(described).owner for described in fields(Run)}
_NAMES = _OWNERS.keys()


def check_names(changes: Mapping[str, object]) -> None:
    """Raise unless every name is a field of `Run`; the message names the nearest."""
    for name in changes:
        if name not in _NAMES:
            near = get_close_matches(name, _NAMES, n=1, cutoff=0.5)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"{name}: expected the name of a field of Run, not this{hint}")


def foreign_options(task: str, model: str, optimiser: str) -> dict[str, str]:
    """Name the options that none of these three has, each with the reason in words."""
    chosen = {"task": task, "model": model, "optimiser": optimiser}
    known = {owner: signature(maker).parameters for owner, maker in _makers(**chosen).items()}
    return {
        name: f"the {owner} {chosen[owner]} has no such option"
        for name, owner in _OWNERS.items()
        if owner != "run" and name not in known[owner]
    }


def _makers(task: str, model: str, optimiser: str) -> dict[Owner, Callable[..., Any]]:
    return {"task": find_task(task), "model": MODELS[model], "optimiser": OPTIMISERS[optimiser]}
