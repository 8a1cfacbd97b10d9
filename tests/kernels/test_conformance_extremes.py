"""Every backend agrees with the reference on which numbers are finite, and keeps what is not in its sequence."""

import math

import pytest
import torch

from tapehead.kernels import SCANS
from tests.kernels import drawn
from tests.kernels.conformance import EACH_BACKEND
from tests.kernels.oracle import Case
from tests.kernels.spoiled import assert_is_kept_apart_and_not_hidden, assert_no_more_overflow


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


@pytest.mark.reliability(5)
@EACH_BACKEND
def test_a_huge_memory_overflows_no_more_gradients_than_with_the_reference(case: Case) -> None:
    assert_no_more_overflow(case, 20)


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


@pytest.mark.reliability(5, 21)
@EACH_BACKEND
def test_what_is_not_finite_or_hardly_stays_in_its_sequence_and_is_not_hidden(case: Case) -> None:
    for seed in range(40):
        assert_is_kept_apart_and_not_hidden(case, seed)
