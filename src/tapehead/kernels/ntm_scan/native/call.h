// A call of the Neural Turing Machine's scan.
#pragma once

#include "native/call.h"

struct NTMOptions {
    std::int64_t reach;  // the shift range; -1 is addressing by content alone
};

// Six tensors, contiguous, batch first; in a trace the axis T stands before the batch. Any may be null where a caller
// has none (a gradient that is zero) or wants none.
struct NTMState {
    void* memory;            // (B, N, W)
    void* read_weightings;   // (B, R, N)
    void* write_weightings;  // (B, H, N)
    void* reads;             // (B, R, W)
    void* hidden;            // (B, L, D)
    void* cell;              // (B, L, D)
};

using NTMCall = Call<NTMOptions, NTMState>;
