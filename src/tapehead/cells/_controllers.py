"""The controllers' weights, and how they start once a cell resets them; the equations are in `maths.controllers`."""

import math

import torch
from torch import Tensor, nn

from tapehead._arguments import check_choice, check_count
from tapehead.maths.controllers import Controller

FORGET_BIAS = 1.0


class LSTMController(nn.Module):
    """Layers of long short-term memory, with torch.nn.LSTM's names and order of gates, and one bias a layer."""

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
        for layer in range(num_layers):
            fan_in = input_size if layer == 0 else hidden_size
            shapes = {
                "weight_ih": (4 * hidden_size, fan_in),
                "weight_hh": (4 * hidden_size, hidden_size),
                "bias": (4 * hidden_size,),
            }
            for name, shape in shapes.items():
                self.register_parameter(
                    f"{name}_l{layer}", nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
                )

    def layers(self) -> tuple[tuple[Tensor, ...], ...]:
        """The weights as `maths.ntm.NTMWeights.controller` holds them."""
        names = ("weight_ih", "weight_hh", "bias")
        return tuple(tuple(getattr(self, f"{name}_l{layer}") for name in names) for layer in range(self.num_layers))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw each layer's two matrices as one Glorot-uniform one; forget biases 1, the others 0 (Collier & Beel)."""
        units = self.hidden_size
        for weight_ih, weight_hh, bias in self.layers():
            bound = math.sqrt(6 / (weight_ih.shape[1] + units + 4 * units))
            nn.init.uniform_(weight_ih, -bound, bound)
            nn.init.uniform_(weight_hh, -bound, bound)
            bias.zero_()
            bias[units : 2 * units] = FORGET_BIAS


class FeedforwardController(nn.Module):
    """One hidden layer, which remembers nothing."""

    num_layers = 0

    def __init__(
        self, input_size: int, hidden_size: int, device: torch.device | str | None, dtype: torch.dtype | None
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.hidden = nn.Linear(input_size, hidden_size, device=device, dtype=dtype)

    def layers(self) -> tuple[tuple[Tensor, ...], ...]:
        """The weights as `maths.ntm.NTMWeights.controller` holds them."""
        return ((self.hidden.weight, self.hidden.bias),)

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw Glorot-uniform weights; biases 0."""
        nn.init.xavier_uniform_(self.hidden.weight)
        self.hidden.bias.zero_()


def make_controller(
    controller: Controller,
    input_size: int,
    hidden_size: int,
    num_layers: int,
    device: torch.device | str | None,
    dtype: torch.dtype | None,
) -> LSTMController | FeedforwardController:
    """Make the controller of that name.

    Raises:
        TypeError: A size is no whole number.
        ValueError: A size is too small, there is no such controller, or a feedforward one was asked for more layers.
    """
    check_choice("controller", controller, ("lstm", "feedforward"))
    check_count("hidden_size", hidden_size)
    check_count("num_layers", num_layers)
    if controller == "lstm":
        return LSTMController(input_size, hidden_size, num_layers, device, dtype)
    if num_layers != 1:
        raise ValueError(f"num_layers: expected 1, as a feedforward controller has one hidden layer, not {num_layers}")
    return FeedforwardController(input_size, hidden_size, device, dtype)


@torch.no_grad()
def reset_linear(layer: nn.Linear) -> None:
    """Draw a head or output layer as Collier & Beel 2018: normal of std 1/sqrt(fan_in), cut at 2 std; biases 0."""
    spread = 1 / math.sqrt(layer.in_features)
    nn.init.trunc_normal_(layer.weight, std=spread, a=-2 * spread, b=2 * spread)
    layer.bias.zero_()
