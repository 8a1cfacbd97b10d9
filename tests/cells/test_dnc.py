"""The DNC's cell: its weights and initial state, held to the second version in NumPy and to the papers' words."""

import math

import numpy as np
import pytest
import torch

from tapehead.cells.dnc import DNCCell
from tapehead.maths.dnc import DNCState, DNCWeights
from tests.cells.test_ntm import assert_truncated_normal, assert_uniform, detached
from tests.maths import numpy_dnc, numpy_ntm, random_dnc
from tests.maths.numpy_dnc import Sizes

TOLERANCE = 1e-12  # float64, some steps of a small model


def seeded(*sizes: int, seed: int = 0, dtype: torch.dtype = torch.float64, **options: object) -> DNCCell:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DNCCell(*sizes, dtype=dtype, **options)


def numpy_parts(cell: DNCCell, size: Sizes) -> tuple[numpy_dnc.Weights, numpy_dnc.State]:
    """The cell's parameters as the NumPy version's weights and initial state."""
    weights = DNCWeights(*(detached(part) for part in cell.weights()))
    *controller, interface_weight, interface_bias, output_weight, output_bias = random_dnc.arrays_of(weights, size)
    pairs = tuple(zip(controller[::2], controller[1::2], strict=True))
    numbers = numpy_dnc.Weights(pairs, (interface_weight, interface_bias), (output_weight, output_bias))

    initial, state = cell.initial, random_dnc.initial_state(size)
    memory = numpy_ntm.initial_memory(size, initial.memory_init, initial.memory.detach().numpy())
    learned = None if initial.reads is None else initial.reads.detach().numpy()
    reads = numpy_ntm.initial_read(size, initial.read_init, learned)
    return numbers, numpy_dnc.State(
        **{**vars(state), "memory": memory, "reads": np.broadcast_to(reads, state.reads.shape)}
    )


@pytest.mark.parametrize("read_init", ["zero", "learned"])
@pytest.mark.parametrize("memory_init", ["constant", "learned", "random"])
@pytest.mark.parametrize(("controller", "num_layers"), [("lstm", 2), ("feedforward", 1)])
@pytest.mark.parametrize("options", [{}, random_dnc.OPTIONS], ids=["usual", "every option"])
def test_a_cell_is_the_numpy_version_from_its_initial_state_on(
    controller: str, num_layers: int, memory_init: str, read_init: str, options: dict[str, object]
) -> None:
    size = random_dnc.sizes(
        controller=controller, num_layers=num_layers, read_heads=2, write_heads=2, memory_slots=6, **options
    )
    cell = seeded(
        size.input_size, size.output_size, controller=controller, num_layers=num_layers, hidden_size=size.hidden_size,
        memory_slots=size.memory_slots, memory_width=size.memory_width, read_heads=2, write_heads=2,
        memory_init=memory_init, read_init=read_init, **options,
    )  # fmt: skip
    weights, theirs = numpy_parts(cell, size)
    ours = cell.initial_state(2)
    assert_state(ours, theirs)
    for x in np.random.default_rng(0).normal(size=(4, size.input_size)):
        expected, theirs = numpy_dnc.step(weights, size, x, theirs)
        output, ours = cell(torch.tensor(np.stack([x, x])), ours)
        np.testing.assert_allclose(output.detach(), [expected] * 2, rtol=0, atol=TOLERANCE)
        assert_state(ours, theirs)


def assert_state(ours: DNCState, theirs: numpy_dnc.State) -> None:
    """Hold both sequences of a batch of two to one state of the NumPy version."""
    for field in DNCState._fields:
        expected = getattr(theirs, field)
        assert getattr(ours, field).shape == (2, *expected.shape), field
        np.testing.assert_allclose(getattr(ours, field).detach(), [expected] * 2, rtol=0, atol=TOLERANCE, err_msg=field)


def test_before_the_first_step_nothing_is_used_linked_or_read() -> None:
    state = seeded(1, 1, read_heads=2, write_heads=3, memory_slots=5).initial_state(4)
    assert (state.memory == 1e-6).all()
    assert state.links.shape == (4, 3, 5, 5)
    for tensor in state[1:]:
        assert (tensor == 0).all()


@pytest.mark.parametrize("memory_init", ["constant", "learned", "random"])
@pytest.mark.parametrize("memory_trainable", [None, True, False])
@pytest.mark.parametrize("read_init", ["zero", "learned"])
def test_the_initial_state_is_trained_where_the_options_say(
    memory_init: str, memory_trainable: bool | None, read_init: str
) -> None:
    cell = seeded(3, 2, memory_init=memory_init, memory_trainable=memory_trainable, read_init=read_init)
    trained = {name for name, _ in cell.named_parameters() if name.startswith("initial.")}
    expected = {"initial.memory": memory_init == "learned" if memory_trainable is None else memory_trainable}
    expected |= {"initial.reads": read_init == "learned"}
    assert trained == {name for name, wanted in expected.items() if wanted}


def test_interface_and_output_layers_start_as_truncated_normals_by_their_fan_in() -> None:
    cell = seeded(8, 50, hidden_size=64)
    assert_truncated_normal(cell.interface.weight, 1 / math.sqrt(64))
    assert_truncated_normal(cell.readout.weight, 1 / math.sqrt(64 + 20))
    assert (cell.interface.bias == 0).all()
    assert (cell.readout.bias == 0).all()


def test_feedforward_weights_start_glorot_uniform() -> None:
    weight, bias = seeded(8, 9, controller="feedforward", hidden_size=64).controller.layers()[0]
    assert_uniform(weight, math.sqrt(6 / (8 + 20 + 64)))
    assert (bias == 0).all()


def test_resetting_the_parameters_draws_them_all_again() -> None:
    cell = seeded(3, 2, read_init="learned", memory_init="random")
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


def test_rounding_does_not_choose_the_slots_that_a_sequence_uses() -> None:
    """In a batch a matrix product adds in another order than alone; with 129 equal rows that used to show."""
    cell = seeded(3, 2, memory_slots=129, memory_width=20, read_heads=4)
    inputs = torch.randn(10, 32, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    together, alone = cell.initial_state(32), cell.initial_state(1)
    for x in inputs:
        _, together = cell(x, together)
        _, alone = cell(x[:1], alone)
        for field in DNCState._fields:
            ours, theirs = getattr(together, field)[:1], getattr(alone, field)
            torch.testing.assert_close(ours, theirs, rtol=0, atol=TOLERANCE, msg=field)
