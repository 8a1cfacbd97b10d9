"""Files that are no saved model, or a damaged one: one kind of error, and nothing is loaded."""

import json
from collections.abc import Callable
from pathlib import Path

import jaxtyping
import pytest
import torch
from safetensors.torch import save
from torch import Tensor

import tapehead
from tests.small_models import made

MODEL = made("lstm", dtype=torch.float32)
TENSORS = {name: tensor.clone() for name, tensor in MODEL.state_dict().items()}
FIRST, *REST = TENSORS


def written(tensors: dict[str, Tensor], described: object) -> bytes:
    text = described if isinstance(described, str) else json.dumps(described)
    return save(tensors, {"tapehead": text})


def described(model: object = "lstm", **changes: object) -> dict[str, object]:
    return {"model": model, "config": {**MODEL.config, **changes}}


GOOD = written(TENSORS, described())

DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "some text": b"no model at all",
    "zeros": bytes(10_000),
    "cut in its weights": GOOD[:-10],
    "cut in its header": GOOD[:60],
    "longer than it says": GOOD + b"more",
    "another library's": save(TENSORS),
    "described in no JSON": written(TENSORS, "{"),
    "described by a list": written(TENSORS, []),
    "described by a number": written(TENSORS, "3"),
    "described without a model": written(TENSORS, {"config": MODEL.config}),
    "described without a config": written(TENSORS, {"model": "lstm"}),
    "of an unknown model": written(TENSORS, described("lsmt")),
    "of a model that is a number": written(TENSORS, described(3)),
    "of another model": written(TENSORS, described("rnn")),
    "of a config that is a list": written(TENSORS, {"model": "lstm", "config": [1]}),
    "of an option that is unknown": written(TENSORS, described(colour="red")),
    "of a size that is too small": written(TENSORS, described(hidden_size=-1)),
    "of a size that is no number": written(TENSORS, described(hidden_size="7")),
    "of a size that is far too large": written(TENSORS, described(hidden_size=10**12)),
    "of another size": written(TENSORS, described(hidden_size=8)),
    "without weights": written({}, described()),
    "without one weight": written({name: TENSORS[name] for name in REST}, described()),
    "with a weight too many": written({**TENSORS, "more": torch.ones(1)}, described()),
    "with whole numbers for weights": written({name: tensor.long() for name, tensor in TENSORS.items()}, described()),
    "with weights of two types": written({**TENSORS, FIRST: TENSORS[FIRST].double()}, described()),
}


@pytest.fixture(autouse=True)
def as_users_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off the checks that only the tests put into the signatures."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def test_a_folder_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(
        IsADirectoryError, match="path: expected a file saved by tapehead, not the folder .*test_a_folder"
    ):
        tapehead.load(tmp_path)


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_refused_by_its_name(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(DAMAGED[damage])
    with pytest.raises(ValueError, match=r"(?s)^path: expected .+, not .+model\.safetensors"):
        tapehead.load(path)


def test_the_undamaged_file_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(GOOD)
    assert tapehead.load(tmp_path / "model.safetensors").config == MODEL.config


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
            return Path.touch, (tmp_path / "exploded",)

    torch.save(Bomb(), tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="expected a model saved by tapehead"):
        tapehead.load(tmp_path / "model.safetensors")
    assert not (tmp_path / "exploded").exists()


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.safetensors"):
        tapehead.load(tmp_path / "absent.safetensors")


@pytest.mark.parametrize("path", [3, None, b"model", ["model"]], ids=str)
def test_a_path_must_be_one(path: object) -> None:
    with pytest.raises(TypeError, match="^path: expected .+, not .+"):
        tapehead.load(path)


@pytest.mark.parametrize(
    ("argument", "value"), [("backend", "cpuu"), ("backend", None), ("device", "cua"), ("device", 1.5)]
)
def test_where_and_on_what_to_run_must_exist(argument: str, value: object, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(GOOD)
    with pytest.raises((TypeError, ValueError), match=f"^{argument}: expected .+, not .+"):
        tapehead.load(tmp_path / "model.safetensors", **{argument: value})
