"""The commands: what each is for, what it takes, and what it needs."""

from typing import NamedTuple


class Command(NamedTuple):
    """One command; the module of its name in this package runs it."""

    summary: str
    takes: str
    needs: tuple[str, ...]  # modules of the extra `cli`
    shared: bool = False  # torchrun may start several processes that do it together


COMMANDS = {
    "train": Command("Train a model on a task.", "TASK", ("rich", "docstring_parser"), shared=True),
    "resume": Command("Resume a stopped run from its last checkpoint.", "RUN", ("rich",), shared=True),
    "evaluate": Command("Score trained models on sequences of several sizes.", "RUN ...", ("rich",)),
    "verify": Command("Find up to which size a trained model makes no error.", "RUN", ("rich", "matplotlib")),
    "plot": Command(
        "Plot learning curves, and a model's outputs, heads and memory on one sequence.", "RUN ...", ("matplotlib",)
    ),
    "export": Command("Write learning curves, scores and options of runs as CSV, or for TensorBoard.", "RUN ...", ()),
    "sample": Command("Let a trained language model write text.", "RUN", ("rich",)),
    "sweep": Command(
        "Train a grid of runs, several in parallel, and collect their results.", "GRID", ("rich", "matplotlib")
    ),
    "figure": Command(
        "Train what is missing of a paper's figure, draw it, and check its claims.", "NAME", ("rich", "matplotlib")
    ),
    "suite": Command(
        "Train models on many tasks at the same settings, and compare them with published numbers.",
        "NAME",
        ("rich", "matplotlib"),
    ),
    "bench": Command("Measure how fast a training step is on this computer.", "", ("rich",)),
    "doctor": Command("Report what is installed and what is missing.", "", ()),
}
