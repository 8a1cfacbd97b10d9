"""One small model of every kind, for the tests that hold for all of them."""

import torch
from torch import Tensor

import tapehead

INPUT_SIZE, OUTPUT_SIZE = 5, 4

LEARNED = {"memory_init": "learned", "head_init": "learned", "read_init": "learned"}

KINDS = {
    "ntm with an lstm": (
        tapehead.NTM,
        dict(controller="lstm", hidden_size=7, num_layers=2, memory_slots=9, memory_width=6, **LEARNED)
        | {"read_heads": 2, "write_heads": 2, "shift_range": 2},
    ),
    "ntm with a feedforward controller": (
        tapehead.NTM,
        {"controller": "feedforward", "hidden_size": 7, "memory_slots": 9, "memory_width": 6, "memory_init": "random"},
    ),
    "ntm addressing by content": (
        tapehead.NTM,
        {"addressing": "content", "hidden_size": 7, "memory_slots": 9, "memory_width": 6, "clip": None},
    ),
    "dnc with an lstm": (
        tapehead.DNC,
        {"hidden_size": 7, "num_layers": 2, "memory_slots": 9, "memory_width": 6, "read_heads": 2, "write_heads": 2}
        | {"memory_init": "learned", "read_init": "learned"},
    ),
    "dnc with a feedforward controller": (
        tapehead.DNC,
        {"controller": "feedforward", "hidden_size": 7, "memory_slots": 9, "memory_width": 6, "clip": None},
    ),
    "dnc with every option": (
        tapehead.DNC,
        {"hidden_size": 7, "memory_slots": 9, "memory_width": 6, "read_heads": 2, "memory_init": "random"}
        | {"masked_content": True, "deallocate": True, "sharpen_links": True, "sparse_links": 4},
    ),
    "lstm": (tapehead.LSTM, {"hidden_size": 7, "num_layers": 2}),
    "rnn": (tapehead.RNN, {"hidden_size": 7, "num_layers": 2}),
}
NTM_KINDS = [kind for kind, (model, _) in KINDS.items() if model is tapehead.NTM]
DNC_KINDS = [kind for kind, (model, _) in KINDS.items() if model is tapehead.DNC]
MEMORY_KINDS = [*NTM_KINDS, *DNC_KINDS]


def made(kind: str, seed: int = 0, dtype: torch.dtype = torch.float64, **changes: object) -> tapehead.models.Model:
    """Make a model of this kind; its learned initial state is far from zero, so that it matters."""
    model_type, config = KINDS[kind]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = model_type(INPUT_SIZE, OUTPUT_SIZE, **(config | changes), dtype=dtype)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if ".initial" in name:
                    parameter.normal_()
    return model


def drawn_inputs(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Random inputs, (*shape, INPUT_SIZE)."""
    return torch.randn(*shape, INPUT_SIZE, generator=torch.Generator().manual_seed(seed), dtype=dtype)
