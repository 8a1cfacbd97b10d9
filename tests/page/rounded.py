"""The networks of the page in Python: those of the package with the page's rounded weights."""

from functools import cache

import torch

import tapehead
from page.export_weights import find_parts, round_network


@cache
def rounded_network(name: str, dtype: torch.dtype = torch.float64) -> tapehead.NTM:
    model = tapehead.pretrained(name)
    matrices = {matrix: torch.from_numpy(rounded.weights) for matrix, rounded in round_network(model).items()}
    model = model.to(dtype)
    tensors = model.cell.state_dict()
    for matrix, part in find_parts(model).items():
        tensors[part.tensor][..., part.columns].copy_(matrices[matrix].squeeze(0))
    return model
