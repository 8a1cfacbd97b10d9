"""Every backend keeps the state, and the sequences of a batch, apart from what surrounds them."""

import dataclasses

import torch

from tests.kernels import drawn
from tests.kernels.conformance import EACH_BACKEND, assert_equal
from tests.kernels.oracle import EXACT, Case


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
        assert drawn.distance(ours, expected) <= EXACT


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
            assert drawn.distance(alone[: 1 + fields], expected) <= EXACT


@EACH_BACKEND
def test_tensors_need_not_be_contiguous(case: Case) -> None:
    for seed in range(10):
        plain, strided = (case.draw(seed, work=1e5, contiguous=contiguous) for contiguous in (True, False))
        assert drawn.distance(case.results(strided), case.results(plain)) <= EXACT
