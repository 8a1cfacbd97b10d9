"""Files that are no saved model, or a damaged one: one kind of error, and nothing is loaded."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import Tensor

import tapehead
from tapehead.models.files import SavedModel, write_model
from tests.small_models import KINDS, made

pytestmark = pytest.mark.reliability(8)

MODEL = made("lstm", dtype=torch.float32)
TENSORS = {name: tensor.clone() for name, tensor in MODEL.state_dict().items()}
FIRST, *REST = TENSORS


def written(tensors: dict[str, Tensor], described: object) -> bytes:
    if isinstance(described, dict):
        text = json.dumps(described, sort_keys=True)
        digest = hashlib.sha256(text.encode() + b"\0" + save(tensors)).hexdigest()  # right: all else is looked at
        described = described | {"sha256": digest}
    text = described if isinstance(described, str) else json.dumps(described, sort_keys=True)
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
    "without a checksum": save(TENSORS, {"tapehead": json.dumps(described())}),
    "with another's checksum": save(
        TENSORS, {"tapehead": json.dumps(described() | {"sha256": "0" * 64}, sort_keys=True)}
    ),
    "described in no JSON": written(TENSORS, "{"),
    "described by lists in lists": written(TENSORS, "[" * 100_000),
    "described by a list": written(TENSORS, []),
    "described by a number": written(TENSORS, "3"),
    "described without a model": written(TENSORS, {"config": MODEL.config}),
    "described without a config": written(TENSORS, {"model": "lstm"}),
    "of an unknown model": written(TENSORS, described("lsmt")),
    "of a model that is a number": written(TENSORS, described(3)),
    "of another model": written(TENSORS, described("rnn")),
    "of a config that is a list": written(TENSORS, {"model": "lstm", "config": [1]}),
    "of an option that is unknown": written(TENSORS, described(color="red")),
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


def test_the_folder_of_a_run_is_refused_with_the_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(GOOD)
    with pytest.raises(IsADirectoryError, match=rf"; its model is read by tapehead\.load\('{tmp_path}/weights\.safete"):
        tapehead.load(tmp_path)


@pytest.mark.parametrize("path", [3, None, b"model"], ids=str)
def test_a_model_is_saved_to_a_path(path: object) -> None:
    with pytest.raises(TypeError, match="^path: expected a str or a pathlib.Path, not "):
        MODEL.save(path)


def test_a_pipe_and_a_device_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(OSError, match=f"^path: expected a file saved by tapehead, not '{path}', which is a pipe"):
            tapehead.load(path)


def test_a_path_with_a_nul_character_is_refused() -> None:
    for use in (tapehead.load, MODEL.save):
        with pytest.raises(ValueError, match=r"^path: expected a path without NUL characters, not 'a\\x00b'$"):
            use("a\0b")


def test_a_model_without_weights_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="^save: expected a model with weights, not one on the meta device"):
        tapehead.NTM(3, 2, device="meta").save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_path_is_refused_by_its_name() -> None:
    for use in (tapehead.load, MODEL.save):
        with pytest.raises(ValueError, match="^path: expected the path of a file, not ''$"):
            use("")


@pytest.mark.parametrize(
    ("damage", "reason"), [("empty", "it is empty"), ("zeros", "it is no safetensors file, or a damaged one")]
)
def test_what_is_wrong_with_a_file_is_said_in_plain_words(damage: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(DAMAGED[damage])
    with pytest.raises(ValueError, match=f"'{tmp_path}/model': {reason}$"):
        tapehead.load(tmp_path / "model")


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_refused_by_its_name(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(DAMAGED[damage])
    with pytest.raises(ValueError, match=r"(?s)^path: expected .+, not .+model\.safetensors"):
        tapehead.load(path)


def test_the_undamaged_file_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(GOOD)
    assert tapehead.load(tmp_path / "model.safetensors").config == MODEL.config


@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_file_with_one_changed_byte_is_refused(count: int, tmp_path: Path, record_property: Any) -> None:
    """Bits flipped, bytes replaced, cut out and put in, anywhere in the file; none may come back as another model."""
    record_property("cases", count)
    path, source = tmp_path / "model.safetensors", np.random.default_rng(0)
    for _ in range(count):
        damaged, place = bytearray(GOOD), int(source.integers(len(GOOD)))
        how = source.integers(4)
        if how == 0:
            damaged[place] ^= 1 << int(source.integers(8))
        elif how == 1:
            damaged[place] = (damaged[place] + int(source.integers(1, 256))) % 256
        elif how == 2:
            del damaged[place]
        else:
            damaged.insert(place, int(source.integers(256)))
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="^path: expected a model saved by tapehead"):
            tapehead.load(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_unless_asked_for(value: float, tmp_path: Path) -> None:
    model = made("lstm", dtype=torch.float32)
    with torch.no_grad():
        model.cell.readout.weight[0, 0] = value
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"finite weights, .+ cell\.readout\.weight has infinite or NaN ones"):
        tapehead.load(tmp_path / "model.safetensors")
    loaded = tapehead.load(tmp_path / "model.safetensors", check_finite=False)
    torch.testing.assert_close(loaded.cell.readout.weight, model.cell.readout.weight, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_asks_for_more_layers_than_it_has_tensors_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    model, path = made(kind), tmp_path / "model.safetensors"
    write_model(path, SavedModel(model.saved_as, model.config | {"num_layers": 10**9}, dict(model.state_dict())))
    with pytest.raises(ValueError, match=r"model\.safetensors': num_layers: expected at most its \d+ tensors, not 1"):
        tapehead.load(path)


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
