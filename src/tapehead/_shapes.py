"""The letters that name the axes of tensors, and the tensor types made of them.

| letter | axis                                   | letter  | axis                                        |
|--------|----------------------------------------|---------|---------------------------------------------|
| T      | time steps                             | R, H    | read heads, write heads                     |
| B      | sequences in a batch                   | heads   | read heads first, then write heads          |
| N      | memory slots                           | S       | shift offsets, 2 * shift_range + 1          |
| W      | width of a slot                        | D       | hidden units of the controller              |
| modes  | read modes, 2 H + 1                    | K       | slots that get links                        |
| I, O   | channels of an input, of an output     | L       | layers of the controller                    |
| V      | symbols of a vocabulary                |         |                                             |

A type with `*` in front of its first axis also takes several axes there, or none.
"""

from typing import TypeAlias

from jaxtyping import Bool, Float, Int
from torch import Tensor

Inputs: TypeAlias = Float[Tensor, "T B I"]
Outputs: TypeAlias = Float[Tensor, "T B O"]
Lengths: TypeAlias = Int[Tensor, "B"]
Running: TypeAlias = Bool[Tensor, "B"]
Input: TypeAlias = Float[Tensor, "B I"]
Output: TypeAlias = Float[Tensor, "B O"]

Memory: TypeAlias = Float[Tensor, "*B N W"]
Weighting: TypeAlias = Float[Tensor, "*B N"]
Weightings: TypeAlias = Float[Tensor, "*B heads N"]
ReadWeightings: TypeAlias = Float[Tensor, "*B R N"]
WriteWeightings: TypeAlias = Float[Tensor, "*B H N"]
Keys: TypeAlias = Float[Tensor, "*B heads W"]
Reads: TypeAlias = Float[Tensor, "*B R W"]
Row: TypeAlias = Float[Tensor, "*B W"]
Rows: TypeAlias = Float[Tensor, "*B H W"]
PerHead: TypeAlias = Float[Tensor, "*B heads"]
Shifts: TypeAlias = Float[Tensor, "*B heads S"]
RawHeads: TypeAlias = Float[Tensor, "B P"]

PerReadHead: TypeAlias = Float[Tensor, "*B R"]
PerWriteHead: TypeAlias = Float[Tensor, "*B H"]
ReadModes: TypeAlias = Float[Tensor, "*B R modes"]
Links: TypeAlias = Float[Tensor, "*B H N N"]
Followed: TypeAlias = Float[Tensor, "*B R H N"]
PerFollowed: TypeAlias = Float[Tensor, "*B R H"]
Slots: TypeAlias = Int[Tensor, "*B N"]
KeptSlots: TypeAlias = Int[Tensor, "*B H K"]

Units: TypeAlias = Float[Tensor, "B D"]
Layers: TypeAlias = Float[Tensor, "*B L D"]

Logits: TypeAlias = Float[Tensor, "T B O"]
Targets: TypeAlias = Float[Tensor, "T B O"]
SymbolLogits: TypeAlias = Float[Tensor, "T B V"]
Symbols: TypeAlias = Int[Tensor, "T B"]
Mask: TypeAlias = Bool[Tensor, "T B"]
PerSequence: TypeAlias = Float[Tensor, "B"]
