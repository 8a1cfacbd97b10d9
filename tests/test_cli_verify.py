"""tapehead verify: what it prints, draws and refuses; what it finds is tested in tests/experiments."""

import json
from pathlib import Path

from tests.command_line import tapehead, tapeheads
from tests.training.tiny import tiny_config, train


def test_it_says_how_far_a_model_is_right_and_draws_the_end(tmp_path: Path) -> None:
    train(tiny_config(), tmp_path / "run")
    table, said = tapeheads([["verify", "run", "--max-size", "12"], ["verify", "run", "--json"]], tmp_path)
    assert (table.status, table.err) == (0, "")
    lines = table.out.splitlines()
    assert lines[0].strip() == "run: copy, ntm, step 12"
    assert "wrong at the size that it was trained on; at 3 the first error is in sequence" in table.out
    assert lines[-2:] == ["run/plots/verified.png", "run/plots/verified.svg"]
    assert all((tmp_path / path).stat().st_size > 1000 for path in lines[-2:])
    found = json.loads(said.out)
    assert found["run"] == "run"
    (row,) = found["sizes"]
    assert (row["length"], row["memory_slots"], row["sequences"], row["targets"]) == (3, 5, 4, 96)
    assert 0 < row["errors"] <= 96
    assert row["first_error"].keys() == {"sequence", "time_step", "target"}


def test_what_is_wrong_is_told_in_a_line(tmp_path: Path) -> None:
    train(tiny_config(), tmp_path / "run")
    lines = {
        "--max-size: expected a length of at least 3, the largest of training, not 2": ["--max-size", "2"],
        "--axis: expected one of length, not 'depth'": ["--axis", "depth"],
        "--time-limit: expected a number of seconds > 0, not '0'": ["--time-limit", "0"],
    }
    for expected, words in lines.items():
        said = tapehead("verify", str(tmp_path / "run"), *words)
        assert (said.status, said.out, said.err) == (2, "", f"tapehead: {expected}\n")
