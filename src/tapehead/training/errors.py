"""What can end a run before its last training step. Each message is a sentence for whoever started the run."""

import signal
from pathlib import Path
from shlex import quote


class TrainingError(Exception):
    """A run cannot start, or cannot go on.

    Attributes:
        status: The exit status of a process that ends with it.
        of_one: Of several processes that train a run together only some meet with it; the others know nothing of it.
    """

    status = 1
    of_one = False


class TaskError(TrainingError):
    """A task or a curriculum of somebody's raised an error, or what it drew or its state is not valid."""

    status = 2


class RunDirError(TrainingError):
    """The run directory cannot be used for this: it holds a run already, or none, or is in use."""

    status = 2


class InUseError(RunDirError):
    """Another process is training in the run directory."""


class StorageError(TrainingError):
    """The run directory cannot be written to, or its disk is full; the last checkpoint is still whole."""


class NotSharedError(RunDirError):
    """One of several processes that train a run together does not see the files of the first."""

    of_one = True


class DamagedFileError(TrainingError):
    """A checkpoint, or another file that a run needs, is not what was written."""

    of_one = True


class DivergedError(TrainingError):
    """The loss, a gradient or a weight is not a finite number."""


class FirstFailedError(TrainingError):
    """Of several processes that train a run together the first could not begin; it says why."""


class LostRankError(TrainingError):
    """Of several processes that train a run together another is gone."""

    of_one = True


class EvaluationStoppedError(TrainingError):
    """A signal stopped an evaluation, of which nothing is recorded.

    Args:
        number: The number of the signal.

    Attributes:
        signal: The number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name} during an evaluation, which is not recorded")
        self.signal, self.status = number, 128 + number


class StoppedError(TrainingError):
    """A signal stopped the run; it is saved and can be resumed.

    Args:
        number: The number of the signal.
        step: The last training step.
        path: The run directory.
    """

    def __init__(self, number: int, step: int, path: Path) -> None:
        stopped = f"stopped by {signal.Signals(number).name} after step {step}, and saved"
        super().__init__(f"{stopped}; go on with `tapehead resume {quote(str(path))}`")
        self.status = 128 + number
