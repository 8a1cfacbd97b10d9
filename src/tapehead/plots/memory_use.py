"""What a model writes and reads, and where: one sequence, as figure 6 of Graves et al. 2014."""

from matplotlib.figure import Figure

from tapehead.plots._page import READING, SIGNED, WRITING, Flags, Numbers, apply_mask, channels, heat, label, page
from tapehead.plots._slots import draw_weighting, find_rows


def memory_use(
    inputs: Numbers,
    outputs: Numbers,
    mask: Flags,
    adds: Numbers,
    reads: Numbers,
    write: Numbers,
    read: Numbers,
    *,
    title: str = "",
) -> Figure:
    """Draw inputs, the vectors that are added to the memory and where, beside outputs, the vectors read and from where.

    Heads of the same kind are drawn into one panel: their vectors below one another, their weightings by the largest.

    Args:
        inputs: (T, I).
        outputs: Probabilities in [0, 1], (T, O).
        mask: The time steps whose outputs count, (T,); the others are left gray.
        adds: The vectors that the write heads add, (T, H, W); colors reach to the largest number, as for those read.
        reads: The vectors that the read heads read, (T, R, W).
        write: Weightings of the write heads, (T, H, N).
        read: Weightings of the read heads, (T, R, N).
        title: The title above the picture.
    """
    rows = find_rows(write, read)
    heads = max(adds.shape[1], reads.shape[1])
    figure = page(2.6 + 1.1 * min(heads, 4), title)
    panels = figure.subplots(3, 2, sharex=True, height_ratios=[0.7, 0.9 * min(heads, 4), 1.8])
    channels(panels[0, 0], inputs, "input")
    channels(panels[0, 1], apply_mask(outputs, mask), "output")
    kinds = (("vectors added", adds, WRITING, write, "write"), ("vectors read", reads, READING, read, "read"))
    for column, (name, vectors, colors, weights, kind) in enumerate(kinds):
        largest = max(float(abs(vectors).max()), 1e-9)
        heat(panels[1, column], vectors.reshape(len(vectors), -1).T, SIGNED, (-largest, largest))
        label(panels[1, column], "", "column" if vectors.shape[1] == 1 else "column, head by head", name)
        draw_weighting(panels[2, column], weights.max(axis=1), rows, colors)
        label(panels[2, column], "time step", "memory slot", f"{kind} weighting")
    return figure
