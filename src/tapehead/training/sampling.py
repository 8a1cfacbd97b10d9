"""Text that a trained language model writes."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tapehead.models import Model
from tapehead.tasks import Text


@torch.no_grad()
def sample_text(
    model: Model, task: Text, prompt: str, characters: int, temperature: float, generator: torch.Generator
) -> Iterator[str]:
    """Let a model read a prompt and go on, a character at a time.

    Args:
        model: A language model, on any device.
        task: Its task.
        prompt: What it reads first, at least one character.
        characters: How many it writes.
        temperature: What the logits are divided by before the softmax; 0: always the likeliest character.
        generator: The source of all randomness, on the CPU.

    Yields:
        One character at a time, `characters` of them.

    Raises:
        ValueError: A character of the prompt does not occur in the text of the task.
    """
    ids, state = torch.tensor(task.encode(prompt)), None
    for _ in range(characters):
        outputs, state = model(_read_ids(model, task, ids), state)
        chosen = _choose(outputs[-1].double().cpu(), temperature, generator)
        yield task.decode([chosen])
        ids = torch.tensor([chosen])


def _read_ids(model: Model, task: Text, ids: Tensor) -> Tensor:
    """Give token ids, (T,), as the model takes them."""
    weight = next(model.parameters())
    if model.embedding is not None:
        return ids.to(weight.device)
    return one_hot(ids, task.input_size).to(weight.device, weight.dtype)


def _choose(logits: Tensor, temperature: float, generator: torch.Generator) -> int:
    """Draw a symbol by its logits."""
    if temperature == 0:
        return int(logits.argmax())
    chances = torch.softmax((logits - logits.max()) / temperature, dim=0)
    return int(torch.multinomial(chances, 1, generator=generator))
