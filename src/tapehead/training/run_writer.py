"""Writing the files of a run while it is trained."""

from pathlib import Path
from typing import Any, final

from torch import Tensor

from tapehead.models import Model
from tapehead.training.checkpoints import Checkpoint
from tapehead.training.metrics_log import MetricsLog
from tapehead.training.restore import write_result
from tapehead.training.run_dir import save_checkpoint, save_weights
from tapehead.training.train_state import Result


@final
class RunWriter:
    """Writes the files of a run; of several processes that train it together, only the first one's writes anything.

    Args:
        path: The run directory.
        log: Its metrics; None: nothing is written.
    """

    def __init__(self, path: Path, log: MetricsLog | None) -> None:
        self.path, self.log = path, log

    def write_metrics(self, row: dict[str, Any], seconds: float) -> None:
        """Add an evaluation to the learning curve."""
        if self.log is not None:
            self.log.write(row, seconds)

    def save(self, step: int, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Write a checkpoint, and the metrics up to it."""
        if self.log is not None:
            save_checkpoint(self.path, Checkpoint(step, tensors, state | {"metrics": self.log.flush()}))

    def finish(self, model: Model, result: Result, data_digest: str | None) -> None:
        """Write the trained weights, then the result: its file marks the run as finished."""
        if self.log is not None:
            save_weights(self.path, model)
            write_result(self.path, result, self.log.flush()["sha256"], data_digest)
