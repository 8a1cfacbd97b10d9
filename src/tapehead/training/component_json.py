"""Components as run.json holds them: a name, and every option."""

from typing import Any

from tapehead.training.components import Component, known_options

ADDED_LATER: dict[str, dict[str, Any]] = {"model": {"embedding_size": None}}
"""By the kind of component, options that run.json leaves out where they have this value, which is their default.

They were added after runs had been recorded without them; so the same run is still written in the same way.
"""


def write_component(kind: str, component: Component) -> dict[str, Any]:
    """Give a component as what JSON can hold; what ADDED_LATER lists is left out."""
    later = _added_later(kind, component.name)
    written = {
        option: to_lists(value)
        for option, value in component.options.items()
        if option not in later or value != later[option]
    }
    return {"name": component.name, "options": written}


def read_component(kind: str, described: object) -> Component:
    """Read a component as `write_component` gives it.

    Raises:
        TypeError: It is of another form.
        ValueError: The name is not known, or an option is missing.
    """
    if not isinstance(described, dict) or described.keys() != {"name", "options"}:
        raise TypeError(f"{kind}: expected an object with a name and options, not {described!r}")
    name, options = described["name"], described["options"]
    if not isinstance(options, dict):
        raise TypeError(f"{kind}: expected options to be an object, not {options!r}")
    known = known_options(kind, name)
    missing = sorted(known.keys() - options.keys() - _added_later(kind, name).keys())
    if missing:
        raise ValueError(f"{kind}: expected an option {missing[0]!r} of {name}, which is missing")
    return Component(name, options)


def _added_later(kind: str, name: str) -> dict[str, Any]:
    """Give what ADDED_LATER lists of a component; one of one's own may have another default, and is always written."""
    known = known_options(kind, name)
    return {
        option: default
        for option, default in ADDED_LATER.get(kind, {}).items()
        if option in known and known[option].default == default
    }


def to_lists(value: Any) -> Any:
    """Give an option's value as JSON gives it back: a tuple is a list."""
    return list(map(to_lists, value)) if isinstance(value, tuple) else value
