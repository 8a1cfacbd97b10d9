"""Tables say the median of the seeds and their range, from records only."""

from typing import Any

from tapehead.experiments.records import Record
from tapehead.experiments.tables import make_tables, summarize
from tapehead.training.recipes import configure


def record(model: str, seed: int, *, failed: str = "", **evaluated: float) -> Record:
    """A record of a copy run with errors at the sizes `at_LENGTH_SLOTS`."""
    config, slots = configure("copy", model, seed=seed), {"ntm": 128}.get(model)
    rows = []
    for name, errors in evaluated.items():
        _, length, given = name.split("_")
        memory = None if slots is None else int(given) or slots
        place = {"step": 9, "sequences": 64, "length": int(length), "memory_slots": memory}
        rows.append(place | {"errors": errors, "bits": 2 * errors})
    result: dict[str, Any] = {"step": 3000, "solved_at_step": 100 * seed, "errors": float(seed), "bits": 2.0 * seed}
    return Record(
        name=f"{model}-{seed}", config=config.to_json(), recipe="tapehead", error_name="bit errors",
        size_names=["length"], max_size=[20], environment=None, curve=[], evaluations=rows, failed=failed,
        result=None if failed else result | {"gap_bits": None, "seconds": 5.0},
    )  # fmt: skip


def test_a_row_is_a_group_of_seeds() -> None:
    ended, _ = make_tables([record("ntm", seed, at_20_0=1.0) for seed in (1, 2, 4)])
    assert ended.head == ("model", "steps", "solved", "bit errors per sequence", "bits", "seconds")
    assert ended.rows == [
        ("ntm, 3 runs", "3,000", "3 of 3, at step 200 (100 to 400)", "2.00 (1.00 to 4.00)", "4.00 (2.00 to 8.00)", "5")
    ]


def test_failed_runs_are_counted() -> None:
    (ended,) = make_tables([record("ntm", 1), record("ntm", 2, failed="told to fail")])
    assert (ended.head[-1], ended.rows[0][2], ended.rows[0][-1]) == ("failed", "1 of 2, at step 100", "1")


def test_sizes_are_columns_and_a_larger_memory_is_one_of_its_own() -> None:
    _, sizes = make_tables(
        [
            record("ntm", 1, at_20_0=0.0, at_40_0=1.0, at_500_1024=7.0),
            record("ntm", 2, at_20_0=0.5, at_40_0=1.0, at_500_1024=9.0),
            record("lstm", 1, at_20_0=3.0, at_500_1024=99.0),
        ]
    )
    assert sizes.head == ("model", "20", "40", "500, 1,024 slots")
    assert sizes.rows == [
        ("ntm, zero vectors 0.2, 2 runs", "0.25 (0.00 to 0.50)", "1.00", "8.00 (7.00 to 9.00)"),
        ("lstm, zero vectors 0.0, seed 1", "3.00", "", "99.00"),
    ]
    assert sizes.to_markdown().splitlines()[1] == "| --- | --- | --- | --- |"


def test_a_median_is_told_only_if_all_have_a_value() -> None:
    assert summarize([1.0, None], 1) == ""
    assert summarize([1.04, 1.01], 1) == "1.0"
    assert summarize([1.0, 2.0, 4.0], 1) == "2.0 (1.0 to 4.0)"
