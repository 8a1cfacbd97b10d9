"""What can end a run before its last update. Each message is a sentence for whoever started the run."""

import signal
from pathlib import Path


class TrainingError(Exception):
    """A run cannot start, or cannot go on.

    Attributes:
        status: What a process that ends of it exits with.
    """

    status = 1


class FolderError(TrainingError):
    """The folder is not one that this can be done in: it holds a run already, or none, or is in use."""

    status = 2


class StorageError(TrainingError):
    """The folder cannot be written to, or its disk is full; the last checkpoint is still whole."""


class BrokenCheckpointError(TrainingError):
    """A checkpoint is not what was written."""


class DivergedError(TrainingError):
    """The loss, a gradient or a weight is not a finite number."""


class StoppedError(TrainingError):
    """A signal asked the run to stop; it is saved and can be resumed."""

    def __init__(self, number: int, update: int, path: Path) -> None:
        stopped = f"stopped by {signal.Signals(number).name} after update {update}, and saved"
        super().__init__(f"{stopped}; go on with `tapehead resume {path}`")
        self.status = 128 + number
