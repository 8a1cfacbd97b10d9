"""Models in folders and on the Hugging Face Hub: what is saved there comes back, with a card that says what it is."""

import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

import tapehead
from tapehead.models.card import CARD
from tapehead.models.files import WEIGHTS
from tapehead.pretrained import find_pretrained
from tests.hub import name_commit, running_hub
from tests.processes import elsewhere
from tests.small_models import KINDS, made
from tests.test_models_saved import assert_twins
from tests.tree import run_python

REPOSITORY = "user/small-ntm"
KIND = "ntm with an lstm"

MISSING = find_spec("huggingface_hub") is None
without_it = pytest.mark.skipif(MISSING, reason="the extra `hub` is not installed; `make test-extras` installs it")


# Folders


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_comes_back_from_its_folder(kind: str, tmp_path: Path) -> None:
    model = made(kind)
    model.save_pretrained(tmp_path / "new" / "folder")
    assert_twins(type(model).from_pretrained(tmp_path / "new" / "folder"), model)
    assert_twins(type(model).from_pretrained(str(tmp_path / "new" / "folder")), model)


def test_the_directory_of_a_run_is_such_a_folder() -> None:
    model, same = tapehead.NTM.from_pretrained(find_pretrained("copy-ntm")), tapehead.pretrained("copy-ntm")
    assert model.config == same.config
    assert all(torch.equal(tensor, same.state_dict()[name]) for name, tensor in model.state_dict().items())


def test_the_card_says_what_the_model_is_and_how_it_is_read(tmp_path: Path) -> None:
    made(KIND).save_pretrained(tmp_path / "small")
    card = (tmp_path / "small" / CARD).read_text()
    assert "\n---\n\n# NTM\n\nNeural Turing Machine (Graves, Wayne, Danihelka 2014)" in card
    assert "| `memory_slots` | `9` |" in card
    (code,) = re.findall(r"```python\n(.*?)outputs", card, re.DOTALL)
    assert run_python(f"{code}print(model.config)") == f"{made(KIND).config}\n"


def test_a_card_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / CARD).write_text("mine")
    made(KIND).save_pretrained(tmp_path)
    assert (tmp_path / CARD).read_text() == "mine"


def test_a_model_of_another_class_is_not_read_as_this_one(tmp_path: Path) -> None:
    made("lstm").save_pretrained(tmp_path)
    expected = r"^path: expected a model saved by tapehead, not .*: model: expected one of 'ntm', not 'lstm'"
    with pytest.raises(ValueError, match=expected):
        tapehead.NTM.from_pretrained(tmp_path)


def test_a_class_that_cannot_be_saved_cannot_be_read(tmp_path: Path) -> None:
    class Other(tapehead.NTM):
        """A subclass."""

    expected = r"^from_pretrained: expected a model that tapehead\.load can rebuild, not Other"
    with pytest.raises(TypeError, match=expected):
        Other.from_pretrained(tmp_path)


def test_a_folder_without_a_model_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=WEIGHTS):
        tapehead.NTM.from_pretrained(tmp_path)


def test_without_the_extra_it_is_said_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tapehead._arguments.find_spec", lambda module: None)
    with pytest.raises(ModuleNotFoundError, match=r"^from_pretrained: 'user/none' is no folder, .*'tapehead\[hub\]'$"):
        tapehead.NTM.from_pretrained("user/none")
    with pytest.raises(ModuleNotFoundError, match=r"^push_to_hub needs .*: pip install 'tapehead\[hub\]'$"):
        made(KIND).push_to_hub("user/none")
    with pytest.raises(ModuleNotFoundError, match=r"^export_onnx needs onnx and onnxscript, .*'tapehead\[onnx\]'$"):
        tapehead.export_onnx(made(KIND), tmp_path / "model.onnx")


# The Hub: a stand-in for it on this computer, which `huggingface_hub` itself talks to


def use_hub(url: str, cache: Path, **settings: str) -> None:
    """Tell `huggingface_hub`, which this process has not imported yet, where to go and where to keep files."""
    os.environ |= {"HF_ENDPOINT": url, "HF_HOME": str(cache), "HF_HUB_DISABLE_PROGRESS_BARS": "1", **settings}


def push(url: str, cache: Path, seed: int, private: bool) -> str:
    use_hub(url, cache)
    return made(KIND, seed=seed).push_to_hub(REPOSITORY, private=private)


def compare_with_pulled(url: str, cache: Path, seed: int, revision: str | None, offline: bool) -> None:
    use_hub(url, cache, **({"HF_HUB_OFFLINE": "1"} if offline else {}))
    assert_twins(tapehead.NTM.from_pretrained(REPOSITORY, revision=revision), made(KIND, seed=seed))


@pytest.mark.extras
@without_it
def test_a_model_goes_to_the_hub_and_comes_back_in_each_version_and_from_the_cache(tmp_path: Path) -> None:
    with running_hub() as hub:
        address = elsewhere(push, hub.url, tmp_path, 1, True)
        assert address == f"{hub.url}/{REPOSITORY}/commit/{name_commit(REPOSITORY, 1)}"
        assert hub.visibility == {REPOSITORY: "private"}
        assert hub.commits[REPOSITORY][-1].keys() == {WEIGHTS, CARD}
        assert f"from_pretrained('{REPOSITORY}')" in hub.commits[REPOSITORY][-1][CARD].decode()
        elsewhere(compare_with_pulled, hub.url, tmp_path, 1, None, False)
        hub.commits[REPOSITORY][-1][CARD] = b"written by its owner"
        elsewhere(push, hub.url, tmp_path, 2, True)
        assert hub.commits[REPOSITORY][-1][CARD] == b"written by its owner"
        elsewhere(compare_with_pulled, hub.url, tmp_path, 2, None, False)
        elsewhere(compare_with_pulled, hub.url, tmp_path, 1, name_commit(REPOSITORY, 1), False)
        hub.requests.clear()
        elsewhere(compare_with_pulled, hub.url, tmp_path, 2, None, True)
        assert hub.requests == []


def say_what_is_wrong(url: str, cache: Path) -> None:
    use_hub(url, cache)
    with pytest.raises(OSError, match="user/none"):
        tapehead.NTM.from_pretrained("user/none")
    with pytest.raises(ValueError, match="not/a/name"):
        tapehead.NTM.from_pretrained("not/a/name")


@pytest.mark.extras
@without_it
def test_what_the_hub_does_not_have_is_named(tmp_path: Path) -> None:
    with running_hub() as hub:
        elsewhere(say_what_is_wrong, hub.url, tmp_path)


def read_the_card(folder: Path) -> None:
    from huggingface_hub import ModelCard

    made(KIND).save_pretrained(folder)
    data = ModelCard.load(folder / CARD).data
    assert (data.library_name, data.tags) == ("tapehead", ["pytorch", "ntm"])


@pytest.mark.extras
@without_it
def test_the_hub_understands_the_card(tmp_path: Path) -> None:
    elsewhere(read_the_card, tmp_path)
