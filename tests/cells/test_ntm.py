"""The NTM's cell: its weights and initial state, held to the second version in NumPy and to the papers' words."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.cells.dnc import DNCCell
from tapehead.cells.ntm import NTMCell
from tapehead.maths.ntm import NTMState, NTMWeights
from tests.maths import numpy_ntm, random_ntm
from tests.maths.numpy_ntm import Sizes

TOLERANCE = 1e-12  # float64, some steps of a small model


def seeded(*sizes: int, seed: int = 0, dtype: torch.dtype = torch.float64, **options: object) -> NTMCell:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return NTMCell(*sizes, dtype=dtype, **options)


def numpy_parts(cell: NTMCell, size: Sizes) -> tuple[numpy_ntm.Weights, numpy_ntm.State]:
    """The cell's parameters as the NumPy version's weights and initial state."""
    initial, weights = cell.initial, NTMWeights(
        cell.controller.layers(), cell.heads.weight, cell.heads.bias, cell.readout.weight, cell.readout.bias
    )  # fmt: skip
    arrays = random_ntm.arrays_of(NTMWeights(*(detached(part) for part in weights)), size)
    *controller, head_weight, head_bias, output_weight, output_bias = arrays

    def of_head(parameter: Tensor | None, head: int) -> numpy_ntm.Array | None:
        return None if parameter is None else parameter[head].detach().numpy()

    weightings = [
        numpy_ntm.initial_weighting(size, initial.head_init, of_head(initial.weightings, head))
        for head in range(size.heads)
    ]
    reads = [
        numpy_ntm.initial_read(size, initial.read_init, of_head(initial.reads, head)) for head in range(size.read_heads)
    ]
    layers = size.num_layers if size.controller == "lstm" else 0
    state = numpy_ntm.State(
        memory=numpy_ntm.initial_memory(size, initial.memory_init, initial.memory.detach().numpy()),
        read_weightings=np.stack(weightings[: size.read_heads]),
        write_weightings=np.stack(weightings[size.read_heads :]),
        reads=np.stack(reads),
        hidden=np.zeros((layers, size.hidden_size)),
        cell=np.zeros((layers, size.hidden_size)),
    )
    pairs = tuple(zip(controller[::2], controller[1::2], strict=True))
    return numpy_ntm.Weights(pairs, (head_weight, head_bias), (output_weight, output_bias)), state


def detached(part: Tensor | tuple) -> Tensor | tuple:
    return part.detach() if isinstance(part, Tensor) else tuple(detached(inner) for inner in part)


INITS = list(
    itertools.product(
        ["constant", "learned", "random"], [None, True, False], ["onehot", "uniform", "learned"], ["zero", "learned"]
    )
)


@pytest.mark.parametrize(("memory_init", "memory_trainable", "head_init", "read_init"), INITS)
@pytest.mark.parametrize(("controller", "num_layers"), [("lstm", 2), ("feedforward", 1)])
def test_a_cell_is_the_numpy_version_from_its_initial_state_on(
    controller: str, num_layers: int, memory_init: str, memory_trainable: bool | None, head_init: str, read_init: str
) -> None:
    size = random_ntm.sizes(controller=controller, num_layers=num_layers, read_heads=2, write_heads=2, memory_slots=6)
    cell = seeded(
        size.input_size, size.output_size, controller=controller, num_layers=num_layers, hidden_size=size.hidden_size,
        memory_slots=size.memory_slots, memory_width=size.memory_width, read_heads=2, write_heads=2,
        memory_init=memory_init, memory_trainable=memory_trainable, head_init=head_init, read_init=read_init,
        shift_bias=1, sharpening_bias=0.5, gate_bias=-1, strength_bias=2,
    )  # fmt: skip
    weights, theirs = numpy_parts(cell, size)
    ours = cell.initial_state(2)
    assert_state(ours, theirs)
    for x in np.random.default_rng(0).normal(size=(4, size.input_size)):
        expected, theirs = numpy_ntm.step(weights, size, x, theirs)
        output, ours = cell(torch.tensor(np.stack([x, x])), ours)
        np.testing.assert_allclose(output.detach(), [expected] * 2, rtol=0, atol=TOLERANCE)
        assert_state(ours, theirs)


def assert_state(ours: NTMState, theirs: numpy_ntm.State) -> None:
    """Hold both sequences of a batch of two to one state of the NumPy version."""
    for field in NTMState._fields:
        expected = getattr(theirs, field)
        assert getattr(ours, field).shape == (2, *expected.shape), field
        np.testing.assert_allclose(getattr(ours, field).detach(), [expected] * 2, rtol=0, atol=TOLERANCE, err_msg=field)


@pytest.mark.parametrize(("memory_init", "memory_trainable", "head_init", "read_init"), INITS)
def test_the_initial_state_is_trained_where_the_options_say(
    memory_init: str, memory_trainable: bool | None, head_init: str, read_init: str
) -> None:
    cell = seeded(
        3, 2, hidden_size=5, memory_slots=6, memory_width=4, memory_init=memory_init, head_init=head_init,
        memory_trainable=memory_trainable, read_init=read_init,
    )  # fmt: skip
    trained = {name for name, _ in cell.named_parameters() if name.startswith("initial.")}
    expected = {"initial.memory": memory_init == "learned" if memory_trainable is None else memory_trainable}
    expected |= {"initial.weightings": head_init == "learned", "initial.reads": read_init == "learned"}
    assert trained == {name for name, wanted in expected.items() if wanted}
    state, score = None, 0
    for x in torch.randn(3, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)):
        output, state = cell(x, state)
        score = score + output.sum()
    score.backward()
    assert {name for name, value in cell.named_parameters() if value.grad is not None and value.grad.any()} >= trained
    assert "initial.memory" in cell.state_dict()


def test_constant_memory_is_a_millionth_everywhere() -> None:
    assert (seeded(1, 1, memory_init="constant").initial_state(3).memory == 1e-6).all()


def test_onehot_heads_start_on_the_first_slot() -> None:
    state = seeded(1, 1, head_init="onehot", read_heads=2, memory_slots=5).initial_state(3)
    assert torch.equal(state.read_weightings, torch.eye(5, dtype=torch.float64)[0].expand(3, 2, 5))
    assert torch.equal(state.write_weightings, torch.eye(5, dtype=torch.float64)[0].expand(3, 1, 5))


def test_random_memory_is_a_normal_of_std_a_half_cut_at_two_of_them() -> None:
    memory = seeded(1, 1, memory_init="random", memory_slots=500).initial_state(1).memory[0]
    assert_truncated_normal(memory, 0.5)


def test_random_memory_stays_the_same_from_run_to_run() -> None:
    cell = seeded(1, 1, memory_init="random")
    assert torch.equal(cell.initial_state(1).memory, cell.initial_state(1).memory)
    assert torch.equal(cell.initial_state(2).memory[1], cell.initial_state(1).memory[0])


def assert_truncated_normal(values: Tensor, spread: float) -> None:
    """A normal cut off at two standard deviations: no value beyond, and 0.88 times the standard deviation left.

    Tolerances are four standard errors of the mean and of the standard deviation.
    """
    count = values.numel()
    assert values.abs().max() <= 2 * spread
    assert values.abs().max() > 1.9 * spread
    assert abs(values.mean().item()) <= 4 * 0.88 * spread / math.sqrt(count)
    assert abs(values.std().item() - 0.8796 * spread) <= 4 * 0.88 * spread / math.sqrt(2 * count)


@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
def test_head_and_output_layers_start_as_truncated_normals_by_their_fan_in(controller: str) -> None:
    cell = seeded(8, 50, controller=controller, hidden_size=64, shift_bias=0, sharpening_bias=0, gate_bias=0)
    assert_truncated_normal(cell.heads.weight, 1 / math.sqrt(64))
    assert_truncated_normal(cell.readout.weight, 1 / math.sqrt(64 + 20))
    assert (cell.readout.bias == 0).all()
    assert (cell.heads.bias == 0).all()


def test_lstm_weights_start_glorot_uniform_over_the_gates_and_forget_biases_at_one() -> None:
    cell = seeded(8, 9, hidden_size=64, num_layers=2)
    for layer, fan_in in zip(cell.controller.layers(), [8 + 20, 64], strict=True):
        weight_ih, weight_hh, bias = layer
        bound = math.sqrt(6 / (fan_in + 64 + 4 * 64))
        for weight in (weight_ih, weight_hh):
            assert_uniform(weight, bound)
        assert bias.reshape(4, 64).tolist() == [[0] * 64, [1] * 64, [0] * 64, [0] * 64]


def test_feedforward_weights_start_glorot_uniform() -> None:
    weight, bias = seeded(8, 9, controller="feedforward", hidden_size=64).controller.layers()[0]
    assert_uniform(weight, math.sqrt(6 / (8 + 20 + 64)))
    assert (bias == 0).all()


def assert_uniform(values: Tensor, bound: float) -> None:
    """Uniform on [-bound, bound]: four standard errors for the mean and for the standard deviation."""
    count = values.numel()
    assert 0.99 * bound < values.abs().max() <= bound
    assert abs(values.mean().item()) <= 4 * bound / math.sqrt(3 * count)
    assert abs(values.std().item() - bound / math.sqrt(3)) <= 4 * bound / math.sqrt(3) * math.sqrt(0.2 / count)


@pytest.mark.parametrize("shift_range", [0, 1, 3])
@pytest.mark.parametrize("addressing", ["content_and_location", "content"])
def test_initial_biases_land_on_their_own_outputs_of_every_head(shift_range: int, addressing: str) -> None:
    cell = seeded(
        3, 2, memory_width=2, read_heads=2, write_heads=1, shift_range=shift_range, addressing=addressing,
        shift_bias=1.5, sharpening_bias=2.5, gate_bias=-3.5, strength_bias=4.5,
    )  # fmt: skip
    heads, offsets = 3, 2 * shift_range + 1
    one_shift = [1.5 if offset == 1 else 0.0 for offset in range(-shift_range, shift_range + 1)]
    located = [-3.5] * heads + one_shift * heads + [2.5] * heads if addressing == "content_and_location" else []
    assert len(one_shift) == offsets
    assert cell.heads.bias.tolist() == [0.0] * (heads * 2) + [4.5] * heads + located + [0.0] * 4


def test_a_gain_of_the_heads_scales_their_weights_and_nothing_else() -> None:
    usual, halved, none = (seeded(3, 2, head_gain=gain, shift_bias=1.5).state_dict() for gain in (1.0, 0.5, 0.0))
    assert bool(usual["heads.weight"].any())
    torch.testing.assert_close(halved.pop("heads.weight"), usual["heads.weight"] / 2)
    assert not none.pop("heads.weight").any()
    del usual["heads.weight"]
    for name, tensor in usual.items():
        torch.testing.assert_close(halved[name], tensor)
        torch.testing.assert_close(none[name], tensor)


@pytest.mark.parametrize("make", [NTMCell, DNCCell])
def test_a_forget_bias_is_that_of_every_layers_forget_gates(make: type[NTMCell | DNCCell]) -> None:
    cell = make(3, 2, hidden_size=4, num_layers=2, forget_bias=-2.5)
    for layer in range(2):
        bias = getattr(cell.controller, f"bias_l{layer}")
        assert bias.tolist() == [0.0] * 4 + [-2.5] * 4 + [0.0] * 8


def test_a_forward_bias_moves_a_fresh_models_heads_forward() -> None:
    cell = seeded(3, 2, memory_slots=8, shift_bias=8.0, sharpening_bias=8.0, gate_bias=-8.0)
    _, state = cell(torch.zeros(1, 3, dtype=torch.float64))
    assert state.read_weightings[0, 0].argmax() == 1
    assert state.write_weightings[0, 0].argmax() == 1


def test_resetting_the_parameters_draws_them_all_again() -> None:
    cell = seeded(3, 2, head_init="learned", read_init="learned", memory_init="random", gate_bias=1.0)
    with torch.no_grad():
        for tensor in cell.state_dict().values():
            tensor.fill_(7)
    draws = []
    for seed in (1, 1, 2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            cell.reset_parameters()
        draws.append({name: tensor.clone() for name, tensor in cell.state_dict().items()})
    for name, drawn in draws[0].items():
        assert not (drawn == 7).any(), name
        assert torch.equal(drawn, draws[1][name]), name
        assert torch.equal(drawn, draws[2][name]) == ("bias" in name), name
