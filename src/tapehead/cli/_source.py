"""Where the weights come from that a new run begins with."""

from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from tapehead.cli._errors import CommandError, as_command_errors, warn
from tapehead.cli._parser import PRETRAINED, read_path
from tapehead.models import MODELS, Model, load
from tapehead.models.memory_model import MemoryModel
from tapehead.pretrained import find_pretrained
from tapehead.training.components import Component, known_options
from tapehead.training.config import RunConfig
from tapehead.training.loaded_run import load_run


class Source(NamedTuple):
    """A trained model.

    Attributes:
        name: What it was called on the command line.
        model: Its name and options.
        trained: The model itself.
    """

    name: str
    model: Component
    trained: Model

    def weights_for(self, config: RunConfig) -> dict[str, Tensor]:
        """Give the weights for a run; they fit a memory of any number of slots.

        Raises:
            ValueError: The run's model has weights of other shapes, or is for other inputs or outputs.
        """
        task, trained = config.make_task(), self.trained
        sizes, wanted = (trained.input_size, trained.output_size), (task.input_size, task.output_size)
        if sizes != wanted:
            has = f"{wanted[0]} inputs and {wanted[1]} outputs, as {config.task.name} has them"
            raise ValueError(f"--from: expected a model with {has}, not {self.name} with {sizes[0]} and {sizes[1]}")
        if isinstance(trained, MemoryModel):
            trained = trained.with_memory_slots(config.model.options["memory_slots"])
        weights, needed = trained.state_dict(), config.make_model().state_dict()
        if {name: tensor.shape for name, tensor in weights.items()} != {
            name: tensor.shape for name, tensor in needed.items()
        }:
            options = config.model.options
            differ = [
                f"{name}={options[name]!r}, not {value!r}"
                for name, value in self.model.options.items()
                if options[name] != value and name not in {"memory_slots", "backend"}
            ]
            raise ValueError(f"--from: expected a model with {'; '.join(differ)}")
        return weights


def read_word(word: str) -> str:
    """Check the word after `--from`, which is read by `read_source` once all others are known."""
    return str(read_path(word))


def read_source(word: str) -> Source:
    """Read what `--from` says: a run directory, a file, or `pretrained:NAME`.

    Raises:
        CommandError: There is no such model, or it cannot be read.
    """
    path = read_path(word)
    if word.startswith(PRETRAINED):
        try:
            path = find_pretrained(word.removeprefix(PRETRAINED))
        except ValueError as error:
            raise CommandError(f"--from: {str(error).removeprefix('name: ')}") from None
    with as_command_errors():
        if path.is_file():
            return _read_file(path)
        loaded = load_run(path, warn)
    return Source(word, loaded.config.model, loaded.model)


def _read_file(path: Path) -> Source:
    """Read a file that a model's `save` wrote."""
    model = load(path)
    name = next(name for name, made in MODELS.items() if type(model) is made)
    options = {option: value for option, value in model.config.items() if option in known_options("model", name)}
    return Source(str(path), Component(name, options), model)
