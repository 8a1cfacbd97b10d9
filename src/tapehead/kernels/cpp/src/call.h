// What a caller hands over: plain numbers and pointers, in the order in which ../call.py lists them.
#pragma once

#include <cstdint>

constexpr std::int64_t MAX_LAYERS = 64;  // of a controller

// The memory is saved once in so many steps; the backward pass computes those between again.
constexpr std::int64_t CHECKPOINT_INTERVAL = 8;

// A tensor with the batch first: each sequence's numbers are contiguous.
struct Rows {
    const void* data;
    std::int64_t stride;  // in numbers, from a sequence's to the next one's; 0: all have the same
};

// OPTIONS says what the model needs beyond these sizes, in numbers; STATE has one of what it is given for each tensor of
// the model's state.
template <class Options, template <class> class State>
struct Call {
    // Sizes.
    std::int64_t time_steps;    // T
    std::int64_t sequences;     // B
    std::int64_t input_size;    // I
    std::int64_t output_size;   // O
    std::int64_t memory_slots;  // N
    std::int64_t memory_width;  // W
    std::int64_t read_heads;    // R
    std::int64_t write_heads;   // H
    std::int64_t hidden_size;   // D
    std::int64_t num_layers;    // of an LSTM; 0 is the feedforward controller
    Options options;
    std::int64_t threads;  // into how many parts to divide the batch at least
    double clip;           // infinity: none

    // Weights: of each layer W_ih, W_hh, b (LSTM) or W, b (feedforward); then head weight and bias, output weight and bias.
    void** weights;
    void** weight_gradients;  // the same, backward only; null where not wanted

    void* input;                  // x, (T, B, I)
    void* input_gradient;         // backward only; may be null
    const std::int64_t* lengths;  // (B,) or null
    void* output;                 // y, (T, B, O); backward: its gradient, may be null

    State<Rows> initial_state;  // before the first step; forward only
    State<void*> final_state;   // forward: where the last state goes; backward: its gradient
    State<void*> states;        // forward: where every state goes, or nulls; backward: their gradient
    State<void*> initial_state_gradient;

    void* saved_for_backward;  // what the forward pass leaves for the backward pass; null: there will be none
    void* scratch;             // memory to work in
};

// What Python must know of where things lie, at a call's sizes; time steps and sequences do not matter.
struct Layout {
    std::int64_t head_parameters;  // outputs of the head layer
    std::int64_t record_size;      // numbers saved of each step of a sequence, and of its initial state
    std::int64_t checkpoint_size;  // numbers in one saved memory of a sequence
    std::int64_t padding;          // numbers that are saved once
};

// torch_parallel_for of torch's stable C interface.
using ParallelFor = std::int32_t (*)(
    std::int64_t begin, std::int64_t end, std::int64_t grain,
    void (*work)(std::int64_t begin, std::int64_t end, void* context), void* context);
