"""The weights of the controllers and how they are initialized; the equations are in `maths.controllers`."""

import math
from abc import ABC
from typing import ClassVar, get_args

import torch
from torch import Tensor, nn

from tapehead._arguments import check_choice, check_count, check_number
from tapehead.cells.layers import linear_weights, update_hooked
from tapehead.maths.controllers import Controller


class RecurrentController(nn.Module, ABC):
    """Layers of a recurrent network, with the names and the order of gates of torch's.

    A subclass says how many gates it has, and the names of its biases.
    """

    gates: ClassVar[int]
    biases: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__()
        self.hidden_size, self.num_layers = hidden_size, num_layers
        rows = self.gates * hidden_size
        for layer in range(num_layers):
            fan_in = input_size if layer == 0 else hidden_size
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, fan_in), "weight_hh": (rows, hidden_size)}
            for name, shape in (shapes | dict.fromkeys(self.biases, (rows,))).items():
                self.register_parameter(
                    f"{name}_l{layer}", nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
                )

    def layers(self) -> tuple[tuple[Tensor, ...], ...]:
        """Return the weights as `maths.ntm.NTMWeights.controller` holds them."""
        update_hooked("cell.controller", self)
        names = ("weight_ih", "weight_hh", *self.biases)
        return tuple(tuple(getattr(self, f"{name}_l{layer}") for name in names) for layer in range(self.num_layers))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initialize each layer's matrices as one Glorot-uniform matrix, and biases as 0."""
        for weight_ih, weight_hh, *biases in self.layers():
            bound = math.sqrt(6 / (weight_ih.shape[1] + self.hidden_size + len(weight_ih)))
            nn.init.uniform_(weight_ih, -bound, bound)
            nn.init.uniform_(weight_hh, -bound, bound)
            for bias in biases:
                bias.zero_()


class LSTMController(RecurrentController):
    """Layers of an LSTM, with one bias for each layer, where torch.nn.LSTM has two that are added."""

    gates, biases = 4, ("bias",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        forget_bias: float,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, device, dtype)
        self.forget_bias = forget_bias

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initialize as any other; the biases of forget gates have a value of their own."""
        super().reset_parameters()
        for _, _, bias in self.layers():
            bias[self.hidden_size : 2 * self.hidden_size] = self.forget_bias


class GRUController(RecurrentController):
    """Layers of a GRU, with torch.nn.GRU's two biases, since its reset gate comes between them."""

    gates, biases = 3, ("bias_ih", "bias_hh")


class FeedforwardController(nn.Module):
    """One hidden layer, without a state of its own."""

    num_layers = 0

    def __init__(
        self, input_size: int, hidden_size: int, device: torch.device | str | None, dtype: torch.dtype | None
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.hidden = nn.Linear(input_size, hidden_size, device=device, dtype=dtype)

    def layers(self) -> tuple[tuple[Tensor, ...], ...]:
        """Return the weights as `maths.ntm.NTMWeights.controller` holds them."""
        update_hooked("cell.controller", self)
        return (linear_weights("cell.controller.hidden", self.hidden),)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initialize the weights as Glorot-uniform, the biases as 0."""
        nn.init.xavier_uniform_(self.hidden.weight)
        self.hidden.bias.zero_()


def make_controller(
    controller: Controller,
    input_size: int,
    hidden_size: int,
    num_layers: int,
    forget_bias: float,
    device: torch.device | str | None,
    dtype: torch.dtype | None,
) -> RecurrentController | FeedforwardController:
    """Make the controller of that name.

    Raises:
        TypeError: A size is not an int, or forget_bias is not a number.
        ValueError: A size is too small, forget_bias is not finite, there is no such controller, or num_layers is not 1
            for a feedforward one.
    """
    check_choice("controller", controller, get_args(Controller))
    check_count("hidden_size", hidden_size)
    check_count("num_layers", num_layers)
    largest = torch.finfo(dtype or torch.get_default_dtype()).max
    check_number("forget_bias", forget_bias, -largest, largest)
    if controller == "lstm":
        return LSTMController(input_size, hidden_size, num_layers, forget_bias, device, dtype)
    if controller == "gru":
        return GRUController(input_size, hidden_size, num_layers, device, dtype)
    if num_layers != 1:
        raise ValueError(f"num_layers: expected 1, as a feedforward controller has one hidden layer, not {num_layers}")
    return FeedforwardController(input_size, hidden_size, device, dtype)


def controller_layers(controller: nn.Module) -> tuple[tuple[Tensor, ...], ...]:
    """Take the weights of a cell's controller.

    Raises:
        TypeError: It is not the controller that the cell was made with, or a layer in it is not.
        RuntimeError: It has hooks, which would never run.
    """
    if not isinstance(controller, RecurrentController | FeedforwardController):
        expected = "expected the controller that the cell was made with"
        raise TypeError(f"cell.controller: {expected}, not {type(controller).__name__}")
    return controller.layers()
