"""tapehead evaluate of several runs."""

import json

from tests.command_line import TINY_MODEL_FLAGS, tapeheads


def test_several_runs_are_evaluated_into_a_table_for_each_task(tmp_path):
    small = [*TINY_MODEL_FLAGS, "--steps", "2"]
    lines = [
        ["train", "copy", "--out", "a", *small, "--max-length", "3"],
        ["train", "copy", "--seed", "2", "--out", "b", *small, "--max-length", "3"],
        ["train", "reverse", "--out", "c", *small, "--max-length", "3"],
        ["evaluate", "a", "b", "c", "a", "--sizes", "2", "3", "--sequences", "4"],
        ["evaluate", "b", "c", "--sizes", "2", "--sequences", "4", "--json"],
        ["evaluate", "b", "--sizes", "2", "--sequences", "4", "--json"],
        ["evaluate", "a", "nowhere", "--sizes", "2"],
    ]
    *_, table, several, single, wrong = tapeheads(lines, tmp_path)
    first, second = table.out.split("reverse, ntm, step 2")
    assert "copy: 2 runs" in first
    assert [line.split()[:2] for line in first.splitlines() if line.startswith(("a ", "b "))] == [
        ["a", "2"], ["a", "3"], ["b", "2"], ["b", "3"]
    ]  # fmt: skip
    assert "symbol errors per sequence" in second
    runs = json.loads(several.out)["runs"]
    assert [one["run"] for one in runs] == ["b", "c"]
    assert runs[0] == json.loads(single.out)
    assert wrong.status == 2
    assert wrong.err == "tapehead: nowhere: holds no run: run.json: No such file or directory\n"
