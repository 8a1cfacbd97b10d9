"""Copy: its two encodings."""

import numpy as np
import torch

from tapehead.tasks import Copy
from tests.tasks.every import sampled


def test_only_the_delimiter_differs_between_the_encodings():
    graves, collier = (
        sampled(Copy(encoding=encoding), [(3,), (5,)]) for encoding in ("graves2014", "collier2018")
    )  # fmt: skip
    rows, sequences = np.nonzero(graves.inputs[:, :, 8].numpy())
    assert list(zip(rows, sequences, strict=True)) == [(3, 0), (5, 1)]
    collier.inputs[rows, sequences, :8] = 0
    assert torch.equal(graves.inputs, collier.inputs)
    assert torch.equal(graves.targets, collier.targets)
