// A call of the Differentiable Neural Computer's scan.
#pragma once

#include "native/call.h"

struct DNCOptions {
    std::int64_t masked_content, deallocate, sharpen_links;  // 1 or 0
    std::int64_t sparse_links;                               // K; 0: all links
};

// Nine tensors, contiguous, batch first; in a trace the axis T stands before the batch. Any may be null where a caller
// has none (a gradient that is zero) or wants none.
struct DNCState {
    void* memory;            // (B, N, W)
    void* usage;             // (B, N)
    void* read_weightings;   // (B, R, N)
    void* write_weightings;  // (B, H, N)
    void* precedence;        // (B, H, N)
    void* links;             // (B, H, N, N)
    void* reads;             // (B, R, W)
    void* hidden;            // (B, L, D)
    void* cell;              // (B, L, D)
};

using DNCCall = Call<DNCOptions, DNCState>;
