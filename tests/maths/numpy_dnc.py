"""One step of a Differentiable Neural Computer in plain NumPy, written a second time, from the equations alone.

Nothing here knows the library. One sequence at a time, one head at a time, one slot at a time, as `numpy_ntm`, whose
controller and cosine these are too. The library is tested against this file, never the other way round.

Layout of the interface layer's output: read keys, read strengths, write keys, write strengths, erases, writes, free
gates, allocation gates, write gates, read modes; then read masks and write masks, where content is masked; then
sharpnesses forward and backward, where links are sharpened. Within each part the heads follow one another. A read
head's modes are one backward a write head, one for content, one forward a write head; so are its sharpnesses.
"""

from dataclasses import dataclass

import numpy as np

from tests.maths.numpy_ntm import Array, clipped, controlled, cosine, read, sigmoid, softmax, softplus

MASK_FLOOR = 0.1  # what a mask lets through at least
RESOLUTION = 65536  # slots that differ by less than about one part in this many count as equal where they are ordered
LINK_FLOOR = 1e-6  # added to what the links say before it is sharpened


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
    clip: float | None
    masked_content: bool
    deallocate: bool
    sharpen_links: bool
    sparse_links: int | None

    @property
    def controller_inputs(self) -> int:
        """Width of the input and the vectors read one step before, together."""
        return self.input_size + self.read_heads * self.memory_width

    @property
    def interface_outputs(self) -> int:
        """Width of the interface layer's output; W R + 3 W + 5 R + 3 for one write head and no options."""
        R, H, W = self.read_heads, self.write_heads, self.memory_width
        usual = R * (W + 1) + H * (W + 1 + 2 * W) + R + 2 * H + R * (2 * H + 1)
        return usual + self.masked_content * (R + H) * W + self.sharpen_links * 2 * R * H


@dataclass(frozen=True)
class Weights:
    """Every weight of one step. A layer's matrix is (outputs, inputs); a controller layer sees [below; its own h]."""

    controller: tuple[tuple[Array, Array], ...]  # lstm: (4D, in + D), (4D,) per layer; feedforward: (D, in), (D,)
    interface: tuple[Array, Array]
    output: tuple[Array, Array]


@dataclass(frozen=True)
class State:
    """What one sequence carries from a step to the next. Hidden and cell stay empty for a feedforward controller."""

    memory: Array  # (N, W)
    usage: Array  # (N,)
    read_weightings: Array  # (R, N)
    write_weightings: Array  # (H, N)
    precedence: Array  # (H, N)
    links: Array  # (H, N, N)
    reads: Array  # (R, W)
    hidden: Array  # (L, D)
    cell: Array  # (L, D)


@dataclass(frozen=True)
class Interface:
    """What the controller tells the heads at one step; a list has an entry a head."""

    read_keys: list[Array]
    read_strengths: list[float]
    write_keys: list[Array]
    write_strengths: list[float]
    erases: list[Array]
    writes: list[Array]
    free_gates: list[float]
    allocation_gates: list[float]
    write_gates: list[float]
    read_modes: list[Array]
    read_masks: list[Array]
    write_masks: list[Array]
    forward_sharpnesses: list[list[float]]
    backward_sharpnesses: list[list[float]]


def oneplus(x: float) -> float:
    """1 + log(1 + e^x)."""
    return 1 + float(softplus(x))


def masked_content_weighting(memory: Array, key: Array, strength: float, mask: Array) -> Array:
    """c = softmax over slots i of strength * cos(key * mask, M(i) * mask)."""
    return softmax(np.array([strength * cosine(key * mask, row * mask) for row in memory]))


def retention(read_weightings: Array, free_gates: list[float]) -> Array:
    """psi(i) = product over read heads of 1 - f w(i)."""
    result = np.ones(read_weightings.shape[1])
    for weighting, gate in zip(read_weightings, free_gates, strict=True):
        result *= 1 - gate * weighting
    return result


def used(usage: Array, write_weightings: Array, retained: Array) -> Array:
    """u <- (u + w - u w) psi, taking up every write head's w in turn before what is freed is freed."""
    for weighting in write_weightings:
        usage = usage + weighting - usage * weighting
    return usage * retained


def allocation(usage: Array) -> Array:
    """a[phi_j] = (1 - u[phi_j]) times the product of u[phi_i] over i < j; phi: slots by usage."""
    result, taken = np.zeros_like(usage), 1.0
    for slot in sorted(range(len(usage)), key=lambda slot: (np.round(usage[slot] * RESOLUTION), slot)):
        result[slot] = (1 - usage[slot]) * taken
        taken *= usage[slot]
    return result


def write_weightings(usage: Array, contents: list[Array], interface: Interface) -> Array:
    """w = g^w (g^a a + (1 - g^a) c), (H, N); a head takes as used what the heads before it are about to allocate."""
    weightings = []
    gates = zip(interface.write_gates, interface.allocation_gates, strict=True)
    for content, (write_gate, allocation_gate) in zip(contents, gates, strict=True):
        allocated = allocation(usage)
        weightings.append(write_gate * (allocation_gate * allocated + (1 - allocation_gate) * content))
        usage = usage + (1 - usage) * write_gate * allocation_gate * allocated
    return np.stack(weightings)


def written(memory: Array, weightings: Array, erases: list[Array], writes: list[Array], retained: Array) -> Array:
    """M(i, x) <- M(i, x) psi(i) times the product of 1 - w(i) e(x), plus the sum of w(i) v(x), over the write heads."""
    result = np.zeros_like(memory)
    for i in range(memory.shape[0]):
        for x in range(memory.shape[1]):
            kept, added = memory[i, x] * retained[i], 0.0
            for weighting, erase, write in zip(weightings, erases, writes, strict=True):
                kept *= 1 - weighting[i] * erase[x]
                added += weighting[i] * write[x]
            result[i, x] = kept + added
    return result


def preceded(precedence: Array, weighting: Array) -> Array:
    """p <- (1 - sum of w) p + w, of one write head."""
    return (1 - weighting.sum()) * precedence + weighting


def linked(links: Array, weighting: Array, precedence: Array) -> Array:
    """L[i, j] <- (1 - w_i - w_j) L[i, j] + w_i p_j, of one write head, with p from before this write; L[i, i] = 0."""
    result = np.zeros_like(links)
    for i in range(len(weighting)):
        for j in range(len(weighting)):
            if i != j:
                result[i, j] = (1 - weighting[i] - weighting[j]) * links[i, j] + weighting[i] * precedence[j]
    return result


def keep_top_k(weighting: Array, count: int | None) -> Array:
    """Keep the `count` largest weights; of equal ones, those of the lower index."""
    if count is None:
        return weighting
    ranks = np.round(weighting * RESOLUTION)
    largest = sorted(range(len(weighting)), key=lambda slot: (-ranks[slot], slot))[:count]
    result = np.zeros_like(weighting)
    for slot in largest:
        result[slot] = weighting[slot]
    return result


def sharpened_link(weighting: Array, sharpness: float) -> Array:
    """S(d, s)(i) = d(i)^s over its sum, where d is the weighting and a millionth."""
    powers = (weighting + LINK_FLOOR) ** sharpness
    return powers / powers.sum()


def instructions(raw: Array, sizes: Sizes) -> Interface:
    """Cut the interface layer's (clipped) output into the parameters of each head."""
    rest = list(raw)

    def take(count: int) -> Array:
        taken = np.array(rest[:count])
        del rest[:count]
        return taken

    def number() -> float:
        return float(take(1)[0])

    def mask() -> Array:
        return MASK_FLOOR + (1 - MASK_FLOOR) * sigmoid(take(W))

    R, H, W = sizes.read_heads, sizes.write_heads, sizes.memory_width
    interface = Interface(
        read_keys=[take(W) for _ in range(R)],
        read_strengths=[oneplus(number()) for _ in range(R)],
        write_keys=[take(W) for _ in range(H)],
        write_strengths=[oneplus(number()) for _ in range(H)],
        erases=[sigmoid(take(W)) for _ in range(H)],
        writes=[take(W) for _ in range(H)],
        free_gates=[float(sigmoid(number())) for _ in range(R)],
        allocation_gates=[float(sigmoid(number())) for _ in range(H)],
        write_gates=[float(sigmoid(number())) for _ in range(H)],
        read_modes=[softmax(take(2 * H + 1)) for _ in range(R)],
        read_masks=[mask() if sizes.masked_content else np.ones(W) for _ in range(R)],
        write_masks=[mask() if sizes.masked_content else np.ones(W) for _ in range(H)],
        forward_sharpnesses=[[oneplus(number()) for _ in range(H)] if sizes.sharpen_links else [] for _ in range(R)],
        backward_sharpnesses=[[oneplus(number()) for _ in range(H)] if sizes.sharpen_links else [] for _ in range(R)],
    )
    assert not rest
    return interface


def looked(state: State, memory: Array, links: Array, interface: Interface, sizes: Sizes, head: int) -> Array:
    """Where a read head looks now, (N,): backwards along the links, at content, and forwards along the links."""
    H, before = sizes.write_heads, state.read_weightings[head]
    backwards, forwards = [links[h].T @ before for h in range(H)], [links[h] @ before for h in range(H)]
    if sizes.sharpen_links:
        backwards = [sharpened_link(backwards[h], interface.backward_sharpnesses[head][h]) for h in range(H)]
        forwards = [sharpened_link(forwards[h], interface.forward_sharpnesses[head][h]) for h in range(H)]
    content = masked_content_weighting(
        memory, interface.read_keys[head], interface.read_strengths[head], interface.read_masks[head]
    )
    ways = [*backwards, content, *forwards]
    return sum((mode * way for mode, way in zip(interface.read_modes[head], ways, strict=True)), np.zeros(len(memory)))


def step(weights: Weights, sizes: Sizes, x: Array, state: State) -> tuple[Array, State]:
    """One whole step for one sequence: the output's logits (O,), and the state after it."""
    h, hidden, cell = controlled(weights, sizes, x, state)

    interface_weight, interface_bias = weights.interface
    interface = instructions(clipped(interface_weight @ h + interface_bias, sizes.clip), sizes)

    retained = retention(state.read_weightings, interface.free_gates)
    usage = used(state.usage, state.write_weightings, retained)
    keys = zip(interface.write_keys, interface.write_strengths, interface.write_masks, strict=True)
    contents = [masked_content_weighting(state.memory, key, strength, mask) for key, strength, mask in keys]
    marks = write_weightings(usage, contents, interface)
    left = retained if sizes.deallocate else np.ones_like(retained)
    memory = written(state.memory, marks, interface.erases, interface.writes, left)

    count = sizes.sparse_links
    links = np.stack(
        [
            linked(links, keep_top_k(mark, count), keep_top_k(precedence, count))
            for links, mark, precedence in zip(state.links, marks, state.precedence, strict=True)
        ]
    )
    precedence = np.stack(
        [preceded(before, keep_top_k(mark, count)) for before, mark in zip(state.precedence, marks, strict=True)]
    )

    looks = np.stack([looked(state, memory, links, interface, sizes, head) for head in range(sizes.read_heads)])
    reads = np.stack([read(memory, look) for look in looks])

    output_weight, output_bias = weights.output
    y = clipped(output_weight @ np.concatenate([h, *reads]) + output_bias, sizes.clip)
    return y, State(memory, usage, looks, marks, precedence, links, reads, hidden, cell)
