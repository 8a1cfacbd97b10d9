"""The options of a model are those of its cell: the signature, the documentation and the checks that follow from it."""

from collections.abc import Mapping
from inspect import Parameter, Signature, cleandoc, signature

from torch import nn

from tapehead._arguments import suggest

BATCH_FIRST = Parameter("batch_first", Parameter.KEYWORD_ONLY, default=False, annotation=bool)
BATCH_FIRST_IN_WORDS = "    batch_first: Whether inputs and outputs are (B, T, channels) rather than (T, B, channels)."
EMBEDDING_SIZE = Parameter("embedding_size", Parameter.KEYWORD_ONLY, default=None, annotation=int | None)
EMBEDDING_SIZE_IN_WORDS = """\
    embedding_size: Width of a learned vector for each symbol (torch.nn.Embedding). Inputs are then token ids from 0 to
        input_size - 1, and the cell gets their vectors. None: inputs have input_size channels."""


def model_signature(cell_type: type[nn.Module]) -> Signature:
    """Make the signature of a model's constructor: that of its cell, batch_first and embedding_size."""
    return Signature([*signature(cell_type, eval_str=True).parameters.values(), BATCH_FIRST, EMBEDDING_SIZE])


def model_docstring(own: str | None, cell_type: type[nn.Module]) -> str:
    """Complete a model's docstring by what its cell's class says of the constructor: arguments and errors."""
    declaring = next(kind for kind in cell_type.__mro__ if "__init__" in vars(kind))
    _, _, sections = cleandoc(declaring.__doc__ or "").partition("Args:\n")
    arguments, *rest = sections.split("\n\n")
    described = f"{arguments}\n{BATCH_FIRST_IN_WORDS}\n{EMBEDDING_SIZE_IN_WORDS}"
    return "\n\n".join([cleandoc(own or ""), f"Args:\n{described}", *rest]) + "\n"


def complete_options(model: str, cell_type: type[nn.Module], options: Mapping[str, object]) -> dict[str, object]:
    """Add the defaults to the options of a cell that a caller chose.

    Args:
        model: What the model is called in messages.
        cell_type: The cell whose constructor declares the options.
        options: The options that differ from their defaults.

    Raises:
        TypeError: There is no such option.
    """
    declared = [each for each in signature(cell_type).parameters.values() if each.kind is Parameter.KEYWORD_ONLY]
    names = [BATCH_FIRST.name, EMBEDDING_SIZE.name, *(parameter.name for parameter in declared)]
    for name in options:
        if name not in names:
            raise TypeError(f"{name}: {model} has no option of this name{suggest(name, names)}")
    defaults = {each.name: each.default for each in declared if each.default is not Parameter.empty}
    return {**defaults, **options}
