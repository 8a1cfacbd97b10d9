"""What the Triton kernels of every model are made of: products, activations, rows, weightings, and the controller.

One program runs one sequence. A vector that the next part needs whole goes through global memory, with a barrier in
between; it stays in the caches, as weights do. Between two barriers no number is both stored and loaded, nor stored
twice, not even by what works in place: of a small tile several threads load each number, and none may find what
another has stored already. Pointers are to what belongs to the sequence and the time step, unless their place is
computed here. `S` is the model's `Sizes`.
"""

from typing import no_type_check

import triton
import triton.language as tl


@triton.jit
@no_type_check
def add_product(total, weight, vector, columns, ROWS: tl.constexpr, COLUMNS: tl.constexpr):  # (K, C)
    """Add vector[k] * weight[k, columns] to a tile (K, C), which is to be summed over K; weight is (ROWS, COLUMNS)."""
    BLOCK: tl.constexpr = total.shape[0]
    for first in range(0, ROWS, BLOCK):
        rows = first + tl.arange(0, BLOCK)
        factors = tl.load(vector + rows, mask=rows < ROWS, other=0.0)
        inside = (rows < ROWS)[:, None] & (columns < COLUMNS)[None, :]
        at = rows[:, None] * COLUMNS + columns[None, :]
        total += factors[:, None] * tl.load(weight + at, mask=inside, other=0.0)
    return total


# -------------------------------------------------------------------------------------------------------- activations


@triton.jit
@no_type_check
def sigmoid(value):
    """1 / (1 + exp(-x))."""
    return 1 / (1 + tl.exp(-value))


@triton.jit
@no_type_check
def softplus(value):
    """log(1 + exp(x)), as torch has it: x where x > 20."""
    power = tl.exp(-tl.abs(value))
    total = 1 + power
    rounded = total == 1
    logarithm = tl.where(rounded, power, tl.log(total) * (power / tl.where(rounded, 1.0, total - 1)))  # log1p
    return tl.where(value > 20, value, tl.where(value > 0, value, 0.0) + logarithm)


@triton.jit
@no_type_check
def tanh(value):
    """(1 - exp(-2 x)) / (1 + exp(-2 x)), with 1 - exp(-2 |x|) to the last digits where it is small."""
    size = tl.abs(value)
    power = tl.exp(-2 * size)
    is_one, is_large = power == 1, size > 20
    logarithm = tl.log(tl.where(is_one | is_large, 0.5, power))
    rest = tl.where(is_one, 2 * size, tl.where(is_large, 1.0, (1 - power) * (-2 * size / logarithm)))
    return tl.where(value < 0, -1.0, 1.0) * (rest / (2 - rest))


@triton.jit
@no_type_check
def clip(value, BOUND: tl.constexpr):
    """Clamp to [-BOUND, BOUND], unless that is None; and 1 where the gradient passes, 0 where it does not."""
    passes = tl.full(value.shape, 1.0, value.dtype)
    if BOUND is not None:
        bound = tl.full(value.shape, BOUND, value.dtype)
        passes = tl.where((value > bound) | (value < -bound), 0.0, passes)
        value = tl.where(value > bound, bound, tl.where(value < -bound, -bound, value))
    return value, passes


# ------------------------------------------------------------------------------------------------ rows and weightings


@triton.jit
@no_type_check
def unit_rows(rows, FLOOR: tl.constexpr):
    """Divide rows (A, W) by their norms, or by FLOOR; give also the factors (A,), and 1 where it was not the floor."""
    floor = tl.full((rows.shape[0],), FLOOR, rows.dtype)
    largest = tl.max(tl.abs(rows), axis=1)
    scale = tl.where(largest > floor, largest, floor)
    rows = rows / scale[:, None]
    square, least = tl.sum(rows * rows, axis=1), (floor / scale) * (floor / scale)
    inverse = 1 / tl.sqrt(tl.where(square < least, least, square))
    return (
        rows * inverse[:, None],
        inverse / scale,
        tl.where(square < least, 0.0, tl.full(square.shape, 1.0, rows.dtype)),
    )


@triton.jit
@no_type_check
def unit_rows_backward(gradient, unit, inverse, is_long):
    """Give the gradient of rows (A, W), given that of the unit rows."""
    along = tl.sum(gradient * unit, axis=1) * is_long
    return inverse[:, None] * (gradient - unit * along[:, None])


@triton.jit
@no_type_check
def softmax_rows(factor, scores, inside):
    """Give softmax(factor * scores) of each row (A, N), and the scores less their largest; `factor`, (A,), is >= 0."""
    scores = scores - tl.max(tl.where(inside, scores, float("-inf")), axis=1)[:, None]
    scores = tl.where(inside, scores, 0.0)
    powers = tl.where(inside, tl.exp(factor[:, None] * scores), 0.0)
    total = tl.sum(powers, axis=1)
    return powers / tl.where(total == 0, 1.0, total)[:, None], scores  # 0: a row outside


@triton.jit
@no_type_check
def softmax_rows_backward(gradient, weighting, factor, scores):
    """Give the gradients of factor and scores, given that of the weighting; see `softmax_rows`."""
    exponents = weighting * (gradient - tl.sum(gradient * weighting, axis=1)[:, None])
    return tl.sum(exponents * scores, axis=1), factor[:, None] * exponents


@triton.jit
@no_type_check
def logarithm(weighting, S: tl.constexpr):
    """Take the logarithm of weights, of the smallest normal number where one is less; NaN where one is infinite."""
    tiny = tl.full(weighting.shape, S.tiny, weighting.dtype)
    return tl.log(tl.where(weighting < tiny, tiny, weighting)) + 0 * weighting


@triton.jit
@no_type_check
def softmax_in_place(at, inside):
    """Put softmax(x) of each row (A, C) where x is; `at` are pointers."""
    value = tl.load(at, mask=inside, other=0.0)
    tl.debug_barrier()
    weights, _ = softmax_rows(tl.full((value.shape[0],), 1.0, value.dtype), value, inside)
    tl.store(at, weights, mask=inside)


# --------------------------------------------------------------------------------------------------------- the memory


@triton.jit
@no_type_check
def tile_of_memory(first, S: tl.constexpr):
    """Give the slots from `first` on that a tile holds, which of its numbers exist, and where they are."""
    slots = first + tl.arange(0, S.block_slots)
    columns = tl.arange(0, S.width_power)
    inside = (slots < S.slots)[:, None] & (columns < S.width)[None, :]
    return slots, inside, slots[:, None] * S.width + columns[None, :]


@triton.jit
@no_type_check
def read(memory, weightings, reads, S: tl.constexpr):
    """Read with every read head."""
    columns = tl.arange(0, S.width_power)
    for head in range(S.reads):
        total = tl.full((S.block_slots, S.width_power), 0.0, memory.dtype.element_ty)
        for first in range(0, S.slots, S.block_slots):
            slots, inside, at = tile_of_memory(first, S)
            weight = tl.load(weightings + head * S.slots + slots, mask=slots < S.slots, other=0.0)
            total += weight[:, None] * tl.load(memory + at, mask=inside, other=0.0)
        tl.store(reads + head * S.width + columns, tl.sum(total, axis=0), mask=columns < S.width)


@triton.jit
@no_type_check
def read_backward(memory, d_memory, carry_reads, d_reads, weightings, d_weightings, S: tl.constexpr):
    """Go back through the read heads."""
    columns = tl.arange(0, S.width_power)
    for first in range(0, S.slots, S.block_slots):
        slots, inside, at = tile_of_memory(first, S)
        rows = tl.load(memory + at, mask=inside, other=0.0)
        d_rows = tl.load(d_memory + at, mask=inside, other=0.0)
        for head in range(S.reads):
            place = head * S.width + columns
            d_read = tl.load(carry_reads + place, mask=columns < S.width, other=0.0)
            d_read += tl.load(d_reads + place, mask=columns < S.width, other=0.0)
            weight = tl.load(weightings + head * S.slots + slots, mask=slots < S.slots, other=0.0)
            tl.store(
                d_weightings + head * S.slots + slots, tl.sum(rows * d_read[None, :], axis=1), mask=slots < S.slots
            )
            d_rows += weight[:, None] * d_read[None, :]
        tl.debug_barrier()
        tl.store(d_memory + at, d_rows, mask=inside)


# ----------------------------------------------------------------------------------------------------- the head layer


@triton.jit
@no_type_check
def head_outputs(places, weight, bias, units, S: tl.constexpr):
    """Compute outputs of the head layer, clipped; and 1 where the gradient passes, 0 where it does not."""
    total = tl.full((S.block_rows, S.block_columns), 0.0, weight.dtype.element_ty)
    total = tl.sum(add_product(total, weight, units, places, S.units, S.parameters), axis=0)
    return clip(total + tl.load(bias + places, mask=places < S.parameters, other=0.0), S.clip)


@triton.jit
@no_type_check
def store_gradient(to, slope, places, gradient, inside):
    """Store the gradient of the head layer, given that of parameters."""
    tl.store(to + places, gradient * tl.load(slope + places, mask=inside, other=0.0), mask=inside)


# ----------------------------------------------------------------------------------------------------- the controller


@triton.jit
@no_type_check
def control(now, after, gates_in, w_reads, w_hidden, w_below, b_below, reads, hidden, cell, gates, S: tl.constexpr):
    """Run all layers for one step; gates keeps the activated gates, hidden and cell the new units."""
    COUNT: tl.constexpr = S.layers
    for layer in tl.static_range(COUNT):
        new = (after * S.layers + layer) * S.units
        old = (now * S.layers + layer) * S.units
        own_gates = gates + (now * S.layers + layer) * S.gates
        for first in range(0, S.gates, S.block_columns):
            columns = first + tl.arange(0, S.block_columns)
            total = tl.full((S.block_rows, S.block_columns), 0.0, gates.dtype.element_ty)
            if layer == 0:
                base = gates_in + now * S.gates
                total = add_product(
                    total, w_reads, reads + now * S.reads * S.width, columns, S.reads * S.width, S.gates
                )
            else:
                base = b_below + (layer - 1) * S.gates
                weight = w_below + (layer - 1) * S.units * S.gates
                total = add_product(total, weight, hidden + new - S.units, columns, S.units, S.gates)
            if S.lstm:
                weight = w_hidden + layer * S.units * S.gates
                total = add_product(total, weight, hidden + old, columns, S.units, S.gates)
            value = tl.sum(total, axis=0) + tl.load(base + columns, mask=columns < S.gates, other=0.0)
            tl.store(own_gates + columns, value, mask=columns < S.gates)
        tl.debug_barrier()
        activate(own_gates, hidden + new, cell + old, cell + new, S)
        tl.debug_barrier()


@triton.jit
@no_type_check
def activate(gates, hidden, cell_before, cell, S: tl.constexpr):
    """Turn one layer's sums into gates and units."""
    for first in range(0, S.units, S.block_columns):
        units = first + tl.arange(0, S.block_columns)
        inside = units < S.units
        own = gates + units
        if S.lstm:
            i = sigmoid(tl.load(own, mask=inside, other=0.0))
            f = sigmoid(tl.load(own + S.units, mask=inside, other=0.0))
            z = tanh(tl.load(own + 2 * S.units, mask=inside, other=0.0))
            o = sigmoid(tl.load(own + 3 * S.units, mask=inside, other=0.0))
            c = f * tl.load(cell_before + units, mask=inside, other=0.0) + i * z
            tl.debug_barrier()
            tl.store(own, i, mask=inside)
            tl.store(own + S.units, f, mask=inside)
            tl.store(own + 2 * S.units, z, mask=inside)
            tl.store(own + 3 * S.units, o, mask=inside)
            tl.store(cell + units, c, mask=inside)
            tl.store(hidden + units, o * tanh(c), mask=inside)
        else:
            tl.store(hidden + units, tanh(tl.load(own, mask=inside, other=0.0)), mask=inside)


@triton.jit
@no_type_check
def control_backward(
    b, now, after, w_reads, w_hidden, w_below, hidden, cell, gates,
    d_hidden, d_cell, carry_hidden, carry_cell, carry_reads, d_gates, S: tl.constexpr,
):  # fmt: skip
    """Go back through all layers of one step; carry_hidden holds what comes from the heads and from the next step."""
    COUNT: tl.constexpr = S.layers
    for above in tl.static_range(COUNT):
        layer_backward(
            b, now, after, w_reads, w_hidden, w_below, hidden, cell, gates,
            d_hidden, d_cell, carry_hidden, carry_cell, carry_reads, d_gates, COUNT - 1 - above, S,
        )  # fmt: skip


@triton.jit
@no_type_check
def layer_backward(
    b, now, after, w_reads, w_hidden, w_below, hidden, cell, gates,
    d_hidden, d_cell, carry_hidden, carry_cell, carry_reads, d_gates, LAYER: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """Go back through one layer, and add what it gives to the layer below, or store what it gives to the reads."""
    place, new = now * S.layers + LAYER, (after * S.layers + LAYER) * S.units
    carried = (b * S.layers + LAYER) * S.units
    own = d_gates + place * S.gates
    activate_backward(
        gates + place * S.gates, hidden + new, cell + place * S.units, cell + new, d_hidden + new, d_cell + new,
        carry_hidden + carried, carry_cell + carried, own, S,
    )  # fmt: skip
    tl.debug_barrier()
    if S.lstm:
        store_product(carry_hidden + carried, w_hidden + LAYER * S.units * S.gates, own, S.gates, S.units, False, S)
        if LAYER > 0:
            weight = w_below + (LAYER - 1) * S.units * S.gates
            store_product(carry_hidden + carried - S.units, weight, own, S.gates, S.units, True, S)
    if LAYER == 0:
        store_product(carry_reads + b * S.reads * S.width, w_reads, own, S.gates, S.reads * S.width, False, S)
    tl.debug_barrier()


@triton.jit
@no_type_check
def store_product(to, weight, vector, ROWS: tl.constexpr, COLUMNS: tl.constexpr, ADD: tl.constexpr, S: tl.constexpr):
    """Store vector (ROWS,) times weight (ROWS, COLUMNS), or add it to what is there."""
    for first in range(0, COLUMNS, S.block_columns):
        columns = first + tl.arange(0, S.block_columns)
        total = tl.full((S.block_rows, S.block_columns), 0.0, to.dtype.element_ty)
        value = tl.sum(add_product(total, weight, vector, columns, ROWS, COLUMNS), axis=0)
        if ADD:
            value += tl.load(to + columns, mask=columns < COLUMNS, other=0.0)
            tl.debug_barrier()
        tl.store(to + columns, value, mask=columns < COLUMNS)


@triton.jit
@no_type_check
def activate_backward(
    gates, hidden, cell_before, cell, d_hidden, d_cell, carry_hidden, carry_cell, d_gates, S: tl.constexpr
):
    """Give the gradient of one layer's sums, and carry that of its cells to the step before."""
    for first in range(0, S.units, S.block_columns):
        units = first + tl.arange(0, S.block_columns)
        inside = units < S.units
        own, to = gates + units, d_gates + units
        d_h = tl.load(d_hidden + units, mask=inside, other=0.0) + tl.load(carry_hidden + units, mask=inside, other=0.0)
        if S.lstm:
            i = tl.load(own, mask=inside, other=0.0)
            f = tl.load(own + S.units, mask=inside, other=0.0)
            z = tl.load(own + 2 * S.units, mask=inside, other=0.0)
            o = tl.load(own + 3 * S.units, mask=inside, other=0.0)
            tanh_c = tanh(tl.load(cell + units, mask=inside, other=0.0))
            d_c = tl.load(d_cell + units, mask=inside, other=0.0) + d_h * o * (1 - tanh_c * tanh_c)
            d_c += tl.load(carry_cell + units, mask=inside, other=0.0)
            tl.debug_barrier()
            tl.store(to, d_c * z * i * (1 - i), mask=inside)
            tl.store(
                to + S.units, d_c * tl.load(cell_before + units, mask=inside, other=0.0) * f * (1 - f), mask=inside
            )
            tl.store(to + 2 * S.units, d_c * i * (1 - z * z), mask=inside)
            tl.store(to + 3 * S.units, d_h * tanh_c * o * (1 - o), mask=inside)
            tl.store(carry_cell + units, d_c * f, mask=inside)
        else:
            h = tl.load(hidden + units, mask=inside, other=0.0)
            tl.store(to, d_h * (1 - h * h), mask=inside)
