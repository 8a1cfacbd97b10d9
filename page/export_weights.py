"""Write the trained networks of the package as scripts that the page loads: python page/export_weights.py FOLDER.

A page that is opened as a file cannot fetch anything, so weights are data in scripts. They are rounded to whole
multiples of a scale that each row of a matrix has for itself, and written as text, one or two characters a weight.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import tapehead
from tapehead.models import Model
from tapehead.pretrained import NAMES, find_pretrained

CHARACTERS = "".join(chr(code) for code in range(32, 127) if chr(code) not in '"\\')
"""The digits, in order: 93 characters that a JSON string holds as they are."""
BASE = len(CHARACTERS)
SCALE_STEPS = BASE**2 - 1
"""The scale of a row is a whole number of these parts of the largest scale in its matrix."""
SHRINKS = np.linspace(0.6, 1.0, 41)
"""Fractions of a row's largest magnitude that are tried as the end of its range."""

SUPPORTED: dict[str, tuple[object, ...]] = {
    "controller": ("lstm",),
    "num_layers": (1,),
    "shift_range": (1,),
    "memory_init": ("constant", "random"),
    "memory_trainable": (None, False),
    "head_init": ("onehot",),
    "read_init": ("zero",),
    "embedding_size": (None,),
}
"""The options of a model that the page's step depends on, with the values that it knows."""


class Part(NamedTuple):
    """Some columns of a tensor of a cell, which are rounded as one matrix; a vector is a matrix of one row."""

    tensor: str
    digits: int  # characters a weight
    columns: slice = slice(None)


class Rounded(NamedTuple):
    """A matrix as whole multiples of a scale for each row."""

    levels: NDArray[np.int64]  # (rows, columns)
    scale_steps: NDArray[np.int64]  # (rows,): each row's scale, in parts of `unit`
    unit: float
    digits: int

    @property
    def weights(self) -> NDArray[np.float64]:
        """The numbers that the page computes with, to the last bit."""
        return self.levels * (self.unit * self.scale_steps)[:, None]


def round_matrix(matrix: NDArray[np.float64], digits: int) -> Rounded:
    """Round a matrix, each row over the range that leaves the smallest squared error.

    Args:
        matrix: (rows, columns).
        digits: How many characters a weight will take, 1 or 2.
    """
    most = BASE**digits // 2
    ends = np.maximum(np.abs(matrix).max(axis=1), np.finfo(np.float64).tiny)
    unit = float(ends.max()) / most / SCALE_STEPS
    steps = np.ceil(ends[:, None] * SHRINKS / most / unit).clip(1, SCALE_STEPS)  # (rows, shrinks)
    levels = np.rint(matrix[:, None] / (unit * steps)[:, :, None]).clip(-most, most)
    errors = ((levels * (unit * steps)[:, :, None] - matrix[:, None]) ** 2).sum(axis=2)
    best = errors.argmin(axis=1)[:, None]
    chosen = np.take_along_axis(levels, best[:, :, None], axis=1)[:, 0]
    return Rounded(
        chosen.astype(np.int64), np.take_along_axis(steps, best, axis=1)[:, 0].astype(np.int64), unit, digits
    )


def spell(numbers: NDArray[np.int64], digits: int) -> str:
    """Write whole numbers >= 0 in base 93, the highest digit first."""
    places = BASE ** np.arange(digits)[::-1]
    return "".join(CHARACTERS[digit] for digit in (numbers.reshape(-1, 1) // places % BASE).ravel())


def find_parts(model: Model) -> dict[str, Part]:
    """Name the matrices of a network, and say how finely each is rounded.

    Inputs get more digits than reads, since they may be numbers: with one digit the network that sorts confuses close
    priorities, and makes three times as many errors.
    """
    inputs = model.config["input_size"]
    return {
        "input_to_gates": Part("controller.weight_ih_l0", 2, slice(inputs)),
        "reads_to_gates": Part("controller.weight_ih_l0", 1, slice(inputs, None)),
        "hidden_to_gates": Part("controller.weight_hh_l0", 1),
        "gate_bias": Part("controller.bias_l0", 2),
        "heads": Part("heads.weight", 1),
        "head_bias": Part("heads.bias", 2),
        "readout": Part("readout.weight", 1),
        "readout_bias": Part("readout.bias", 2),
        "memory": Part("initial.memory", 2),
    }


def round_network(model: Model) -> dict[str, Rounded]:
    """Round all matrices of a network, by name; a constant memory is its first row, which the page repeats.

    Raises:
        TypeError: The page cannot run such a model.
        ValueError: The page cannot run a model with these options.
    """
    parts = find_parts(model)
    check_supported(model, {part.tensor for part in parts.values()})
    tensors = {name: np.atleast_2d(tensor.double().numpy()) for name, tensor in model.cell.state_dict().items()}
    if model.config["memory_init"] == "constant":
        tensors["initial.memory"] = tensors["initial.memory"][:1]
    return {name: round_matrix(tensors[part.tensor][:, part.columns], part.digits) for name, part in parts.items()}


def check_supported(model: Model, known_tensors: set[str]) -> None:
    """Raise unless the page's step computes what this network does.

    Raises:
        TypeError: It is no NTM.
        ValueError: One of its options, or of its tensors, is not what the page knows.
    """
    if not isinstance(model, tapehead.NTM):
        raise TypeError(f"model: expected an NTM, the only one that the page runs, not {type(model).__name__}")
    for name, known in SUPPORTED.items():
        if model.config[name] not in known:
            raise ValueError(f"{name}: expected {' or '.join(map(repr, known))}, not {model.config[name]!r}")
    tensors = set(model.cell.state_dict())
    if tensors != known_tensors:
        raise ValueError(f"tensors: expected {sorted(known_tensors)}, not {sorted(tensors)}")


def describe(name: str) -> dict[str, Any]:
    """Describe a network of the package for the page: its task and options, and its matrices as text."""
    model = tapehead.pretrained(name)
    run = json.loads((find_pretrained(name) / "run.json").read_text())
    options = ("input_size", "output_size", "hidden_size", "memory_slots", "memory_width", "read_heads", "write_heads")
    matrices = {
        matrix: {
            "shape": rounded.levels.shape,
            "digits": rounded.digits,
            "unit": rounded.unit,
            "scales": spell(rounded.scale_steps, 2),
            "levels": spell(rounded.levels + BASE**rounded.digits // 2, rounded.digits),
        }
        for matrix, rounded in round_network(model).items()
    }
    return {
        "task": run["task"]["options"],
        **{option: model.config[option] for option in (*options, "addressing", "clip", "memory_init")},
        "matrices": matrices,
    }


def main(folder: Path) -> None:
    """Write a script for each network into a folder: it puts the network into a global object, under its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        script = f"(globalThis.networks ??= {{}})[{json.dumps(name)}] = {json.dumps(describe(name))};\n"
        (folder / f"{name}.js").write_text(script)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
