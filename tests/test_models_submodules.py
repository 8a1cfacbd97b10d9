"""Changed submodules: pruned and parametrized ones work, and what would be ignored is refused in a sentence."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

import tapehead
from tests.small_models import DNC_KINDS, MEMORY_KINDS, drawn_inputs, made

T, B = 5, 3

every_memory_model = pytest.mark.parametrize("kind", MEMORY_KINDS)


def submodules(model: tapehead.models.Model) -> dict[str, nn.Module]:
    """What a cell with a memory has of submodules that it never calls, by their names."""
    found = {f"cell.{name}": module for name, module in model.cell.named_modules() if name and name != "initial"}
    assert {"cell.controller", "cell.readout"} <= set(found)
    return found


def train_step(model: tapehead.models.Model, inputs: Tensor) -> Tensor:
    loss = model(inputs)[0].square().mean()
    loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.sub_(parameter.grad)
            parameter.grad = None
    return loss.detach()


@every_memory_model
def test_a_pruned_model_trains_step_after_step_and_stays_pruned(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    mask = torch.arange(model.cell.readout.weight.numel()).view_as(model.cell.readout.weight) % 2
    prune.custom_from_mask(model.cell.readout, "weight", mask)
    losses = [train_step(model, inputs) for _ in range(3)]
    assert losses[0] > losses[1] > losses[2]
    model(inputs)
    assert (model.cell.readout.weight[mask == 0] == 0).all()
    assert (model.cell.readout.weight[mask == 1] != 0).all()


@every_memory_model
def test_a_pruned_model_computes_as_one_whose_weights_are_zero(kind: str) -> None:
    pruned, zeroed, inputs = made(kind), made(kind), drawn_inputs(T, B)
    controller, name = pruned.cell.controller, "weight_ih_l0"
    twin = zeroed.cell.controller
    if "feedforward" in kind:
        controller, twin, name = controller.hidden, twin.hidden, "weight"
    mask = torch.ones_like(getattr(twin, name))
    mask[::2] = 0
    prune.custom_from_mask(controller, name, mask)
    with torch.no_grad():
        getattr(twin, name).mul_(mask)
        getattr(controller, f"{name}_orig").add_(1 - mask)  # what is pruned away does not matter
    assert torch.equal(pruned(inputs)[0], zeroed(inputs)[0])


@every_memory_model
def test_a_parametrized_layer_is_used_with_the_weights_that_it_computes(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    expected = model(inputs)[0]
    parametrizations.weight_norm(model.cell.readout)
    torch.testing.assert_close(model(inputs)[0], expected)
    losses = [train_step(model, inputs) for _ in range(3)]
    assert losses[0] > losses[1] > losses[2]


@every_memory_model
def test_a_layer_in_a_wrapper_is_refused_by_name(kind: str) -> None:
    model = made(kind)
    model.cell.readout = nn.Sequential(model.cell.readout)
    with pytest.raises(TypeError, match=r"^cell\.readout: expected a torch\.nn\.Linear, .+, not Sequential$"):
        model(drawn_inputs(T, B))


@pytest.mark.parametrize("state_init", ["learned", "zero"])
@pytest.mark.parametrize("kind", ["lstm", "rnn"])
def test_the_output_layer_of_a_baseline_may_be_wrapped_since_it_is_called(kind: str, state_init: str) -> None:
    model, inputs = made(kind, state_init=state_init), drawn_inputs(T, B)
    expected = model(inputs)[0]
    model.cell.readout = nn.Sequential(model.cell.readout, nn.Tanh())
    assert torch.equal(model(inputs)[0], expected.tanh())


@every_memory_model
def test_a_linear_layer_with_a_forward_of_its_own_is_refused_by_name(kind: str) -> None:
    class Doubling(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            return 2 * super().forward(inputs)

    model = made(kind)
    model.cell.readout.__class__ = Doubling
    with pytest.raises(TypeError, match=r"^cell\.readout: expected a torch\.nn\.Linear, .+, not Doubling$"):
        model(drawn_inputs(T, B))


@every_memory_model
def test_a_layer_without_a_bias_is_refused_by_name(kind: str) -> None:
    model = made(kind)
    model.cell.readout.bias = None
    with pytest.raises(TypeError, match=r"^cell\.readout: expected a torch\.nn\.Linear with a bias, not one without$"):
        model(drawn_inputs(T, B))


@every_memory_model
def test_another_controller_is_refused_by_name(kind: str) -> None:
    model = made(kind)
    model.cell.controller = nn.GRUCell(3, 2, dtype=torch.float64)
    with pytest.raises(TypeError, match=r"^cell\.controller: expected the controller that .+, not GRUCell$"):
        model(drawn_inputs(T, B))


HOOKS: dict[str, Callable[[nn.Module], object]] = {
    "forward": lambda module: module.register_forward_hook(lambda *_: None),
    "forward pre": lambda module: module.register_forward_pre_hook(lambda *_: None),
    "backward": lambda module: module.register_full_backward_hook(lambda *_: None),
    "backward pre": lambda module: module.register_full_backward_pre_hook(lambda *_: None),
}


@every_memory_model
@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_would_never_run_is_refused_by_its_module_s_name(kind: str, hook: str) -> None:
    for name in ["cell", *submodules(made(kind))]:
        model = made(kind)
        HOOKS[hook](model.get_submodule(name))
        with pytest.raises(RuntimeError, match=rf"^{name}: expected no hooks on this submodule"):
            model(drawn_inputs(T, B))


@pytest.mark.parametrize("kind", DNC_KINDS)
def test_the_heads_parameters_of_a_trace_are_refused_under_a_hook_too(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    states = model.trace(inputs).states
    HOOKS["forward"](model.cell.interface)
    with pytest.raises(RuntimeError, match=r"^cell\.interface: expected no hooks"):
        model.interface(inputs, states)


@pytest.mark.parametrize("kind", [*MEMORY_KINDS, "lstm", "rnn"])
def test_hooks_on_the_model_and_on_what_is_called_do_run(kind: str) -> None:
    model, inputs, ran = made(kind), drawn_inputs(T, B), []
    model.register_forward_hook(lambda *_: ran.append("model"))
    called = model.cell.initial if kind in MEMORY_KINDS else model.cell.readout
    called.register_forward_hook(lambda *_: ran.append("submodule"))
    model(inputs)
    assert ran == ["submodule", "model"]


def test_a_hook_on_a_cell_runs_where_the_cell_is_called() -> None:
    cell, ran = made("ntm with an lstm").cell, []
    cell.register_forward_hook(lambda *_: ran.append("cell"))
    cell(drawn_inputs(B))
    assert ran == ["cell"]


@every_memory_model
def test_a_model_that_cannot_run_can_still_be_printed(kind: str) -> None:
    model = made(kind)
    HOOKS["forward"](model.cell.controller)
    model.cell.readout = nn.Sequential(model.cell.readout)
    assert "runs " in repr(model)


@every_memory_model
def test_a_changed_model_with_more_slots_keeps_its_changes(kind: str) -> None:
    model, inputs = made(kind), drawn_inputs(T, B)
    parametrizations.weight_norm(model.cell.readout)
    with torch.no_grad():
        model.cell.readout.weight = 2 * model.cell.readout.weight
    assert torch.equal(model.with_memory_slots(9)(inputs)[0], model(inputs)[0])
