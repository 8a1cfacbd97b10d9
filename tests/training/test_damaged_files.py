"""Whatever happens to a file of a run directory: what was not written is never used in silence, and no traceback."""

import contextlib
import io
import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from tapehead.cli import main, plot
from tapehead.experiments.records import Record
from tapehead.training.errors import StoppedError
from tapehead.training.run_dir import METRICS, WEIGHTS, start_run_dir
from tests.processes import elsewhere
from tests.training.tiny import stop_after, tiny_config, train

CONFIG = tiny_config("lstm", hidden_size=3, num_layers=1, eval_sequences=2)
EVALUATE = ["evaluate", "--json", "--sizes", "3", "--sequences", "2"]
VERIFY = ["verify", "--json", "--max-size", "3", "--sequences", "2", "--time-limit", "600"]
FILES = {
    "run.json": ("finished", "stopped", "begun"),
    "environment.json": ("finished", "stopped", "begun"),
    "metrics.jsonl": ("finished", "stopped"),
    "timings.jsonl": ("finished", "stopped"),
    "evaluations.jsonl": ("finished", "stopped"),
    "weights.safetensors": ("finished",),
    "result.json": ("finished",),
    "lock_holder.json": ("finished", "stopped"),
    "checkpoints/*.json": ("finished", "stopped"),
    "checkpoints/*.safetensors": ("finished", "stopped"),
}
"""Every file of a run directory, and the kinds of run that have it."""
MEANS_NOTHING = "lock_holder.json"
"""The file that no command reads while the lock is free, so that whatever is in it changes nothing."""
COMMANDS = ("plot", "evaluate", "verify", "resume")
VALUES = (None, True, -1, 0, 3, 1.5, 10**30, float("nan"), "", "text", [], [1], {}, {"a": 1})


class Used(NamedTuple):
    """What the commands say about a run, and what they take from its files."""

    said: tuple[str, ...]  # warnings and errors, by each of COMMANDS
    found: tuple[Any, ...]


# ------------------------------------------------------------------------------------------------------------ damages


def _change_bytes(data: bytes, drawn: random.Random) -> bytes:
    place, much = drawn.randrange(len(data) or 1), drawn.choice([1, 1, 8, 100])
    flipped = bytes([data[place] ^ (1 << drawn.randrange(8))]) if data else b"x"
    return drawn.choice(
        [
            data[:place] + flipped + data[place + 1 :],
            data[:place] + flipped + data[place + 1 :],
            data[:place],
            b"",
            data + drawn.randbytes(much),
            data + data[:much],
            data[:place] + data[place + much :],
        ]
    )


def _change_lines(data: bytes, drawn: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    one, other = drawn.randrange(len(lines)), drawn.randrange(len(lines))
    match drawn.randrange(3):
        case 0:
            lines[one], lines[other] = lines[other], lines[one]
        case 1:
            del lines[one]
        case _:
            lines.insert(other, lines[one])
    return b"".join(lines)


def _change_value(data: bytes, drawn: random.Random) -> bytes:
    """Change a value of JSON, or of a line of JSON: to another of its type, to one of another type, or to nothing."""
    lines = [data] if data.startswith((b"{\n", b"[\n")) else data.splitlines(keepends=True)
    line = drawn.randrange(len(lines))
    whole: Any = {"": json.loads(lines[line])}
    places: list[tuple[Any, Any]] = [(whole, "")]
    for inside, key in places:
        value = inside[key]
        keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        places += [(value, each) for each in keys]
    inside, key = drawn.choice(places)
    value = inside[key]
    if drawn.random() < 0.2 and inside is not whole:
        del inside[key]
    elif drawn.random() < 0.5 and isinstance(value, int | float | str) and not isinstance(value, bool):
        inside[key] = value + "x" if isinstance(value, str) else value + drawn.choice([1, 2, 1000])
    else:
        inside[key] = drawn.choice(VALUES)
    indent = 2 if lines[line].startswith((b"{\n", b"[\n")) else None
    lines[line] = (json.dumps(whole.get("", None), indent=indent) + "\n").encode()
    return b"".join(lines)


def damage(path: Path, drawn: random.Random) -> None:
    """Damage a file, or remove it, but for those without which a checkpoint or a run merely never was finished."""
    data = path.read_bytes()
    text = path.suffix in {".json", ".jsonl"}
    ways: list[Callable[[bytes, random.Random], bytes]] = [_change_bytes]
    if text:
        ways += [_change_lines, _change_value, _change_value]
    marks_the_end = path.name == "result.json" or (path.parent.name == "checkpoints" and text)
    if drawn.random() < 0.03 and not marks_the_end:
        path.unlink()
    else:
        path.write_bytes(drawn.choice(ways)(data, drawn))


# ------------------------------------------------------------------------------------------------- what becomes of it


def _command(words: list[str]) -> tuple[str, str]:
    """What a command prints: warnings and errors, without its progress; and its result, or "" if it is an error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(words)
    said = [line for line in err.getvalue().splitlines(keepends=True) if line.startswith("tapehead: ")]
    ended_in_an_error = said != [] and not said[-1].startswith("tapehead: warning: ")
    assert ended_in_an_error == (status != 0) == (out.getvalue() == ""), (words, status, said)
    return "".join(said), out.getvalue()


def _plot(run: Path) -> tuple[str, list[Record]]:
    """What `plot` says, and the records that it would draw; nothing is drawn, which would take long."""
    drawn: list[Record] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(plot, "draw_records", lambda records: drawn.extend(records) or {})
        patched.setattr(plot, "draw_model", lambda *_: {})
        said, _ = _command(["plot", str(run)])
    return said, drawn


def use(run: Path) -> Used:
    plotted, records = _plot(run)
    evaluated, scores = _command([*EVALUATE, str(run)])
    verified, sizes = _command([*VERIFY, str(run)])
    resumed, ended = _command(["resume", "--json", "--checkpoint-every", "4", str(run)])
    result = json.loads(ended) | {"seconds": 0} if ended else None
    files = [path.read_bytes() for path in (run / WEIGHTS, run / METRICS) if path.exists()]
    said = tuple(each.replace(str(run), "RUN") for each in (plotted, evaluated, verified, resumed))
    return Used(said, (records, scores.replace(str(run), "RUN"), _without_seconds(sizes), (result, files)))


def _without_seconds(sizes: str) -> Any:
    """What `verify` found out, without how long it took."""
    return [row | {"seconds": 0} for row in json.loads(sizes)["sizes"]] if sizes else None


def _drawn(record: Record) -> tuple[Any, ...]:
    return record.config, record.result and record.result | {"seconds": 0}, record.curve


def judge(used: Used, expected: Used) -> str:
    """Say whether what was damaged was told, or came to nothing, or was used in silence.

    What is told may be left out of what is plotted, and a model of an earlier step may be evaluated; but whatever is
    told, what `resume` ends with is the result, the weights and the metrics of the undisturbed run, or an error.
    """
    for command, said, found, said_before, before in zip(COMMANDS, *used, *expected, strict=True):
        if command == "resume" and found != before and found[0] is not None:
            return "another end: resume"
        if said != said_before or found == before:
            continue
        if command == "plot" and found and before:
            (one,), (other,) = found, before
            if _drawn(one) == _drawn(other) and all(row in other.evaluations for row in one.evaluations):
                continue  # what the run ran on is a note, and an evaluation that is gone claims nothing
        return f"silent: {command}"
    return "told" if used.said != expected.said else "same"


def make_runs(folder: Path) -> None:
    train(CONFIG, folder / "finished")
    with pytest.raises(StoppedError):
        train(CONFIG, folder / "stopped", should_stop=stop_after(10))
    (folder / "begun").mkdir()
    start_run_dir(folder / "begun", CONFIG)
    for kind in ("finished", "stopped"):
        for sizes in (["3", "1"], ["2"]):
            _command(["evaluate", str(folder / kind), "--sequences", "2", "--json", "--sizes", *sizes])
        (folder / kind / "lock_holder.json").write_text("123\n")


def damage_many(names: Sequence[str], count: int, folder: Path, use: Callable[[Path], Used] = use) -> dict[str, int]:
    """Damage each of these files of a run directory in so many ways; count what became of it."""
    torch.set_num_threads(1)
    os.fsync = lambda _: None  # nothing crashes here, and waiting for the disk is half the time
    make_runs(folder)
    run, expected = folder / "copy", {}
    for kind in ("finished", "stopped", "begun"):
        shutil.copytree(folder / kind, run)
        expected[kind] = use(run)
        shutil.rmtree(run)
    drawn, found = random.Random("".join(names)), Counter[str]()
    for name, _ in product(names, range(count)):
        kind = drawn.choice(FILES[name])
        shutil.copytree(folder / kind, run)
        damage(drawn.choice(sorted(run.glob(name))), drawn)
        found[judge(use(run), expected[kind])] += 1
        shutil.rmtree(run)
    return dict(found)


def test_another_end_of_a_resumed_run_is_a_finding_whatever_is_told() -> None:
    def ended(said: str, *end: object) -> Used:
        return Used(("", "", "", said), ([], "", None, end))

    whole = ended("", {"step": 12}, [b"weights", b"metrics"])
    assert judge(ended("a warning", {"step": 12}, [b"weights", b"metrics"]), whole) == "told"
    assert judge(ended("an error", None, [b"weights"]), whole) == "told"
    assert judge(ended("a warning", {"step": 12}, [b"others", b"metrics"]), whole) == "another end: resume"
    assert judge(ended("a warning", {"step": 11}, [b"weights", b"metrics"]), whole) == "another end: resume"
    assert judge(ended("", None, [b"weights"]), whole) == "silent: resume"


@pytest.mark.reliability(8)
def test_a_damaged_file_is_told_and_never_used_in_silence(tmp_path: Path, record_property) -> None:
    record_property("cases", 6 * len(FILES))
    found = elsewhere(damage_many, list(FILES), 6, tmp_path)
    assert found.keys() == {"told", "same"}, found
    assert found["told"] > found["same"], found


@pytest.mark.reliability(8)
@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_thousand_damages_of_a_file_are_told_and_never_used_in_silence(
    name: str, tmp_path: Path, record_property
) -> None:
    record_property("cases", 1000)
    found = elsewhere(damage_many, [name], 1000, tmp_path)
    assert found.keys() <= {"told", "same"}, found
    assert sum(found.values()) == 1000
    if name == MEANS_NOTHING:
        assert found == {"same": 1000}, found
    else:
        assert found["told"] > 0, found
