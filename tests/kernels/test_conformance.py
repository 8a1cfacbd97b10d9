"""What every backend of every scan in `BACKENDS` promises, told by one suite; oracle.py has what they are held to.

Each test takes a case, a backend of a scan, and nothing else: the last tests run the whole suite on backends that only
this file knows.
"""

import dataclasses
import inspect
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from tapehead.kernels import SCANS
from tapehead.kernels.backend import Backend, Problem, UnsupportedError, choose
from tests.kernels import drawn
from tests.kernels.oracle import EXACT, Case, compare_at

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "ntm": [
        {"addressing": "content"},
        {"shift_range": 0},
        {"shift_range": 3},
        {"clip": None},
        {"clip": 0.5},
        {"controller": "feedforward"},
        {"controller": "lstm", "layers": 3},
    ],
    "dnc": [
        {"masked_content": True},
        {"deallocate": True},
        {"sharpen_links": True},
        {"sparse_links": 3},
        {"clip": None},
        {"clip": 0.5},
        {"controller": "feedforward"},
        {"controller": "lstm", "layers": 3},
    ],
}
PLAIN: dict[str, dict[str, Any]] = {
    "ntm": {"addressing": "content_and_location", "shift_range": 1, "clip": 20.0, "controller": "lstm", "layers": 1},
    "dnc": {
        "masked_content": False,
        "deallocate": False,
        "sharpen_links": False,
        "sparse_links": None,
        "clip": 20.0,
        "controller": "lstm",
        "layers": 1,
    },
}


def cases() -> Iterator[Any]:
    """Every backend of every scan; one that cannot run here is skipped with the reason that it gives."""
    for model, backends in SCANS.items():
        for backend in backends.values():
            reason = backend.unsupported_reason(Problem(torch.device("cpu"), torch.float64))
            skipped = pytest.mark.skipif(reason is not None, reason=str(reason))
            yield pytest.param(Case(model, backend), id=f"{model}-{backend.name}", marks=skipped)


EACH_BACKEND = pytest.mark.parametrize("case", list(cases()))


def assert_equal(ours: list[Tensor], theirs: list[Tensor]) -> None:
    """The same bits."""
    assert len(ours) == len(theirs)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


# ----------------------------------------------------------------------------------------------- values and gradients


@EACH_BACKEND
def test_values_and_gradients_are_the_oracle_s_at_drawn_shapes_and_options(case: Case) -> None:
    compare_at(case, range(16), work=3e4)


@EACH_BACKEND
def test_each_option_alone_gives_the_oracle_s_values_and_gradients(case: Case) -> None:
    for reads, writes in ((1, 1), (3, 2)):
        for option in OPTIONS[case.model]:
            settings = {**PLAIN[case.model], **option, "reads": reads, "writes": writes}
            given = case.draw(0, **settings, steps=9, sequences=3, slots=17, width=5, keep_states=True)
            assert drawn.distance(case.results(given), drawn.results(given, case.oracle)) <= EXACT[torch.float64], (
                option
            )


@EACH_BACKEND
def test_results_are_of_the_inputs_dtype_and_device(case: Case) -> None:
    for dtype in EXACT:
        for tensor in case.results(case.draw(0, steps=3, sequences=2), dtype):
            assert (tensor.dtype, tensor.device.type) == (dtype, "cpu")


@EACH_BACKEND
def test_without_a_gradient_the_values_are_the_same(case: Case) -> None:
    for seed in range(12):
        given = case.draw(seed, work=3e4)
        without = case.results(given, grad=False)
        assert_equal(without, case.results(given)[: len(without)])


@EACH_BACKEND
def test_what_a_scan_is_given_stays_as_it_was(case: Case) -> None:
    given = case.draw(4, steps=6, sequences=3)
    before = [tensor.clone() for tensor in given.tensors]
    case.results(given)
    assert_equal(given.tensors, before)


@EACH_BACKEND
def test_a_gradient_is_given_to_each_tensor_that_wants_one_and_to_no_other(case: Case) -> None:
    given = case.draw(3, steps=5, sequences=3)
    expected = case.results(given)[-len(given.tensors) :]
    for wanted in range(len(given.tensors)):
        if expected[wanted].numel() == 0:
            continue
        leaves = [tensor.detach().clone().requires_grad_(place == wanted) for place, tensor in enumerate(given.tensors)]
        given.on(leaves).run(case.backend).outputs.sum().backward()
        assert leaves[wanted].grad is not None or not expected[wanted].any()
        assert all(leaf.grad is None for place, leaf in enumerate(leaves) if place != wanted)


@EACH_BACKEND
def test_a_gradient_can_be_taken_twice(case: Case) -> None:
    given = case.draw(5, steps=6, sequences=3, clip=20.0, lengths=False)
    leaves = [tensor.requires_grad_() for tensor in given.tensors]
    loss = given.on(leaves).run(case.backend).outputs.sum()
    first = torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True, materialize_grads=True)
    second = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
    assert any(gradient.any() for gradient in first)
    assert_equal(list(first), list(second))


# -------------------------------------------------------------------------------------------------- state and batch


@EACH_BACKEND
def test_states_are_kept_only_where_asked_for_and_the_last_is_the_last_state(case: Case) -> None:
    given = case.draw(6, steps=5, sequences=3, keep_states=True)
    result = given.run(case.backend)
    assert dataclasses.replace(given, keep_states=False).run(case.backend).states is None
    assert_equal([states[-1] for states in result.states], list(result.state))


@EACH_BACKEND
def test_no_steps_return_the_state_as_it_was(case: Case) -> None:
    for controller in ("lstm", "feedforward"):
        given = case.draw(0, steps=0, sequences=3, keep_states=True, controller=controller)
        result = given.run(case.backend)
        assert result.outputs.shape == (0, 3, given.weights.output_bias.shape[0])
        assert_equal(list(result.state), list(given.state))
        assert [states.shape for states in result.states] == [(0, *tensor.shape) for tensor in given.state]


@EACH_BACKEND
def test_a_batch_of_no_sequences_gives_one(case: Case) -> None:
    for controller in ("lstm", "feedforward"):
        given = case.draw(0, steps=3, sequences=0, keep_states=True, controller=controller)
        result = given.run(case.backend)
        assert result.outputs.shape == (3, 0, given.weights.output_bias.shape[0])
        assert [tensor.shape for tensor in result.state] == [tensor.shape for tensor in given.state]


@EACH_BACKEND
def test_a_split_run_is_the_whole_run(case: Case) -> None:
    for seed in range(10):
        given = case.draw(seed, work=1e5, steps=11, lengths=False)
        whole = given.run(case.backend)
        first = dataclasses.replace(given, inputs=given.inputs[:4]).run(case.backend)
        rest = dataclasses.replace(given, inputs=given.inputs[4:], state=first.state).run(case.backend)
        assert torch.equal(torch.cat([first.outputs, rest.outputs]), whole.outputs)
        assert_equal(list(rest.state), list(whole.state))


@EACH_BACKEND
def test_sequences_may_share_their_initial_state(case: Case) -> None:
    for seed in range(10):
        given = case.draw(seed, work=1e5, contiguous=True)
        inputs, rest, fields = given.inputs, given.tensors[1:], len(given.state)
        shared = [tensor[:1].expand_as(tensor) for tensor in rest[:fields]]
        ours = case.results(given.on([inputs, *shared, *rest[fields:]]))
        expected = case.results(given.on([inputs, *(tensor.clone() for tensor in shared), *rest[fields:]]))
        assert drawn.distance(ours, expected) <= EXACT[torch.float64]


@EACH_BACKEND
def test_a_sequence_does_not_depend_on_its_neighbors(case: Case) -> None:
    for seed in range(5):
        given = case.draw(seed, work=1e5, sequences=5, contiguous=True)
        together, fields = case.results(given, grad=False), len(given.state)
        for b in (0, 4):
            inputs, *rest = given.tensors
            own = [inputs[:, b : b + 1], *(tensor[b : b + 1] for tensor in rest[:fields]), *rest[fields:]]
            lengths = None if given.lengths is None else given.lengths[b : b + 1]
            alone = case.results(dataclasses.replace(given.on(own), lengths=lengths), grad=False)
            expected = [together[0][:, b : b + 1], *(tensor[b : b + 1] for tensor in together[1 : 1 + fields])]
            assert drawn.distance(alone[: 1 + fields], expected) <= EXACT[torch.float64]


@EACH_BACKEND
def test_tensors_need_not_be_contiguous(case: Case) -> None:
    for seed in range(10):
        plain, strided = (case.draw(seed, work=1e5, contiguous=contiguous) for contiguous in (True, False))
        assert drawn.distance(case.results(strided), case.results(plain)) <= EXACT[torch.float64]


# ------------------------------------------------------------------------------------------------- lengths and padding


@EACH_BACKEND
def test_after_its_length_a_sequence_stands_still(case: Case) -> None:
    for seed in range(6):
        given = case.draw(seed, work=1e5, steps=5, sequences=3, keep_states=True, lengths=False, contiguous=True)
        whole = given.run(case.backend)
        lengths = torch.tensor([5, seed % 5, 0])
        result = dataclasses.replace(given, lengths=lengths).run(case.backend)
        for b, length in enumerate(lengths.tolist()):
            assert torch.equal(result.outputs[:length, b], whole.outputs[:length, b])
            assert (result.outputs[length:, b] == 0).all()
            for before, kept, unbounded, last in zip(
                given.state, result.states, whole.states, result.state, strict=True
            ):
                assert torch.equal(kept[:length, b], unbounded[:length, b])
                end = unbounded[length - 1, b] if length else before[b]
                assert torch.equal(kept[length:, b], end.expand_as(kept[length:, b]))
                assert torch.equal(last[b], end)


@EACH_BACKEND
def test_padding_gets_no_gradient_and_gives_none_whatever_stands_in_it(case: Case) -> None:
    given = dataclasses.replace(case.draw(1, steps=5, sequences=3, contiguous=True), lengths=torch.tensor([5, 2, 0]))
    inputs = given.inputs.clone()
    inputs[2:, 1] = inputs[:, 2] = math.nan
    clean, dirty = case.results(given), case.results(given.on([inputs, *given.tensors[1:]]))
    assert_equal(dirty, clean)
    gradient = dirty[-len(given.tensors)]
    assert (gradient[2:, 1] == 0).all()
    assert (gradient[:, 2] == 0).all()


@EACH_BACKEND
def test_lengths_need_not_be_contiguous(case: Case) -> None:
    given = case.draw(3, steps=6, sequences=3, lengths=True, keep_states=False)
    lengths = torch.tensor([6, 0, 2, 0, 4, 0])[::2]
    strided, plain = (dataclasses.replace(given, lengths=chosen) for chosen in (lengths, lengths.contiguous()))
    assert_equal(case.results(strided), case.results(plain))


# ------------------------------------------------------------------------------------------------------- extremes


@pytest.mark.reliability(5)
@EACH_BACKEND
def test_rows_of_any_length_are_compared_with_finite_numbers(case: Case) -> None:
    for size in (1e-30, 1e-9, 1.0, 1e15, 1e30, 3e38):
        given = case.draw(7, steps=3, sequences=2, slots=17, width=5, lengths=False, keep_states=False, clip=20.0)
        memory = given.state.memory / given.state.memory.abs().amax() * size
        given = given.on([given.inputs, memory, *given.tensors[2:]])
        ours = case.results(given, torch.float32, grad=False)
        theirs = drawn.results(given, SCANS[case.model]["reference"], torch.float32, grad=False)
        for field in ("read_weightings", "write_weightings"):
            place = 1 + given.state._fields.index(field)
            assert ours[place].isfinite().all()
            torch.testing.assert_close(ours[place], theirs[place], rtol=1e-4, atol=1e-5)


@pytest.mark.reliability(5)
@EACH_BACKEND
def test_what_the_reference_keeps_finite_stays_finite(case: Case) -> None:
    for place in (0, 1):  # inputs, memory
        for size in (1e-38, 1e4, 1e20, 1e38):
            for seed in range(8):
                given = case.draw(seed, work=3e4, steps=5, sequences=2, slots=17, width=5, keep_states=False)
                tensors = given.tensors
                tensors[place] = tensors[place] / tensors[place].abs().amax() * size
                given = given.on(tensors)
                reference, ours = SCANS[case.model]["reference"], case.results(given, torch.float32)
                theirs = ours if case.backend is reference else drawn.results(given, reference, torch.float32)
                for one, other in zip(ours, theirs, strict=True):
                    assert one.isfinite().all() or not other.isfinite().all()


@pytest.mark.reliability(21)
@EACH_BACKEND
def test_not_a_number_stays_not_a_number_and_in_its_sequence(case: Case) -> None:
    given = case.draw(2, steps=4, sequences=3, lengths=False, clip=20.0)
    inputs = given.inputs.clone()
    inputs[1, 1, 0] = math.nan
    outputs = case.results(given.on([inputs, *given.tensors[1:]]), grad=False)[0]
    assert outputs[:, [0, 2]].isfinite().all()
    assert outputs[0, 1].isfinite().all()
    assert outputs[1:, 1].isnan().all()


# ------------------------------------------------------------------------------------- what a backend says of itself


@EACH_BACKEND
def test_a_backend_says_in_a_sentence_what_it_cannot_run_or_runs_it(case: Case) -> None:
    for device in ("cpu", "meta"):
        for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            reason = case.backend.unsupported_reason(Problem(torch.device(device), dtype))
            assert reason is None or len(reason.split()) > 3


SUITE = [
    function for name, function in list(globals().items()) if name.startswith("test_") and inspect.isfunction(function)
]


@pytest.mark.parametrize("model", SCANS)
def test_the_suite_takes_a_backend_that_only_this_file_knows_and_auto_skips_it_with_its_reason(model: str) -> None:
    here, elsewhere = (Problem(torch.device(device), torch.float32) for device in ("cpu", "meta"))
    third = Backend(
        "third",
        lambda problem: "the tensors lie where it cannot reach" if problem.device.type == "meta" else None,
        choose("auto", here, SCANS[model]).scan,
    )
    backends = {"third": third, **SCANS[model]}
    for test in SUITE:
        test(Case(model, third))
    assert choose("auto", here, backends) is third
    assert choose("auto", elsewhere, backends) is SCANS[model]["reference"]
    with pytest.raises(
        UnsupportedError, match="backend='third' cannot run this: the tensors lie where it cannot reach"
    ):
        choose("third", elsewhere, backends)


@pytest.mark.parametrize("model", SCANS)
def test_the_suite_finds_a_backend_that_is_wrong_by_little(model: str) -> None:
    def scan(*given: Any) -> tuple[Any, Any, Any]:
        outputs, state, states = SCANS[model]["reference"].scan(*given)
        return outputs * (1 + 1e-9), state, states

    wrong = Case(model, Backend("wrong", lambda problem: None, scan))
    with pytest.raises(AssertionError):
        test_each_option_alone_gives_the_oracle_s_values_and_gradients(wrong)
