"""An extension of griffe: the API reference shows the models' options, which a class gets when it is defined."""

import inspect
from typing import Any

from griffe import Docstring, Extension, Module, Parameter, ParameterKind, Parameters

from tapehead import DNC, LSTM, NTM, RNN

KINDS = {kind.name.lower(): kind for kind in ParameterKind}


class ModelSignatures(Extension):  # type: ignore[misc]  # griffe need not be installed
    """Gives every model the signature and the docstring that it has at run time."""

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """Replace what griffe read in the files of tapehead."""
        for model in (NTM, DNC, LSTM, RNN):
            read = pkg[f"{model.__module__}.{model.__name__}".removeprefix(f"{pkg.name}.")]
            read.docstring = Docstring(inspect.getdoc(model) or "", parent=read)
            own = inspect.signature(model).parameters.values()
            read["__init__"].parameters = Parameters(*map(_describe, own))


def _describe(parameter: inspect.Parameter) -> Parameter:
    optional = parameter.default is not inspect.Parameter.empty
    return Parameter(
        parameter.name,
        annotation=inspect.formatannotation(parameter.annotation),
        kind=KINDS[parameter.kind.name.lower()],
        default=repr(parameter.default) if optional else None,
    )
