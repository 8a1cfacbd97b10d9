// What a caller hands over: plain numbers and pointers, in the order in which _call.py lists them.
#pragma once

#include <cstdint>

// A tensor with the batch first: each sequence's numbers are contiguous.
struct Rows {
    const void* first;
    std::int64_t stride;  // in numbers, from a sequence's to the next one's; 0: all have the same
};

// OPTIONS says what the machine needs beyond these sizes, in numbers; STATE has one of what it is told for each tensor of
// the machine's state.
template <class Options, template <class> class State>
struct Call {
    // Sizes.
    std::int64_t steps;        // T
    std::int64_t sequences;    // B
    std::int64_t inputs;       // I
    std::int64_t outputs;      // O
    std::int64_t slots;        // N
    std::int64_t width;        // W
    std::int64_t read_heads;   // R
    std::int64_t write_heads;  // H
    std::int64_t units;        // D
    std::int64_t layers;       // of an lstm; 0 is the feedforward controller
    Options options;
    std::int64_t threads;  // into how many parts to cut the batch at least
    double clip;           // infinity: none

    // Weights: of each layer W_ih, W_hh, b (lstm) or W, b (feedforward); then head weight and bias, output weight and bias.
    void** weights;
    void** weight_gradients;  // the same, backward only; null where not wanted

    void* input;                  // x, (T, B, I)
    void* input_gradient;         // backward only; may be null
    const std::int64_t* lengths;  // (B,) or null
    void* output;                 // y, (T, B, O); backward: its gradient, may be null

    State<Rows> first;    // the state before the first step; forward only
    State<void*> last;    // forward: where the last state goes; backward: its gradient
    State<void*> states;  // forward: where the trace goes, or nulls; backward: its gradient
    State<void*> first_gradient;

    void* kept;     // what the forward pass leaves for the backward pass; null: there will be none
    void* scratch;  // room to work in
};

// torch_parallel_for of torch's stable C interface.
using ParallelFor = std::int32_t (*)(
    std::int64_t begin, std::int64_t end, std::int64_t grain,
    void (*work)(std::int64_t begin, std::int64_t end, void* context), void* context);
