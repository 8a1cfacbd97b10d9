"""Models with random weights, for the NumPy version and, with the same numbers, for the library."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights
from tests.maths import numpy_ntm
from tests.maths.numpy_ntm import Array, Sizes


def sizes(**changes: object) -> Sizes:
    """A small model, different from the usual sizes in every number, with these changes."""
    usual = {
        "input_size": 3,
        "output_size": 2,
        "controller": "lstm",
        "hidden_size": 5,
        "num_layers": 1,
        "memory_slots": 7,
    }
    usual |= {
        "memory_width": 4,
        "read_heads": 1,
        "write_heads": 1,
        "shift_range": 1,
        "addressing": "content_and_location",
    }
    return Sizes(**(usual | {"clip": 20.0} | changes))


def drawn_sizes(generator: np.random.Generator) -> Sizes:
    """A small model drawn over every option; a clip of 1 is one that bites."""
    controller = str(generator.choice(["lstm", "feedforward"]))
    shift_range = int(generator.integers(0, 4))
    return Sizes(
        input_size=int(generator.integers(1, 5)),
        output_size=int(generator.integers(1, 4)),
        controller=controller,
        hidden_size=int(generator.integers(1, 7)),
        num_layers=int(generator.integers(1, 4)) if controller == "lstm" else 1,
        memory_slots=int(generator.integers(2 * shift_range + 1, 2 * shift_range + 8)),
        memory_width=int(generator.integers(1, 6)),
        read_heads=int(generator.integers(1, 4)),
        write_heads=int(generator.integers(1, 4)),
        shift_range=shift_range,
        addressing=str(generator.choice(["content_and_location", "content"])),
        clip=[None, 20.0, 1.0][generator.integers(3)],
    )


def drawn_weights(size: Sizes, generator: np.random.Generator, scale: float = 1.5) -> numpy_ntm.Weights:
    """Random weights, by default large enough for every non-linearity to matter."""

    def layer(outputs: int, inputs: int) -> tuple[Array, Array]:
        spread = scale / np.sqrt(inputs)
        return generator.normal(0, spread, (outputs, inputs)), generator.normal(0, scale / 2, outputs)

    units, fan_in = size.hidden_size, size.controller_inputs
    if size.controller == "feedforward":
        controller = [layer(units, fan_in)]
    else:
        controller = [layer(4 * units, (units if depth else fan_in) + units) for depth in range(size.num_layers)]
    return numpy_ntm.Weights(
        controller=tuple(controller),
        head=layer(size.head_outputs, units),
        output=layer(size.output_size, units + size.read_heads * size.memory_width),
    )


def drawn_state(size: Sizes, generator: np.random.Generator) -> numpy_ntm.State:
    """A random state of one sequence, with weightings that sum to 1."""
    layers = size.num_layers if size.controller == "lstm" else 0
    return numpy_ntm.State(
        memory=generator.normal(size=(size.memory_slots, size.memory_width)),
        read_weightings=generator.dirichlet(np.ones(size.memory_slots), size.read_heads),
        write_weightings=generator.dirichlet(np.ones(size.memory_slots), size.write_heads),
        reads=generator.normal(size=(size.read_heads, size.memory_width)),
        hidden=generator.uniform(-1, 1, (layers, size.hidden_size)),
        cell=generator.normal(size=(layers, size.hidden_size)),
    )


def options(size: Sizes) -> NTMOptions:
    """The library's options for a model of this size."""
    return NTMOptions(
        controller=size.controller,
        read_heads=size.read_heads,
        write_heads=size.write_heads,
        memory_width=size.memory_width,
        shift_range=size.shift_range,
        addressing=size.addressing,
        clip=size.clip,
    )


def tensors(weights: numpy_ntm.Weights, size: Sizes, dtype: torch.dtype = torch.float64) -> NTMWeights:
    """The same weights as the library takes them: an LSTM's matrix cut into the input's and its own part."""

    def tensor(array: Array) -> Tensor:
        return torch.tensor(array, dtype=dtype)

    def controller_layer(matrix: Array, bias: Array) -> tuple[Tensor, ...]:
        if size.controller == "feedforward":
            return tensor(matrix), tensor(bias)
        own = matrix.shape[1] - size.hidden_size
        return tensor(matrix[:, :own]), tensor(matrix[:, own:]), tensor(bias)

    return NTMWeights(
        tuple(controller_layer(*layer) for layer in weights.controller),
        *(tensor(array) for layer in (weights.head, weights.output) for array in layer),
    )


def batch(states: Sequence[numpy_ntm.State], dtype: torch.dtype = torch.float64) -> NTMState:
    """Put the states of several sequences into one batch for the library."""
    return NTMState(
        *(
            torch.tensor(np.stack([getattr(state, field) for state in states]), dtype=dtype)
            for field in NTMState._fields
        )
    )


def flattened(weights: NTMWeights) -> list[Tensor]:
    """Every weight tensor, the controller's layers first."""
    return [*(tensor for layer in weights.controller for tensor in layer), *weights[1:]]


def rebuilt(flat: Sequence[Tensor], like: NTMWeights) -> NTMWeights:
    """The inverse of `flattened`."""
    rest = iter(flat)
    controller = tuple(tuple(next(rest) for _ in layer) for layer in like.controller)
    return NTMWeights(controller, *rest)


def arrays(weights: numpy_ntm.Weights) -> list[Array]:
    """Every weight array of the NumPy version, the controller's layers first."""
    return [array for layer in (*weights.controller, weights.head, weights.output) for array in layer]


def arrays_of(weights: NTMWeights, size: Sizes) -> list[Array]:
    """The library's weights, or their gradients, in the NumPy version's layout: the inverse of `tensors`."""
    controller = weights.controller
    if size.controller == "lstm":
        controller = tuple((torch.cat([own_input, own_hidden], 1), bias) for own_input, own_hidden, bias in controller)
    return [tensor.numpy() for tensor in flattened(weights._replace(controller=controller))]
