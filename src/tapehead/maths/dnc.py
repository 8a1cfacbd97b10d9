"""One step of the Differentiable Neural Computer on explicit weights (Graves et al. 2016, Nature 538, 471-476)."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear, softplus

from tapehead._shapes import (
    Input,
    Keys,
    Layers,
    Links,
    Memory,
    Output,
    PerFollowed,
    PerHead,
    PerReadHead,
    PerWriteHead,
    RawHeads,
    ReadModes,
    Reads,
    ReadWeightings,
    Rows,
    Weighting,
    Weightings,
    WriteWeightings,
)
from tapehead._state import name_in_exports
from tapehead.maths import linkage
from tapehead.maths.addressing import content, masked_content
from tapehead.maths.controllers import Controller, clip, control
from tapehead.maths.memory import read, write_together

MASK_FLOOR = 0.1
"""The least that a mask lets through of a column (Csordas & Schmidhuber 2019)."""


class DNCOptions(NamedTuple):
    """The options of a DNC that change its equations; `DNCCell` says what each does."""

    controller: Controller
    read_heads: int
    write_heads: int
    memory_width: int
    clip: float | None
    masked_content: bool
    deallocate: bool
    sharpen_links: bool
    sparse_links: int | None

    @property
    def interface_sizes(self) -> list[int]:
        """The sizes of the interface layer's parts, in the paper's order: W*R + 3*W + 5*R + 3 for one write head.

        Read keys and strengths; write keys and strengths, erase and write vectors; free, allocation and write gates;
        read modes. Then what the options need: read and write masks, sharpness forward and backward. Within each part
        the heads come one after another.
        """
        reads, writes, width = self.read_heads, self.write_heads, self.memory_width
        masks = [reads * width, writes * width]
        return [
            *(reads * width, reads),
            *(writes * width, writes, writes * width, writes * width),
            *(reads, writes, writes),
            reads * self.read_modes,
            *(masks if self.masked_content else [0, 0]),
            *([reads * writes] * 2 if self.sharpen_links else [0, 0]),
        ]

    @property
    def read_modes(self) -> int:
        """The number of ways to read: backward and forward along each write head's links, and by content."""
        return 2 * self.write_heads + 1


class DNCWeights(NamedTuple):
    """The weights that are used at every step.

    `controller` holds a tuple for each layer, as `maths.ntm.NTMWeights` does. P is sum(interface_sizes).
    """

    controller: tuple[tuple[Tensor, ...], ...]
    interface_weight: Tensor  # (P, D)
    interface_bias: Tensor  # (P,)
    output_weight: Tensor  # (O, D + R*W), the paper's W_y and W_r side by side
    output_bias: Tensor  # (O,)


@name_in_exports
class DNCState(NamedTuple):
    """The state that a Differentiable Neural Computer carries from one step to the next.

    Every tensor has the batch axis first; an unbatched state lacks it, a trace's states have the axis T before it. A
    feedforward controller has no state of its own: its `hidden` and `cell` have L = 0 layers.

    Attributes:
        memory: (B, N, W).
        usage: Of every slot, from 0 to 1, (B, N).
        read_weightings: Of every read head, (B, R, N).
        write_weightings: Of every write head, (B, H, N).
        precedence: To what degree each slot is the one written to last, (B, H, N).
        links: To what degree slot i was written right after slot j, (B, H, N, N).
        reads: What was read, (B, R, W).
        hidden: The controller's units, (B, L, D).
        cell: The controller's cells, (B, L, D).
    """

    memory: Memory
    usage: Weighting
    read_weightings: ReadWeightings
    write_weightings: WriteWeightings
    precedence: WriteWeightings
    links: Links
    reads: Reads
    hidden: Layers
    cell: Layers


class Interface(NamedTuple):
    """The parameters of all heads at one step; the last four are None where the options do not need them.

    Attributes:
        read_keys: k^r, (B, R, W).
        read_strengths: beta^r >= 1, (B, R).
        write_keys: k^w, (B, H, W).
        write_strengths: beta^w >= 1, (B, H).
        erase: e in [0, 1], (B, H, W).
        add: v, (B, H, W).
        free_gates: f in [0, 1], (B, R).
        allocation_gates: g^a in [0, 1], (B, H).
        write_gates: g^w in [0, 1], (B, H).
        read_modes: pi: backward, content, forward, together 1, (B, R, 2 H + 1).
        read_masks: m^r in [0.1, 1], (B, R, W).
        write_masks: m^w in [0.1, 1], (B, H, W).
        forward_sharpness: s^f >= 1, (B, R, H).
        backward_sharpness: s^b >= 1, (B, R, H).
    """

    read_keys: Reads
    read_strengths: PerReadHead
    write_keys: Rows
    write_strengths: PerWriteHead
    erase: Rows
    add: Rows
    free_gates: PerReadHead
    allocation_gates: PerWriteHead
    write_gates: PerWriteHead
    read_modes: ReadModes
    read_masks: Reads | None
    write_masks: Rows | None
    forward_sharpness: PerFollowed | None
    backward_sharpness: PerFollowed | None


def dnc_step(inputs: Input, state: DNCState, weights: DNCWeights, options: DNCOptions) -> tuple[Output, DNCState]:
    """Run one step: the controller sees the input and the previous reads, the write heads write, the read heads read.

    Args:
        inputs: x_t, (B, I).
        state: The state before the step.
        weights: The weights.
        options: The options.

    Returns:
        y_t, (B, O), as logits, and the state after the step.
    """
    hidden_top, hidden, cell = control(
        options.controller, weights.controller, inputs, state.reads, state.hidden, state.cell
    )
    raw = linear(hidden_top, weights.interface_weight, weights.interface_bias)
    interface = interface_parameters(raw, options)
    usage, write_weightings, memory = write(state, interface, options)
    precedence, links = update_links(state, write_weightings, options)
    read_weightings = address_reads(memory, links, state.read_weightings, interface)
    reads = read(memory, read_weightings)
    output = linear(torch.cat([hidden_top, reads.flatten(1)], dim=-1), weights.output_weight, weights.output_bias)
    after = DNCState(memory, usage, read_weightings, write_weightings, precedence, links, reads, hidden, cell)
    return clip(output, options.clip), after


def interface_parameters(raw: RawHeads, options: DNCOptions) -> Interface:
    """Split the interface layer's output and bring each part into its range (Methods, "Interface parameters").

    Args:
        raw: The interface layer's output, (B, P), laid out as `DNCOptions.interface_sizes` says.
        options: The options.

    Returns:
        Strengths and sharpness = 1 + softplus, gates and erase = sigmoid, modes = softmax, masks = 0.1 + 0.9 sigmoid;
        keys and add vectors as they are.
    """
    parts = clip(raw, options.clip).split(options.interface_sizes, dim=-1)
    read_keys, read_strengths, write_keys, write_strengths, erase, add, *gates_and_modes = parts[:10]
    free_gates, allocation_gates, write_gates, modes = gates_and_modes
    read_masks, write_masks, forward, backward = parts[10:]
    rows, links = (-1, options.memory_width), (options.read_heads, options.write_heads)
    return Interface(
        read_keys=read_keys.unflatten(-1, rows),
        read_strengths=_oneplus(read_strengths),
        write_keys=write_keys.unflatten(-1, rows),
        write_strengths=_oneplus(write_strengths),
        erase=torch.sigmoid(erase).unflatten(-1, rows),
        add=add.unflatten(-1, rows),
        free_gates=torch.sigmoid(free_gates),
        allocation_gates=torch.sigmoid(allocation_gates),
        write_gates=torch.sigmoid(write_gates),
        read_modes=torch.softmax(modes.unflatten(-1, (-1, options.read_modes)), dim=-1),
        read_masks=_squash_mask(read_masks).unflatten(-1, rows) if options.masked_content else None,
        write_masks=_squash_mask(write_masks).unflatten(-1, rows) if options.masked_content else None,
        forward_sharpness=_oneplus(forward).unflatten(-1, links) if options.sharpen_links else None,
        backward_sharpness=_oneplus(backward).unflatten(-1, links) if options.sharpen_links else None,
    )


def write(state: DNCState, interface: Interface, options: DNCOptions) -> tuple[Weighting, WriteWeightings, Memory]:
    """Update the usage of the slots, choose where to write, and write.

    Args:
        state: The state before the step.
        interface: The heads' parameters.
        options: The options.

    Returns:
        u_t (B, N), w_t (B, H, N) and M_t (B, N, W).
    """
    retained = linkage.retention(state.read_weightings, interface.free_gates)
    usage = linkage.usage(state.usage, state.write_weightings, retained)
    allocated = linkage.allocations(usage, interface.write_gates, interface.allocation_gates)
    by_content = address_by_content(
        state.memory, interface.write_keys, interface.write_strengths, interface.write_masks
    )
    weightings = linkage.write_weightings(allocated, by_content, interface.write_gates, interface.allocation_gates)
    memory = linkage.deallocate(state.memory, retained) if options.deallocate else state.memory
    return usage, weightings, write_together(memory, weightings, interface.erase, interface.add)


def update_links(
    state: DNCState, write_weightings: WriteWeightings, options: DNCOptions
) -> tuple[WriteWeightings, Links]:
    """Record which slots were written after which.

    Args:
        state: The state before the step.
        write_weightings: w_t, (B, H, N).
        options: The options.

    Returns:
        The precedence p_t, (B, H, N), and the links L_t, (B, H, N, N).
    """
    to, of = write_weightings, state.precedence
    if options.sparse_links is not None:
        to, of = linkage.keep_top_k(to, options.sparse_links), linkage.keep_top_k(of, options.sparse_links)
    return linkage.precedence(state.precedence, to), linkage.links(state.links, to, of)


def address_reads(memory: Memory, links: Links, previous: ReadWeightings, interface: Interface) -> ReadWeightings:
    """Compute every read head's new weighting: by content, and along the links from where it read last.

    Args:
        memory: M_t, (B, N, W).
        links: L_t, (B, H, N, N).
        previous: w_{t-1}, (B, R, N).
        interface: The heads' parameters.

    Returns:
        w_t, (B, R, N).
    """
    forward, backward = linkage.forward(links, previous), linkage.backward(links, previous)
    if interface.forward_sharpness is not None and interface.backward_sharpness is not None:
        forward = linkage.sharpen_followed(forward, interface.forward_sharpness)
        backward = linkage.sharpen_followed(backward, interface.backward_sharpness)
    by_content = address_by_content(memory, interface.read_keys, interface.read_strengths, interface.read_masks)
    return linkage.read_weightings(backward, by_content, forward, interface.read_modes)


def address_by_content(memory: Memory, keys: Keys, strengths: PerHead, masks: Keys | None) -> Weightings:
    """Compute content weightings, with a mask where there is one.

    Args:
        memory: M, (B, N, W).
        keys: k, (B, heads, W).
        strengths: beta, (B, heads).
        masks: m, (B, heads, W), or None.

    Returns:
        c, (B, heads, N).
    """
    if masks is None:
        return content(memory, keys, strengths)
    return masked_content(memory, keys, strengths, masks)


def _oneplus(raw: Tensor) -> Tensor:
    return 1 + softplus(raw)


def _squash_mask(raw: Tensor) -> Tensor:
    return MASK_FLOOR + (1 - MASK_FLOOR) * torch.sigmoid(raw)
