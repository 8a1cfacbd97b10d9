// A call of the Neural Turing Machine's scan.
#pragma once

#include "cpp/src/call.h"

struct NTMOptions {
    std::int64_t shift_range;  // the shift range; -1 is addressing by content alone
};

// Six tensors, batch first; as pointers they are contiguous, in a trace the axis T stands before the batch, and any may
// be null where a caller has none (a gradient that is zero) or wants none.
template <class Tensor>
struct NTMState {
    Tensor memory;            // (B, N, W)
    Tensor read_weightings;   // (B, R, N)
    Tensor write_weightings;  // (B, H, N)
    Tensor reads;             // (B, R, W)
    Tensor hidden;            // (B, L, D)
    Tensor cell;              // (B, L, D)
};

using NTMCall = Call<NTMOptions, NTMState>;
