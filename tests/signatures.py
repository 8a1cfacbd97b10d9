"""Checks every type and shape in the package's signatures, of every call made while the tests run."""

from typing import Annotated, Any, Generic, Self, get_origin

from beartype import BeartypeConf, FrozenDict, beartype
from beartype.vale import IsInstance

# An int may stand for a float, as it may for mypy. Self is left to mypy: methods come here without their class.
CONFIGURATION = BeartypeConf(is_pep484_tower=True, hint_overrides=FrozenDict({Self: object}))


def check(target: Any) -> Any:
    """Check a function's arguments and result whenever it is called."""
    if not isinstance(target, type):
        target.__annotations__ = {name: _without_parameters(hint) for name, hint in target.__annotations__.items()}
    return beartype(conf=CONFIGURATION)(target)


def _without_parameters(hint: Any) -> Any:
    """Ask of a generic NamedTuple, which beartype does not know, only that it is one."""
    kind = get_origin(hint) or hint
    generic = isinstance(kind, type) and issubclass(kind, tuple) and issubclass(kind, Generic)
    return Annotated[object, IsInstance[kind]] if generic else hint
