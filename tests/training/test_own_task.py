"""What may be wrong with a task of one's own: one sentence each, and never a traceback.

The sentence names the class and the method, what was expected and what came.
"""

from pathlib import Path

import pytest

from tapehead.training.checkpoints import last_checkpoint
from tests.command_line import Said, tapeheads

GOOD = '''
"""A task that keeps its promises, and many that do not."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from tapehead.tasks import Batch, BitTask, SymbolTask


@dataclass(frozen=True, kw_only=True)
class Good(BitTask):
    """Say two bits again."""

    max_length: int = 3

    input_size, output_size, size_names, min_size = 2, 2, ("length",), (1,)

    @property
    def max_size(self):
        return (self.max_length,)

    def sample(self, sizes, generator):
        lengths = torch.from_numpy(sizes[:, 0])
        mask = torch.arange(int(lengths.max())).unsqueeze(1) < lengths
        bits = torch.from_numpy(generator.integers(0, 2, (*mask.shape, 2))).float() * mask.unsqueeze(2)
        return Batch(bits, bits, mask, lengths)


class GoodSymbols(SymbolTask):
    """Say a symbol again."""

    input_size, output_size, size_names, min_size, max_size = 3, 3, ("length",), (1,), (3,)

    def sample(self, sizes, generator):
        lengths = torch.from_numpy(sizes[:, 0])
        mask = torch.arange(int(lengths.max())).unsqueeze(1) < lengths
        symbols = torch.from_numpy(generator.integers(0, 3, mask.shape))
        return Batch(symbols, symbols, mask, lengths)
'''

SAMPLED: dict[str, tuple[str, str, str]] = {
    # class: what it derives from, what it gives instead of its batch, and what is said about it
    "RealTargets": (
        "Good",
        "b._replace(targets=b.targets * 0.3)",
        "targets that are 0 or 1, as a BitTask's are, not 0.3",
    ),
    "NanTargets": (
        "Good",
        "b._replace(targets=b.targets * np.nan)",
        "targets that are 0 or 1, as a BitTask's are, not nan",
    ),
    "Transposed": (
        "Good",
        "b._replace(targets=b.targets.transpose(0, 1))",
        "targets of shape (1, 2, 2), not (2, 1, 2)",
    ),
    "TransposedInputs": (
        "Good",
        "b._replace(inputs=b.inputs.transpose(0, 1))",
        "inputs of shape (1, 2, 2), not (2, 1, 2)",
    ),
    "BatchFirst": ("Good", "b._replace(mask=b.mask.T)", "mask of shape (2, 2), not (2, 1)"),
    "Tuple": ("Good", "tuple(b)", "a tapehead.tasks.Batch, not tuple"),
    "Nothing": ("Good", "None", "a tapehead.tasks.Batch, not NoneType"),
    "Arrays": ("Good", "Batch(*(tensor.numpy() for tensor in b))", "inputs to be a tensor, not ndarray"),
    "ListOfLengths": ("Good", "b._replace(lengths=b.lengths.tolist())", "lengths to be a tensor, not list"),
    "Unscored": (
        "Good",
        "b._replace(mask=b.mask & False)",
        "a scored time step in every sequence, not a mask without one ",
    ),
    "FloatMask": (
        "Good",
        "b._replace(mask=b.mask.float())",
        "a mask of torch.bool and lengths of torch.int64, not torch.flo",
    ),
    "ShortLengths": (
        "Good",
        "b._replace(lengths=b.lengths.int())",
        "a mask of torch.bool and lengths of torch.int64, not torch",
    ),
    "DoubleInputs": (
        "Good",
        "b._replace(inputs=b.inputs.double())",
        "inputs (T, B, I) of torch.float32, or token ids (T, B) of torch.int64, not torch.float64 of shape (1, 2, 2)",
    ),
    "IntInputs": (
        "Good",
        "b._replace(inputs=b.inputs.long())",
        "inputs (T, B, I) of torch.float32, or token ids (T, B) of torch.int64, not torch.int64 of shape (1, 2, 2)",
    ),
    "DoubleTargets": (
        "Good",
        "b._replace(targets=b.targets.double())",
        "targets of torch.float32 that are 0 or 1, not torch.fl",
    ),
    "BoolTargets": (
        "Good",
        "b._replace(targets=b.targets.bool())",
        "targets of torch.float32 that are 0 or 1, not torch.bool",
    ),
    "TooLong": ("Good", "b._replace(lengths=b.lengths + 1)", "lengths from 0 to 1, not [2, 2]"),
    "ScoredPadding": (
        "Good",
        "b._replace(lengths=b.lengths * 0)",
        "a mask that is False after a sequence's end, not one that ",
    ),
    "OneSequence": (
        "Good",
        "Batch(*(tensor[:, :1] for tensor in b[:3]), b.lengths[:1])",
        "mask of shape (1, 2), not (1, 1)",
    ),
    "FlatMask": ("Good", "b._replace(mask=b.mask[:, 0])", "mask of shape (1, 2), not (1,)"),
    "NoMask": ("Good", "b._replace(mask=b.mask[0, 0])", "mask of shape (0, 2), not ()"),
    "WideTargets": (
        "Good",
        "b._replace(targets=b.targets.repeat(1, 1, 2))",
        "targets of shape (1, 2, 2), not (1, 2, 4)",
    ),
    "OneHotTargets": (
        "GoodSymbols",
        "b._replace(targets=self.target_channels(b))",
        "targets of shape (1, 2), not (1, 2, 3)",
    ),
    "FloatSymbols": (
        "GoodSymbols",
        "b._replace(targets=b.targets.float())",
        "targets to be torch.int64 from 0 to 2, not torch.f",
    ),
    "LargeSymbols": (
        "GoodSymbols",
        "b._replace(targets=b.targets + 9)",
        "targets to be torch.int64 from 0 to 2, not from ",
    ),
    "LargeTokens": (
        "GoodSymbols",
        "b._replace(inputs=b.inputs - 9)",
        "inputs to be torch.int64 from 0 to 2, not from -",
    ),
    "Failing": ("Good", "{}['no data']", "sequences, not an error: KeyError: 'no data'"),
    "Exiting": ("Good", "exec('raise StopIteration(3)')", "sequences, not an error: StopIteration: 3"),
}

DECLARED: dict[str, tuple[str, str]] = {
    # class: what stands in its body, and what is said about it
    "FloatSize": ("max_size = (3.0,)", "FloatSize.max_size: expected a tuple of whole numbers >= 1, not (3.0,)"),
    "ListSize": ("max_size = [3]", "ListSize.max_size: expected a tuple of whole numbers >= 1, not [3]"),
    "BareSize": ("max_size = 3", "BareSize.max_size: expected a tuple of whole numbers >= 1, not 3"),
    "ZeroSize": ("min_size = (0,)", "ZeroSize.min_size: expected a tuple of whole numbers >= 1, not (0,)"),
    "EmptySize": ("min_size = max_size = ()", "EmptySize.min_size: expected a tuple of whole numbers >= 1, not ()"),
    "Crossed": ("min_size = (4,)", "Crossed.min_size: expected at most max_size=(3,) in every number, not (4,)"),
    "TwoAndOne": ("min_size = (1, 1)", "TwoAndOne.min_size: expected at most max_size=(3,) in every number, not (1, 1"),
    "BareName": ("size_names = 'length'", "BareName.size_names: expected a tuple of strings, not 'length'"),
    "TwoNames": ("size_names = ('a', 'b')", "TwoNames.size_names: expected one for each of the 1 numbers of max_size,"),
    "Reserved": ("size_names = ('step',)", "Reserved.size_names: expected identifiers that records use for nothing el"),
    "Mask": ("size_names = ('errors',)", "Mask.size_names: expected identifiers that records use for nothing else, no"),
    "Spaced": ("size_names = ('the length',)", "Spaced.size_names: expected identifiers that records use for nothing"),
    "NoInputs": ("input_size = 0", "NoInputs.input_size: expected a whole number >= 1, not 0"),
    "TextOutputs": ("output_size = '2'", "TextOutputs.output_size: expected a whole number >= 1, not '2'"),
    "RaisingInputs": (
        "@property\n    def input_size(self):\n        return {}['x']",
        "task: expected odd:RaisingInputs to be made, not an error: KeyError: 'x'",
    ),
    "Raising": ("@property\n    def max_size(self):\n        return {}['x']", "task: expected odd:Raising to be made,"),
    "Refusing": ("def __init__(self):\n        raise ValueError('salt: expected salt')", "salt: expected salt"),
    "Breaking": ("def __init__(self):\n        raise OSError('no disk')", "task: expected odd:Breaking to be made, no"),
}  # fmt: skip

LATER: dict[str, tuple[str, str]] = {
    # class: what it does from the training step on at which the 40th batch is drawn, and what is said
    "FailsLater": ("raise KeyError('no more')", "FailsLater.sample: expected sequences, not an error: KeyError: 'no m"),
    "TupleLater": ("return tuple(b)", "TupleLater.sample: expected a tapehead.tasks.Batch, not tuple"),
    "TransposedLater": ("return b._replace(inputs=b.inputs.transpose(0, 2))", "TransposedLater.sample: expected input"),
    "DoubleLater": ("return b._replace(inputs=b.inputs.double())", "DoubleLater.sample: expected inputs (T, B,"),
}  # fmt: skip

INPUTS = {"NanInputs": "np.nan", "InfiniteInputs": "np.inf"}
"""Tasks whose inputs are no numbers, and what they are instead."""

FEW = ["--model=lstm", "--hidden-size=3", "--batch-size=2", "--steps=60", "--eval-every=60", "--eval-sequences=2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module of all these tasks."""
    text = GOOD
    for name, (base, instead, _) in SAMPLED.items():
        text += f"\n\nclass {name}({base}):\n    def sample(self, sizes, generator):\n"
        text += f"        b = super().sample(sizes, generator)\n        return {instead}\n"
    for name, (body, _) in DECLARED.items():
        text += f"\n\nclass {name}(Good):\n    {body}\n"
    for name, (instead, _) in LATER.items():
        text += f"\n\nclass {name}(Good):\n    drawn: ClassVar[list] = []\n\n    def sample(self, sizes, generator):\n"
        text += "        b = super().sample(sizes, generator)\n        self.drawn.append(1)\n"
        text += f"        if len(self.drawn) >= 40:\n            {instead}\n        return b\n"
    for name, value in INPUTS.items():
        text += f"\n\nclass {name}(Good):\n    def sample(self, sizes, generator):\n"
        text += f"        b = super().sample(sizes, generator)\n        return b._replace(inputs=b.inputs + {value})\n"
    folder = tmp_path_factory.mktemp("odd")
    (folder / "odd.py").write_text(text)
    return folder


def is_one_line(said: Said, expected: str) -> bool:
    return (said.status, said.out, said.err.count("\n")) == (2, "", 1) and said.err.startswith(f"tapehead: {expected}")


def trained(names: list[str], folder: Path) -> dict[str, Said]:
    lines = [["train", f"odd:{name}", "--out", folder / name, *FEW] for name in names]
    return dict(zip(names, tapeheads(lines, folder), strict=True))


def test_tasks_that_keep_their_promises_are_trained(folder):
    said = trained(["Good", "GoodSymbols"], folder)
    assert [each.status for each in said.values()] == [0, 0], said


def test_what_a_task_gives_that_is_no_batch_is_said(folder):
    said = trained(list(SAMPLED), folder)
    wrong = {
        name: said[name]
        for name, (_, _, expected) in SAMPLED.items()
        if not is_one_line(said[name], f"{name}.sample: expected {expected}")
    }
    assert wrong == {}
    assert not [name for name in SAMPLED if (folder / name).exists()], "nothing is begun"


def test_what_a_task_declares_wrongly_is_said(folder):
    said = trained(list(DECLARED), folder)
    assert {name: said[name] for name, (_, expected) in DECLARED.items() if not is_one_line(said[name], expected)} == {}
    assert not [name for name in DECLARED if (folder / name).exists()], "nothing is begun"


@pytest.mark.reliability(7)
def test_inputs_that_are_no_numbers_are_said_to_be_the_cause(folder):
    for name, said in trained(list(INPUTS), folder).items():
        assert said.status == 1
        expected = "step 1: the loss is nan, and the `inputs` of its batch hold NaN or infinite values; there is no"
        assert said.err.startswith(f"tapehead: {expected}"), (name, said)


def test_what_goes_wrong_later_stops_the_run_with_a_line_and_what_was_saved_is_kept(folder):
    names = list(LATER)
    lines = [["train", f"odd:{name}", "--out", folder / name, "--checkpoint-every=10", *FEW] for name in names]
    for name, said in zip(names, tapeheads(lines, folder), strict=True):
        assert is_one_line(said, LATER[name][1]), said
        kept, problems = last_checkpoint(folder / name / "checkpoints")
        assert kept is not None
        assert kept.step >= 10
        assert problems == []


def test_a_task_that_breaks_between_training_and_looking_is_said_too(folder):
    run, module = folder / "Broken", folder / "breaking.py"
    module.write_text(GOOD)
    assert tapeheads([["train", "breaking:Good", "--out", run, *FEW]], folder)[0].status == 0
    for text, expected in (
        (GOOD.replace("class Good(", "class Bad("), "task: expected a class in breaking ("),
        (
            GOOD.replace("max_length: int", "longest: int").replace("self.max_length", "self.longest"),
            "task: expected an option 'longest' of breaking",
        ),
        (
            GOOD.replace("return Batch(bits, bits", "return Batch(bits, bits * 0.5"),
            "Good.sample: expected targets that ar",
        ),
        ("x = = 3", "task: expected a module that can be imported, not 'breaking': SyntaxError"),
    ):
        module.write_text(text)
        (run / "result.json").unlink(missing_ok=True)
        for command in ("resume", "evaluate"):
            (said,) = tapeheads([[command, run]], folder)
            assert is_one_line(said, expected), (text, said)
