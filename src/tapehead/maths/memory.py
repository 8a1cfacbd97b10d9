"""Reading from the memory and writing to it (Graves et al. 2014, sections 3.1 and 3.2)."""

from tapehead._shapes import Memory, Reads, ReadWeightings, Row, Weighting


def read(memory: Memory, weighting: ReadWeightings) -> Reads:
    """Blend the slots by the weighting (equation 2): r = sum_i w(i) M(i).

    Args:
        memory: M, (B, N, W).
        weighting: w, (B, R, N).

    Returns:
        r, (B, R, W).
    """
    return weighting @ memory


def write(memory: Memory, weighting: Weighting, erase: Row, add: Row) -> Memory:
    """Erase, then add, each slot as far as it is weighted (equations 3 and 4): M <- M * (1 - w e^T) + w a^T.

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
