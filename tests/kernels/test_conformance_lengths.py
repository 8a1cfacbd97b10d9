"""Every backend leaves a finished sequence alone, and never looks at its padding."""

import dataclasses
import math

import torch

from tests.kernels.conformance import EACH_BACKEND, assert_equal
from tests.kernels.oracle import Case


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
