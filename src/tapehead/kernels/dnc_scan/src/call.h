// A call of the Differentiable Neural Computer's scan.
#pragma once

#include "cpp/src/call.h"

struct DNCOptions {
    std::int64_t masked_content, deallocate, sharpen_links;  // 1 or 0
    std::int64_t sparse_links;                               // K; 0: all links
};

// Nine tensors, batch first; as pointers they are contiguous, in a trace the axis T stands before the batch, and any may
// be null where a caller has none (a gradient that is zero) or wants none.
template <class Tensor>
struct DNCState {
    Tensor memory;            // (B, N, W)
    Tensor usage;             // (B, N)
    Tensor read_weightings;   // (B, R, N)
    Tensor write_weightings;  // (B, H, N)
    Tensor precedence;        // (B, H, N)
    Tensor links;             // (B, H, N, N)
    Tensor reads;             // (B, R, W)
    Tensor hidden;            // (B, L, D)
    Tensor cell;              // (B, L, D)
};

using DNCCall = Call<DNCOptions, DNCState>;
