"""Reading from the memory and writing to it (Graves et al. 2014, sections 3.1 and 3.2)."""

from tapehead._shapes import Memory, Reads, ReadWeightings, Row, Rows, Weighting, WriteWeightings


def read(memory: Memory, weighting: ReadWeightings) -> Reads:
    """Read the weighted sum of the slots (equation 2): r = sum_i w(i) M(i).

    Args:
        memory: M, (B, N, W).
        weighting: w, (B, R, N).

    Returns:
        r, (B, R, W).
    """
    return weighting @ memory


def write(memory: Memory, weighting: Weighting, erase: Row, add: Row) -> Memory:
    """Erase from and add to each slot in proportion to its weight (equations 3, 4): M <- M * (1 - w e^T) + w a^T.

    Args:
        memory: M, (B, N, W).
        weighting: w, (B, N), of one write head.
        erase: e in [0, 1], (B, W).
        add: a, (B, W).

    Returns:
        The memory afterwards, (B, N, W).
    """
    weighting = weighting.unsqueeze(-1)
    return memory * (1 - weighting * erase.unsqueeze(-2)) + weighting * add.unsqueeze(-2)


def write_together(memory: Memory, weighting: WriteWeightings, erase: Rows, add: Rows) -> Memory:
    """Let all write heads erase before any adds, so that none erases what another adds in the same step.

    M <- M * prod_h (1 - w_h e_h^T) + sum_h w_h a_h^T, as in the Differentiable Neural Computer's published code. With
    one write head it is `write`.

    Args:
        memory: M, (B, N, W).
        weighting: w, (B, H, N).
        erase: e in [0, 1], (B, H, W).
        add: a, (B, H, W).

    Returns:
        The memory afterwards, (B, N, W).
    """
    for head_weighting, head_erase in zip(weighting.unbind(-2), erase.unbind(-2), strict=True):
        memory = memory * (1 - head_weighting.unsqueeze(-1) * head_erase.unsqueeze(-2))
    return memory + weighting.transpose(-1, -2) @ add
