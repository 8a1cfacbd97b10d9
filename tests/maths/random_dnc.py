"""DNCs with random weights, for the NumPy version and, with the same numbers, for the library."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tapehead.maths.dnc import DNCOptions, DNCState, DNCWeights
from tests.maths import numpy_dnc
from tests.maths.numpy_dnc import Array, Sizes

OPTIONS: dict[str, object] = {
    "masked_content": True,
    "deallocate": True,
    "sharpen_links": True,
    "sparse_links": 3,
}
"""Each option switched on."""


def sizes(**changes: object) -> Sizes:
    """A small model, different from the usual sizes in every number, with these changes."""
    usual: dict[str, object] = {
        "input_size": 3, "output_size": 2, "controller": "lstm", "hidden_size": 5, "num_layers": 1, "memory_slots": 7,
        "memory_width": 4, "read_heads": 1, "write_heads": 1, "clip": 20.0, "masked_content": False,
        "deallocate": False, "sharpen_links": False, "sparse_links": None,
    }  # fmt: skip
    return Sizes(**(usual | changes))


def drawn_sizes(generator: np.random.Generator) -> Sizes:
    """A small model drawn over every option; a clip of 1 is one that bites."""
    controller = str(generator.choice(["lstm", "feedforward"]))
    return Sizes(
        input_size=int(generator.integers(1, 5)),
        output_size=int(generator.integers(1, 4)),
        controller=controller,
        hidden_size=int(generator.integers(1, 7)),
        num_layers=int(generator.integers(1, 4)) if controller == "lstm" else 1,
        memory_slots=int(generator.integers(1, 12)),
        memory_width=int(generator.integers(1, 6)),
        read_heads=int(generator.integers(1, 4)),
        write_heads=int(generator.integers(1, 4)),
        clip=[None, 20.0, 1.0][generator.integers(3)],
        masked_content=bool(generator.integers(2)),
        deallocate=bool(generator.integers(2)),
        sharpen_links=bool(generator.integers(2)),
        sparse_links=[None, 1, 3, 20][generator.integers(4)],
    )


def drawn_weights(size: Sizes, generator: np.random.Generator, scale: float = 1.5) -> numpy_dnc.Weights:
    """Random weights, by default large enough for every non-linearity to matter."""

    def layer(outputs: int, inputs: int) -> tuple[Array, Array]:
        spread = scale / np.sqrt(inputs)
        return generator.normal(0, spread, (outputs, inputs)), generator.normal(0, scale / 2, outputs)

    units, fan_in = size.hidden_size, size.controller_inputs
    if size.controller == "feedforward":
        controller = [layer(units, fan_in)]
    else:
        controller = [layer(4 * units, (units if depth else fan_in) + units) for depth in range(size.num_layers)]
    return numpy_dnc.Weights(
        controller=tuple(controller),
        interface=layer(size.interface_outputs, units),
        output=layer(size.output_size, units + size.read_heads * size.memory_width),
    )


def drawn_state(size: Sizes, generator: np.random.Generator) -> numpy_dnc.State:
    """A random state of one sequence as steps could have left it: weightings sum to at most 1, as rows of links do."""
    layers = size.num_layers if size.controller == "lstm" else 0
    R, H, N = size.read_heads, size.write_heads, size.memory_slots

    def weightings(heads: int) -> Array:
        return generator.dirichlet(np.ones(N), heads) * generator.uniform(size=(heads, 1))

    return numpy_dnc.State(
        memory=generator.normal(size=(N, size.memory_width)),
        usage=generator.uniform(size=N),
        read_weightings=weightings(R),
        write_weightings=weightings(H),
        precedence=weightings(H),
        links=generator.uniform(size=(H, N, N)) * (1 - np.eye(N)) / N,
        reads=generator.normal(size=(R, size.memory_width)),
        hidden=generator.uniform(-1, 1, (layers, size.hidden_size)),
        cell=generator.normal(size=(layers, size.hidden_size)),
    )


def initial_state(size: Sizes) -> numpy_dnc.State:
    """The state before the first step: nothing used, nobody anywhere, no links, M = 1e-6."""
    layers = size.num_layers if size.controller == "lstm" else 0
    R, H, N = size.read_heads, size.write_heads, size.memory_slots
    shapes = [(N,), (R, N), (H, N), (H, N), (H, N, N), (R, size.memory_width), *[(layers, size.hidden_size)] * 2]
    return numpy_dnc.State(np.full((N, size.memory_width), 1e-6), *(np.zeros(shape) for shape in shapes))


def options(size: Sizes) -> DNCOptions:
    """The library's options for a model of this size."""
    return DNCOptions(*(getattr(size, name) for name in DNCOptions._fields))


def tensors(weights: numpy_dnc.Weights, size: Sizes, dtype: torch.dtype = torch.float64) -> DNCWeights:
    """The same weights as the library takes them: an LSTM's matrix cut into the input's and its own part."""

    def tensor(array: Array) -> Tensor:
        return torch.tensor(array, dtype=dtype)

    def controller_layer(matrix: Array, bias: Array) -> tuple[Tensor, ...]:
        if size.controller == "feedforward":
            return tensor(matrix), tensor(bias)
        own = matrix.shape[1] - size.hidden_size
        return tensor(matrix[:, :own]), tensor(matrix[:, own:]), tensor(bias)

    return DNCWeights(
        tuple(controller_layer(*layer) for layer in weights.controller),
        *(tensor(array) for layer in (weights.interface, weights.output) for array in layer),
    )


def batch(states: Sequence[numpy_dnc.State], dtype: torch.dtype = torch.float64) -> DNCState:
    """Put the states of several sequences into one batch for the library."""
    return DNCState(
        *(
            torch.tensor(np.stack([getattr(state, field) for state in states]), dtype=dtype)
            for field in DNCState._fields
        )
    )


def flattened(weights: DNCWeights) -> list[Tensor]:
    """Every weight tensor, the controller's layers first."""
    return [*(tensor for layer in weights.controller for tensor in layer), *weights[1:]]


def rebuilt(flat: Sequence[Tensor], like: DNCWeights) -> DNCWeights:
    """The inverse of `flattened`."""
    rest = iter(flat)
    controller = tuple(tuple(next(rest) for _ in layer) for layer in like.controller)
    return DNCWeights(controller, *rest)


def arrays(weights: numpy_dnc.Weights) -> list[Array]:
    """Every weight array of the NumPy version, the controller's layers first."""
    return [array for layer in (*weights.controller, weights.interface, weights.output) for array in layer]


def arrays_of(weights: DNCWeights, size: Sizes) -> list[Array]:
    """The library's weights, or their gradients, in the NumPy version's layout: the inverse of `tensors`."""
    controller = weights.controller
    if size.controller == "lstm":
        controller = tuple((torch.cat([own_input, own_hidden], 1), bias) for own_input, own_hidden, bias in controller)
    return [tensor.numpy() for tensor in flattened(weights._replace(controller=controller))]
