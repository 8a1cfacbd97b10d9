"""What the project promises, row by row. A test says with `@pytest.mark.reliability(row)` which row it stands for."""

from typing import NamedTuple


class Promise(NamedTuple):
    """A promise, and what is to be said of its tests.

    Attributes:
        sentence: What holds.
        untested: Why no test stands for it; empty where one does.
    """

    sentence: str
    untested: str = ""


PROMISES: dict[int, Promise] = {
    1: Promise("Every equation, time step and scan has the gradient that finite differences give, with every option."),
    2: Promise("The C++ kernels compute what the reference computes, at shapes and options drawn at random."),
    3: Promise(
        "torch.library's own checks pass; models compile into one graph and export; the time to compile does not grow "
        "with the number of time steps."
    ),
    4: Promise("Weightings are distributions, whatever the weights; 10,000 time steps stay finite."),
    5: Promise("Extreme numbers in any argument give the documented result or an error, never a crash."),
    6: Promise("A malformed call, command line or configuration is answered in a sentence that names what is wrong."),
    7: Promise("A loss that is not a number stops the run, and the last good checkpoint is kept."),
    8: Promise("A damaged file is never taken for a whole one, and reading a file runs no code from it."),
    9: Promise("A run that is killed, at whatever moment, ends with the same bytes as one that was not."),
    10: Promise("Ctrl-C and SIGTERM save within two seconds, and no training step is lost."),
    11: Promise("On a full disk the last checkpoint stays whole, and the message has the path and the bytes."),
    12: Promise("A resumed run ends bit for bit as if it had not been stopped, with every model and optimizer."),
    13: Promise("The same run ends the same, bit for bit, on one thread and on two."),
    14: Promise("10,000 training steps leak neither memory nor open files."),
    15: Promise("The C++ kernels pass the address and the undefined-behavior sanitizer."),
    16: Promise("A sweep whose processes are killed, fail and hang gives the serial result, and does no run twice."),
    17: Promise("Two data-parallel processes compute the gradients of one."),
    18: Promise("Without a C++ compiler the package installs and trains on the reference, and `doctor` says so."),
    19: Promise("A second process is turned away from a run directory that is in use, in a sentence."),
    20: Promise("Coverage-guided fuzzing finds no crash, no traceback, and no damaged file that loads as another."),
    21: Promise("NaN or infinity in one sequence of a batch leaves the outputs of the others as they were."),
}
