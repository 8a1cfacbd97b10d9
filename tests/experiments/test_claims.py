"""What is claimed of runs is checked on their records, and what cannot be known yet is not said to hold."""

import math
from dataclasses import replace
from typing import Any

import pytest

from tapehead.experiments.claims import (
    Runs,
    alike,
    converged_at,
    faster,
    lower,
    never_nan,
    never_solved,
    score,
    scored,
    solved,
    solved_at,
    stays_solved,
)
from tapehead.experiments.records import Record
from tapehead.training.recipes import configure

NTM = Runs("NTM", lambda record: record.model == "ntm")
DNC = Runs("DNC", lambda record: record.model == "dnc")
BATCH = 32


def record(model: str, solved_at_step: int | None, **fields: Any) -> Record:
    """A run of copy that solved its task at a step."""
    result = {"step": 3000, "solved_at_step": solved_at_step, "errors": 0.0, "bits": 0.0, "seconds": 5.0}
    made = Record(
        name=model, config=configure("copy", model).to_json(), recipe="tapehead", error_name="bit errors",
        size_names=["length"], max_size=[20], environment=None, result=result, curve=[], evaluations=[],
    )  # fmt: skip
    return replace(made, **fields)


def runs(model: str, *steps: int | None) -> list[Record]:
    return [record(model, step) for step in steps]


def pending(model: str) -> Record:
    """A run that has not ended."""
    return record(model, None, result=None)


def failed(model: str) -> Record:
    """A run that diverged before it had solved its task."""
    return record(model, None, result=None, failed="step 7: the loss is nan")


def evaluated(model: str, *errors: float, memory_slots: int = 128) -> list[Record]:
    """Runs whose trained models make so many errors at 20 vectors."""
    row = {"step": 3000, "length": 20, "memory_slots": memory_slots, "sequences": 8, "bits": 0.0}
    return [record(model, 500, evaluations=[row | {"errors": one}]) for one in errors]


def test_sequences_are_counted_until_the_task_is_solved_or_a_bound_is_passed() -> None:
    assert solved_at(record("ntm", 500)) == 500 * BATCH
    assert solved_at(record("ntm", None)) == math.inf
    curve = [{"sequences": 100 * number, "eval_bits": bits} for number, bits in enumerate((9.0, 0.05, 3.0), 1)]
    assert converged_at(record("ntm", None, curve=curve)) == 200
    assert converged_at(record("ntm", None, curve=curve[:1])) == math.inf


@pytest.mark.parametrize(
    ("steps", "others", "verdict", "ours"),
    [
        ((100, 100, 200), (300, 400, 500), "held", "4.00 times: NTM 3,200 (3,200 to 6,400) (3 of 3 runs), DNC"),
        ((100, 100, 200), (210, 210, 210), "held in part", "2.10 times"),
        ((100, 300, 500), (200, 400, 450), "did not hold", "1.33 times"),
        ((100, 100, None), (None, None, None), "held", "more than can be told: NTM 3,200 (2 of 3 runs), DNC never (0"),
        ((100, 100, None, None, None), (None, None, None), "did not hold", "1.00 times"),
        ((None, None), (None, None), "did not hold", "1.00 times: NTM never (0 of 2 runs), DNC never (0 of 2 runs)"),
    ],
)
def test_one_is_faster_than_another_by_medians_and_by_pairs(
    steps: tuple[int | None, ...], others: tuple[int | None, ...], verdict: str, ours: str
) -> None:
    found = faster(NTM, DNC, 3.5)([*runs("ntm", *steps), *runs("dnc", *others)])
    assert found.verdict == verdict
    assert found.ours.startswith(ours)


def test_what_only_one_kind_of_run_is_recorded_of_is_not_known_yet() -> None:
    of_one = runs("ntm", 100, 200)
    for check in (faster(NTM, DNC, 2), alike(NTM, DNC), lower(NTM, DNC, (20,), "errors"), never_solved(DNC)):
        assert check(of_one).verdict == "not known yet"
    for check in (solved(NTM, 100), never_nan(NTM), scored(NTM, (20,), "errors", 1.0)):
        assert check([]).verdict == "not known yet"


@pytest.mark.parametrize(
    ("steps", "verdict"), [((600, 700), "held"), ((100, 900), "held"), ((800, 900), "did not hold")]
)
def test_alike_are_medians_that_differ_by_less_than_half(steps: tuple[int, ...], verdict: str) -> None:
    assert alike(NTM, DNC)([*runs("ntm", *steps), *runs("dnc", 500, 500)]).verdict == verdict


@pytest.mark.parametrize(
    ("steps", "never", "within"),
    [
        ((None, None, None), "held", "did not hold"),
        ((None, None, 400), "held in part", "did not hold"),
        ((None, 400, 400), "did not hold", "held"),
        ((900, 900, 900), "did not hold", "held in part"),
    ],
)
def test_a_task_is_never_solved_or_within_so_many_sequences(
    steps: tuple[int | None, ...], never: str, within: str
) -> None:
    assert never_solved(NTM)(runs("ntm", *steps)).verdict == never
    assert solved(NTM, 400 * BATCH)(runs("ntm", *steps)).verdict == within


def test_steps_with_a_nan_are_counted_where_they_are_known() -> None:
    counted = [replace(one, skipped_steps=number) for number, one in enumerate(runs("ntm", 1, 2))]
    assert never_nan(NTM)(counted[:1] * 2) == ("held", "0 of 6,000 training steps in 2 runs")
    assert never_nan(NTM)([*counted[:1], pending("ntm")]).verdict == "not known yet"
    assert never_nan(NTM)([counted[0], replace(failed("ntm"), skipped_steps=0)]) == (
        "did not hold",
        "0 of 3,000 training steps in 2 runs, 1 of which failed",
    )
    assert never_nan(NTM)(counted) == ("did not hold", "1 of 6,000 training steps in 2 runs")
    assert never_nan(NTM)([*counted, record("ntm", 1)]).verdict == "not known yet"


def test_so_many_runs_are_to_be_that_good_or_the_median_is() -> None:
    records = evaluated("ntm", 0.0, 0.25, 0.25, 9.0)
    assert scored(NTM, (20,), "errors", 0.25)(records) == ("held", "0.25 (0.00 to 9.00) in 4 runs")
    three = scored(NTM, (20,), "errors", 0.4, least_runs=3)
    assert three(records) == ("held", "3 of 4; 0.25 (0.00 to 9.00) in 4 runs")
    assert three(records[2:]).verdict == "did not hold", "1 of 2 is less than 3 of 4"
    assert scored(NTM, (20,), "errors", 0.4, memory_slots=256)(records).verdict == "not known yet"


def test_a_score_is_of_a_size_and_of_a_memory() -> None:
    (one,) = evaluated("ntm", 3.0, memory_slots=256)
    assert score(one, (20,), "errors") == score(one, (20,), "errors", 256) == 3.0
    assert score(one, (20,), "errors", 128) is None
    assert score(one, (21,), "errors") is None


def test_lower_is_told_by_medians() -> None:
    records = [*evaluated("ntm", 1.0, 2.0, 9.0), *evaluated("dnc", 3.0, 4.0, 5.0)]
    expected = "NTM 2.00 (1.00 to 9.00), DNC 4.00 (3.00 to 5.00)"
    assert lower(NTM, DNC, (20,), "errors")(records) == ("held", expected)
    assert lower(DNC, NTM, (20,), "errors")(records).verdict == "did not hold"


def test_a_task_stays_solved_if_no_later_evaluation_has_more_errors() -> None:
    def curve(*errors: float) -> list[dict[str, Any]]:
        return [{"step": 100 * number, "eval_errors": one} for number, one in enumerate(errors, 1)]

    kept, lost = (record("ntm", 200, curve=curve(9.0, 0.0, later, 0.0)) for later in (0.5, 2.0))
    check = stays_solved(NTM, 1.0, least_runs=2)
    assert check([]).verdict == "not known yet"
    assert check([kept, kept, lost]) == ("held", "2 of 3; the worst has 2.00")
    assert check([kept, lost, lost]).verdict == "did not hold"
    assert check([kept, record("ntm", None), record("ntm", None)]).ours == "1 of 3; the worst has inf"


def test_a_run_that_failed_counts_as_the_worst() -> None:
    good = evaluated("ntm", 0.0, 0.0)
    assert solved_at(failed("ntm")) == math.inf
    assert scored(NTM, (20,), "errors", 0.1, least_runs=2)(good).verdict == "held"
    assert scored(NTM, (20,), "errors", 0.1, least_runs=3)([*good, failed("ntm")]).verdict == "did not hold"
    assert stays_solved(NTM, 1.0, least_runs=1)([failed("ntm"), failed("ntm")]).verdict == "did not hold"
    assert never_solved(NTM)([failed("ntm"), failed("ntm")]).verdict == "held"


def test_nothing_is_said_to_hold_before_all_runs_have_ended() -> None:
    one, others = [*runs("ntm", 100), pending("ntm")], runs("dnc", 900, 900)
    found = faster(NTM, DNC, 2)([*one, *others])
    assert found.verdict == "not known yet"
    assert found.ours.startswith("9.00 times")
    assert faster(NTM, DNC, 2)([*runs("ntm", 100, 100), *others]).verdict == "held"
    good = evaluated("ntm", 0.0)
    assert scored(NTM, (20,), "errors", 0.1)(good).verdict == "held"
    for not_yet in (pending("ntm"), record("ntm", 100)):
        assert scored(NTM, (20,), "errors", 0.1)([*good, not_yet]).verdict == "not known yet"
