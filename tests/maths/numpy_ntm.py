"""One step of a Neural Turing Machine in plain NumPy, written a second time, from the equations alone.

Nothing here knows the library. One sequence at a time, one head at a time, one slot at a time: slow, and so plain
that it can be held against the published equations by eye. The library is tested against this file, never the other
way round.

Layout of the head layer's output: keys, strengths, gates, shifts, sharpenings, erases, adds; within each part the
heads follow one another, read heads first. Erases and adds exist for write heads only. With content addressing there
are no gates, shifts and sharpenings.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SMALLEST_NORM = 1e-8  # below it a vector's length counts as this much, so that a zero vector has cosine 0


@dataclass(frozen=True)
class Sizes:
    """The sizes and options of a model."""

    input_size: int
    output_size: int
    controller: str
    hidden_size: int
    num_layers: int
    memory_slots: int
    memory_width: int
    read_heads: int
    write_heads: int
    shift_range: int
    addressing: str
    clip: float | None

    @property
    def heads(self) -> int:
        """All heads, read heads first."""
        return self.read_heads + self.write_heads

    @property
    def offsets(self) -> int:
        """How many shifts a head can choose from."""
        return 2 * self.shift_range + 1

    @property
    def controller_inputs(self) -> int:
        """Width of the input and the vectors read one step before, together."""
        return self.input_size + self.read_heads * self.memory_width

    @property
    def head_outputs(self) -> int:
        """Width of the head layer's output."""
        per_head = self.memory_width + 1
        if self.addressing == "content_and_location":
            per_head += 1 + self.offsets + 1
        return self.heads * per_head + self.write_heads * 2 * self.memory_width


@dataclass(frozen=True)
class Weights:
    """Every weight of one step. A layer's matrix is (outputs, inputs); a controller layer sees [below; its own h]."""

    controller: tuple[tuple[Array, Array], ...]  # lstm: (4D, in + D), (4D,) per layer; feedforward: (D, in), (D,)
    head: tuple[Array, Array]
    output: tuple[Array, Array]


@dataclass(frozen=True)
class State:
    """What one sequence carries from a step to the next. Hidden and cell stay empty for a feedforward controller."""

    memory: Array  # (N, W)
    read_weightings: Array  # (R, N)
    write_weightings: Array  # (H, N)
    reads: Array  # (R, W)
    hidden: Array  # (L, D)
    cell: Array  # (L, D)


@dataclass(frozen=True)
class Head:
    """The parameters of one head at one step."""

    key: Array
    strength: float
    gate: float | None
    shift: Array | None
    sharpening: float | None
    erase: Array | None
    add: Array | None


def sigmoid(x: Array | float) -> Array:
    """1 / (1 + e^-x), without overflow at either end."""
    return np.where(np.asarray(x) >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def softplus(x: Array | float) -> Array:
    """log(1 + e^x), without overflow."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def softmax(x: Array) -> Array:
    """e^x over its sum."""
    exponentials = np.exp(x - x.max())
    return exponentials / exponentials.sum()


def clipped(x: Array, clip: float | None) -> Array:
    """Keep x in [-clip, clip]."""
    return x if clip is None else np.minimum(np.maximum(x, -clip), clip)


def cosine(u: Array, v: Array) -> float:
    """The cosine of the angle between u and v; 0 when one of them is zero."""
    lengths = [max(float(np.sqrt(np.sum(x * x))), SMALLEST_NORM) for x in (u, v)]
    return float(np.sum(u * v)) / (lengths[0] * lengths[1])


def content_weighting(memory: Array, key: Array, strength: float) -> Array:
    """w^c = softmax over slots i of strength * cos(key, M(i))."""
    return softmax(np.array([strength * cosine(key, row) for row in memory]))


def interpolated(content: Array, previous: Array, gate: float) -> Array:
    """w^g = g w^c + (1 - g) w_{t-1}."""
    return gate * content + (1 - gate) * previous


def shifted(weighting: Array, shift: Array) -> Array:
    """w~(i) = sum over j of w^g(j) s(i - j mod N); the distribution's first entry is for the offset -shift_range.

    The distribution may have more entries than the memory has slots; those for the same offset modulo N then add up.
    """
    slots, shift_range = len(weighting), (len(shift) - 1) // 2
    result = np.zeros(slots)
    for j in range(slots):
        for entry, probability in enumerate(shift):
            offset = entry - shift_range
            result[(j + offset) % slots] += weighting[j] * probability
    return result


def sharpened(weighting: Array, sharpening: float) -> Array:
    """w(i) = w~(i)^gamma over its sum."""
    powers = weighting**sharpening
    return powers / powers.sum()


def read(memory: Array, weighting: Array) -> Array:
    """r = sum over i of w(i) M(i)."""
    result = np.zeros(memory.shape[1])
    for i in range(len(memory)):
        result += weighting[i] * memory[i]
    return result


def written(memory: Array, weighting: Array, erase: Array, add: Array) -> Array:
    """M(i) <- M(i) * (1 - w(i) e) + w(i) a."""
    result = np.zeros_like(memory)
    for i in range(len(memory)):
        result[i] = memory[i] * (1 - weighting[i] * erase) + weighting[i] * add
    return result


def lstm_layer(below: Array, hidden: Array, cell: Array, weight: Array, bias: Array) -> tuple[Array, Array]:
    """One layer of an LSTM with the gates in the order input, forget, candidate, output."""
    units = len(hidden)
    gates = weight @ np.concatenate([below, hidden]) + bias
    enter, forget = sigmoid(gates[:units]), sigmoid(gates[units : 2 * units])
    candidate, leave = np.tanh(gates[2 * units : 3 * units]), sigmoid(gates[3 * units :])
    cell = forget * cell + enter * candidate
    return leave * np.tanh(cell), cell


def controlled(weights: Weights, sizes: Sizes, x: Array, state: State) -> tuple[Array, Array, Array]:
    """The controller's output h_t, and its own state after the step: (D,), (L, D), (L, D)."""
    below = np.concatenate([x, *state.reads])
    if sizes.controller == "feedforward":
        weight, bias = weights.controller[0]
        return np.tanh(weight @ below + bias), state.hidden, state.cell
    hidden, cell = state.hidden.copy(), state.cell.copy()
    for layer, (weight, bias) in enumerate(weights.controller):
        hidden[layer], cell[layer] = lstm_layer(below, state.hidden[layer], state.cell[layer], weight, bias)
        below = hidden[layer]
    return below, hidden, cell


def instructions(raw: Array, sizes: Sizes) -> list[Head]:
    """Cut the head layer's (clipped) output into the parameters of each head, read heads first."""
    rest = list(raw)

    def take(count: int) -> Array:
        taken = np.array(rest[:count])
        del rest[:count]
        return taken

    heads, located = range(sizes.heads), sizes.addressing == "content_and_location"
    keys = [np.tanh(take(sizes.memory_width)) for _ in heads]
    strengths = [float(softplus(take(1)[0])) for _ in heads]
    gates = [float(sigmoid(take(1)[0])) if located else None for _ in heads]
    shifts = [softmax(take(sizes.offsets)) if located else None for _ in heads]
    sharpenings = [1 + float(softplus(take(1)[0])) if located else None for _ in heads]
    erases = [None] * sizes.read_heads + [sigmoid(take(sizes.memory_width)) for _ in range(sizes.write_heads)]
    adds = [None] * sizes.read_heads + [np.tanh(take(sizes.memory_width)) for _ in range(sizes.write_heads)]
    assert not rest
    return [Head(*parts) for parts in zip(keys, strengths, gates, shifts, sharpenings, erases, adds, strict=True)]


def addressed(memory: Array, previous: Array, head: Head) -> Array:
    """Where a head looks now, (N,)."""
    weighting = content_weighting(memory, head.key, head.strength)
    if head.gate is None:
        return weighting
    return sharpened(shifted(interpolated(weighting, previous, head.gate), head.shift), head.sharpening)


def step(weights: Weights, sizes: Sizes, x: Array, state: State) -> tuple[Array, State]:
    """One whole step for one sequence: the output's logits (O,), and the state after it."""
    h, hidden, cell = controlled(weights, sizes, x, state)

    head_weight, head_bias = weights.head
    heads = instructions(clipped(head_weight @ h + head_bias, sizes.clip), sizes)
    readers, writers = heads[: sizes.read_heads], heads[sizes.read_heads :]

    # Every head looks at the memory as the last step left it.
    looks = [addressed(state.memory, state.read_weightings[n], head) for n, head in enumerate(readers)]
    marks = [addressed(state.memory, state.write_weightings[n], head) for n, head in enumerate(writers)]

    reads = [read(state.memory, weighting) for weighting in looks]
    memory = state.memory
    for weighting, head in zip(marks, writers, strict=True):
        memory = written(memory, weighting, head.erase, head.add)

    output_weight, output_bias = weights.output
    y = clipped(output_weight @ np.concatenate([h, *reads]) + output_bias, sizes.clip)
    return y, State(memory, np.stack(looks), np.stack(marks), np.stack(reads), hidden, cell)


def initial_memory(sizes: Sizes, memory_init: str, parameter: Array | None = None) -> Array:
    """M_0 before the first step, (N, W). `learned` and `random` start from the model's own parameter."""
    if memory_init == "constant":
        return np.full((sizes.memory_slots, sizes.memory_width), 1e-6)
    if memory_init == "learned":
        return np.tanh(parameter)
    return np.array(parameter)


def initial_weighting(sizes: Sizes, head_init: str, parameter: Array | None = None) -> Array:
    """w_0 of one head, (N,)."""
    if head_init == "onehot":
        return np.eye(sizes.memory_slots)[0]
    if head_init == "uniform":
        return np.full(sizes.memory_slots, 1 / sizes.memory_slots)
    return softmax(parameter)


def initial_read(sizes: Sizes, read_init: str, parameter: Array | None = None) -> Array:
    """r_0 of one read head, (W,)."""
    return np.zeros(sizes.memory_width) if read_init == "zero" else np.tanh(parameter)
