// Where everything lies: what a forward pass saves for its backward pass, and the scratch memory that a pass works in.
#pragma once

#include "cpp/src/call.h"
#include "cpp/src/products.h"

namespace {

// The sizes that every model has, and what follows from them; a model adds its own.
struct Sizes {
    index_t steps, sequences, inputs, outputs, slots, width, read_heads, write_heads, units, layers;
    index_t slots_padded, reads, memory;
    index_t parameters = 0;  // outputs of the head layer
    bool lstm;

    template <class Call>
    explicit Sizes(const Call& call)
        : steps(call.time_steps),
          sequences(call.sequences),
          inputs(call.input_size),
          outputs(call.output_size),
          slots(call.memory_slots),
          width(call.memory_width),
          read_heads(call.read_heads),
          write_heads(call.write_heads),
          units(call.hidden_size),
          layers(call.num_layers) {
        lstm = layers > 0;
        if (!lstm) layers = 1;
        slots_padded = padded(slots);
        reads = read_heads * width;
        memory = width * slots_padded;
    }

    index_t gates() const { return lstm ? 4 * units : units; }
    // What a layer's inputs are: of layer 0 the last reads, its own last units (lstm), the input; of the others the units
    // of the layer below and their own last ones.
    index_t layer_input_size(index_t layer) const {
        return layer > 0 ? 2 * units : reads + (lstm ? units : 0) + inputs;
    }
    index_t own_units(index_t layer) const { return layer > 0 ? units : reads; }  // where a layer's own units stand
    index_t inputs_at() const { return reads + (lstm ? units : 0); }
};

// Allocates blocks of a buffer one after the other; without a buffer, only counts.
template <class Real>
struct Arena {
    Real* base;
    index_t size = 0;  // allocated so far

    Real* allocate(index_t count) {
        Real* block = base ? base + size : nullptr;
        size += padded(count);
        return block;
    }
};

// A matrix whose rows belong to (step, sequence) pairs.
template <class Real>
struct Table {
    Real* base;
    index_t stride;

    Real* row(index_t number) const { return base + number * stride; }
};

// What every model's record of a step holds, beside its own fields.
//
// There is one record for every step of every sequence: what the step computed, and the state after it. The initial states
// have records too, with nothing else in them. All of a record lies together, so that the next one can be
// prefetched while this one is worked on; each table is a field of it.
template <class Real>
struct ControllerRecords {
    Table<Real> cell;  // of the state: layers x D
    Table<Real> layer_input[MAX_LAYERS];
    Table<Real> gates[MAX_LAYERS];      // i, f, z, o after their activations; the feedforward layer's units
    Table<Real> cell_tanh[MAX_LAYERS];  // tanh(c)
    Table<Real> readout_input;          // reads, units of the last layer
    Table<Real> parameters;             // of the heads
    Table<Real> slopes;                 // of their activations and clips; before that, the head layer's outputs
    Table<Real> raw_output;             // y before its clip

    Table<Real> whole;  // the record itself

    // Says of every field how many numbers it has.
    template <class Field>
    void for_each_field(const Sizes& s, const Field& field) {
        field(cell, s.lstm ? s.layers * s.units : 0);
        for (index_t layer = 0; layer < s.layers; ++layer) {
            field(layer_input[layer], s.layer_input_size(layer));
            field(gates[layer], s.gates());
            field(cell_tanh[layer], s.lstm ? s.units : 0);
        }
        field(readout_input, s.reads + s.units);
        field(parameters, s.parameters);
        field(slopes, s.parameters);
        field(raw_output, s.outputs);
    }

    // Bring a record into the cache, to be read or (FOR_WRITING = 1) written.
    template <int FOR_WRITING>
    void prefetch(index_t row) const {
        const Real* record = whole.row(row);
        constexpr index_t line = 64 / sizeof(Real);
        for (index_t i = 0; i < whole.stride; i += line) __builtin_prefetch(record + i, FOR_WRITING, 2);
    }
};

// Allocates so many records, with all the fields that `records.for_each_field` names.
template <class Real, class Sizes, class Records>
void allocate_records(const Sizes& s, index_t count, Arena<Real>& arena, Records& records) {
    Arena<Real> fields{nullptr};
    records.for_each_field(s, [&](Table<Real>&, index_t numbers) { fields.allocate(numbers); });
    // An odd number of cache lines (in double, of pairs of them), so that rows do not fall on one another in the cache.
    const index_t size = fields.size | ROW_MULTIPLE;
    Real* base = arena.allocate(count * size);
    records.whole = {base, size};
    index_t offset = 0;
    records.for_each_field(s, [&](Table<Real>& table, index_t numbers) {
        table = {base ? base + offset : nullptr, size};
        offset += padded(numbers);
    });
    arena.allocate(ROW_MULTIPLE);  // vectors may read past the last row
}

constexpr index_t checkpoints_in(index_t steps) { return (steps + CHECKPOINT_INTERVAL - 1) / CHECKPOINT_INTERVAL; }

// All that a scan records of its steps, and the memories saved at checkpoints. FIELDS names them: for_each_field those of
// a record, for_each_checkpoint what is saved of a sequence's memory.
template <class Real, template <class> class Fields>
struct Records : Fields<Real> {
    template <class Sizes>
    Records(const Sizes& s, index_t checkpoints, index_t records, Arena<Real>& arena) {
        allocate_records<Real>(s, records, arena, *this);
        this->for_each_checkpoint(s, [&](Table<Real>& table, index_t numbers) {
            table = {arena.allocate(checkpoints * padded(numbers)), padded(numbers)};
        });
    }

    // For every step, saved for a backward pass.
    template <class Sizes>
    static Records of_all_steps(const Sizes& s, Arena<Real>& arena) {
        return Records(s, checkpoints_in(s.steps) * s.sequences, (s.steps + 1) * s.sequences, arena);
    }

    // For the step at hand, and the one before it.
    template <class Sizes>
    static Records of_one_step(const Sizes& s, Arena<Real>& arena) {
        return Records(s, 0, 2 * s.sequences, arena);
    }
};

}  // namespace
