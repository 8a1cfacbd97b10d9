"""The model card of a saved model: what people, and the Hub, read of it first."""

from collections.abc import Mapping
from inspect import getdoc
from typing import Any

from torch import nn

CARD = "README.md"

TEMPLATE = """\
---
library_name: tapehead
tags:
- pytorch
- {tag}
---

# {kind}

{summary}

A model of the Python package tapehead, with {parameters:,} parameters. Its outputs are logits.

```python
import tapehead  # pip install 'tapehead[hub]'

model = tapehead.{kind}.from_pretrained({name!r})
outputs, state = model(inputs)
```

| option | value |
| --- | --- |
{options}
"""


def describe(kind: type[nn.Module], config: Mapping[str, Any], parameters: int, name: str) -> str:
    """Write a model card.

    Args:
        kind: The class of the model.
        config: The arguments that make it.
        parameters: How many it has.
        name: Under which `from_pretrained` finds it.
    """
    summary = (getdoc(kind) or "").partition("\n")[0]
    options = "\n".join(f"| `{option}` | `{value!r}` |" for option, value in config.items())
    return TEMPLATE.format(
        tag=kind.__name__.lower(),
        kind=kind.__name__,
        summary=summary,
        parameters=parameters,
        name=name,
        options=options,
    )
