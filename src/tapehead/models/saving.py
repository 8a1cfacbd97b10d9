"""What a model does with files, folders and the Hugging Face Hub: it is saved as one file everywhere."""

import re
from abc import ABC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self

import torch
from torch import nn

from tapehead._arguments import check_installed
from tapehead._files import write_atomically
from tapehead.models.card import CARD, describe
from tapehead.models.files import WEIGHTS, SavedModel, check_path, find_changed, write_model
from tapehead.models.loading import read_into


class SavableModel(nn.Module, ABC):
    """Is saved with the arguments that made it; to folders and the Hub with the methods of `huggingface_hub`'s mixin.

    Attributes:
        config: The constructor's arguments, defaults included, without backend, device and dtype.
        saved_as: The name of the model in saved files.
    """

    config: dict[str, Any]
    saved_as: ClassVar[str]

    def save(self, path: str | Path) -> None:
        """Write the weights and the constructor's arguments to one safetensors file, for `tapehead.load`.

        Args:
            path: The file to write; written atomically: a crash leaves the old file or the new one.

        Raises:
            TypeError: `path` is no path, or the model is of a class that `load` does not know.
            ValueError: `path` is empty or holds a NUL character, or `load` could not rebuild the model, since it is on
                the meta device, or its submodules or parameters were changed.
            OSError: The file cannot be written.
        """
        path = check_path(path)
        tensors = self.state_dict()
        if any(tensor.is_meta for tensor in tensors.values()):
            raise ValueError("save: expected a model with weights, not one on the meta device, which has none")
        name = self._name_in_files("save")
        changed = find_changed(self, type(self)(**self.config, device="meta"))
        if changed is not None:
            raise ValueError(f"{changed}, which tapehead.load could not rebuild; save the state_dict() instead")
        write_model(path, SavedModel(name, self.config, tensors))

    def save_pretrained(self, save_directory: str | Path) -> None:
        """Write the model to a folder, for `from_pretrained`: its file, and a model card if the folder has none.

        Args:
            save_directory: The folder; made if it is missing.

        Raises:
            TypeError: The folder is no path, or the model is of a class that `from_pretrained` does not know.
            ValueError: The path is empty or holds a NUL character, or the model could not be rebuilt; see `save`.
            OSError: A file cannot be written.
        """
        self._write_folder(check_path(save_directory), str(save_directory))

    def push_to_hub(
        self, repo_id: str, *, private: bool | None = None, commit_message: str = "Upload a model of tapehead"
    ) -> str:
        """Upload the model to the Hugging Face Hub: its file, and a model card if the repository has none.

        Args:
            repo_id: The repository, as `user/copy-ntm`; made if it is missing.
            private: Whether a repository that is made is private; None: as its owner has set it.
            commit_message: The message of the commit.

        Returns:
            The address of the commit.

        Raises:
            ModuleNotFoundError: The package of the extra `hub` is not installed.
            TypeError: The model is of a class that `from_pretrained` does not know.
            ValueError: `repo_id` cannot be the name of a repository, or the model could not be rebuilt; see `save`.
            OSError: The Hub cannot be reached, or does not allow it; `hf auth login` says who you are.
        """
        check_installed("push_to_hub", "hub", "huggingface_hub")
        from huggingface_hub import HfApi  # noqa: PLC0415 - of the extra `hub`

        with TemporaryDirectory() as name:
            folder = Path(name)
            self._write_folder(folder, repo_id)
            hub = HfApi(library_name="tapehead")
            repo_id = hub.create_repo(repo_id, private=private, exist_ok=True).repo_id
            if hub.file_exists(repo_id, CARD):
                (folder / CARD).unlink()
            commit = hub.upload_folder(repo_id=repo_id, folder_path=folder, commit_message=commit_message)
            return str(commit.commit_url)

    @classmethod
    def from_pretrained(
        cls,
        name_or_folder: str | Path,
        *,
        revision: str | None = None,
        backend: str = "auto",
        device: torch.device | str = "cpu",
        check_finite: bool = True,
    ) -> Self:
        """Read a model of this class from a folder, or from a repository of the Hugging Face Hub.

        Args:
            name_or_folder: A folder of `save_pretrained`'s, or the directory of a run; where there is no such folder,
                a repository on the Hub, as `user/copy-ntm`, which is kept in the cache of `huggingface_hub`.
            revision: The branch, tag or commit of the repository; None: its main branch.
            backend: What runs the time steps of an NTM or a DNC.
            device: The device of the model.
            check_finite: Whether weights that are infinite or NaN are an error.

        Raises:
            ModuleNotFoundError: It is no folder, and the package of the extra `hub` is not installed.
            TypeError: An argument is of the wrong type.
            ValueError: It holds no model of this class, or a damaged one, or a weight is not finite; or it cannot be
                the name of a repository; or there is no such backend, or no such device here.
            OSError: The file cannot be read, or the Hub does not have it or cannot be reached.
        """
        models, folder = {cls._name_in_files("from_pretrained"): cls}, check_path(name_or_folder)
        if not folder.is_dir() and (
            folder.is_file() or not re.fullmatch(r"[\w-][\w.-]*(/[\w.-]+)?", str(name_or_folder))
        ):
            hint = "; tapehead.load reads a file" if folder.is_file() else ""
            expected = "expected a folder that is there, or a repository as user/copy-ntm"
            raise ValueError(f"name_or_folder: {expected}, not {str(name_or_folder)!r}{hint}")
        path = folder / WEIGHTS if folder.is_dir() else _download(str(name_or_folder), revision)
        return read_into(models, path, backend=backend, device=device, check_finite=check_finite)

    @classmethod
    def _name_in_files(cls, method: str) -> str:
        """Give the name of this class in saved files.

        Raises:
            TypeError: It has none of its own.
        """
        name: str | None = vars(cls).get("saved_as")
        if name is None:
            expected = f"{method}: expected a model that tapehead.load can rebuild, not {cls.__name__}"
            raise TypeError(f"{expected}; save and load its state_dict()")
        return name

    def _write_folder(self, folder: Path, name: str) -> None:
        """Write the model's file and its card, by the name under which `from_pretrained` will find it."""
        folder.mkdir(parents=True, exist_ok=True)
        self.save(folder / WEIGHTS)
        if not (folder / CARD).exists():
            count = sum(parameter.numel() for parameter in self.parameters())
            write_atomically(folder / CARD, describe(type(self), self.config, count, name).encode())


def _download(repo_id: str, revision: str | None) -> Path:
    """Find a model's file in the cache of `huggingface_hub`, which gets it from the Hub if it is not there."""
    check_installed(f"from_pretrained: {repo_id!r} is no folder, and reading from the Hub", "hub", "huggingface_hub")
    from huggingface_hub import hf_hub_download  # noqa: PLC0415 - of the extra `hub`

    return Path(hf_hub_download(repo_id, WEIGHTS, revision=revision, library_name="tapehead"))
