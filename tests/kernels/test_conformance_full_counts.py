"""What test_conformance_extremes.py has every backend promise, at the counts of RELIABILITY 5, 13 and 21."""

import pytest

from tests.kernels.conformance import EACH_BACKEND
from tests.kernels.oracle import Case
from tests.kernels.spoiled import assert_is_kept_apart_and_not_hidden, assert_no_more_overflow

pytestmark = pytest.mark.slow


@pytest.mark.reliability(5, 21)
@EACH_BACKEND
def test_what_is_not_finite_or_hardly_stays_in_its_sequence_and_is_not_hidden(case: Case, record_property) -> None:
    record_property("cases", 1000)
    for seed in range(1000):
        assert_is_kept_apart_and_not_hidden(case, seed)


@pytest.mark.reliability(5)
@EACH_BACKEND
def test_a_huge_memory_overflows_no_more_gradients_than_with_the_reference(case: Case, record_property) -> None:
    record_property("cases", 400)
    assert_no_more_overflow(case, 400)
