"""A learned vector for each symbol, in front of a cell."""

from typing import Any

import torch
from torch import Tensor, nn

from tapehead._arguments import check_count
from tapehead.cells.cell import check_dense


def make_embedding(input_size: int, embedding_size: int | None, options: dict[str, Any]) -> nn.Embedding | None:
    """Make the embedding of a model, where it has one.

    Args:
        input_size: The number of symbols.
        embedding_size: The width of their vectors.
        options: Those of the cell, of which dtype and device are its too.
    """
    if embedding_size is None:
        return None
    check_count("input_size", input_size)
    check_count("embedding_size", embedding_size)
    return nn.Embedding(input_size, embedding_size, device=options.get("device"), dtype=options.get("dtype"))


def embed(embedding: nn.Embedding, ids: Tensor, axes: tuple[str, str]) -> Tensor:
    """Look up the vectors of token ids, (..., E).

    Args:
        embedding: Of the model.
        ids: A sequence of token ids, or a batch of them.
        axes: The names of the axes of a batch.

    Raises:
        TypeError: The ids are not a tensor of torch.int64.
        ValueError: They are of the wrong shape, out of range, or on another device.
    """
    _check_ids(embedding, ids, axes)
    vectors: Tensor = embedding(ids)
    return vectors


def _check_ids(embedding: nn.Embedding, ids: object, axes: tuple[str, str]) -> None:
    """Raise unless these are token ids of an embedding."""
    symbols, device = embedding.num_embeddings, embedding.weight.device
    expected = f"inputs: expected token ids from 0 to {symbols - 1}, torch.int64 of shape ({', '.join(axes)}) or (T,)"
    if not isinstance(ids, Tensor):
        raise TypeError(f"{expected}, not {type(ids).__name__}")
    check_dense("inputs", ids)
    if ids.dtype != torch.int64:
        raise TypeError(f"{expected}, not {ids.dtype}")
    if ids.dim() not in (1, 2):
        raise ValueError(f"{expected}, not of shape {tuple(ids.shape)}")
    if ids.device != device:
        raise ValueError(f"inputs: expected a tensor on {device}, where the parameters are, not on {ids.device}")
    if ids.device.type != "cpu" or ids.numel() == 0 or torch.compiler.is_compiling():
        return  # the lookup checks for itself, without a wait for the device
    if int(ids.min()) < 0 or int(ids.max()) >= symbols:
        raise ValueError(f"{expected}, not from {int(ids.min())} to {int(ids.max())}")
