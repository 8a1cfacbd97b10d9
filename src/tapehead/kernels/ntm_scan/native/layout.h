// Where everything lies: in the workspace that a forward pass keeps for its backward pass, and in the scratch room.
#pragma once

#include "call.h"
#include "products.h"

namespace {

// The sizes of a call and what follows from them.
struct Sizes {
    index_t steps, sequences, inputs, outputs, slots, width, read_heads, write_heads, units, layers, reach;
    index_t heads, offsets, slots_padded, reads, parameters, memory;
    bool lstm, location;

    explicit Sizes(const Call& call)
        : steps(call.steps), sequences(call.sequences), inputs(call.inputs), outputs(call.outputs), slots(call.slots),
          width(call.width), read_heads(call.read_heads), write_heads(call.write_heads), units(call.units),
          layers(call.layers), reach(call.reach) {
        lstm = layers > 0;
        location = reach >= 0;
        if (!lstm) layers = 1;
        heads = read_heads + write_heads;
        offsets = location ? 2 * reach + 1 : 0;
        slots_padded = padded(slots);
        reads = read_heads * width;
        memory = width * slots_padded;
        parameters = heads * (width + 1 + (location ? 2 + offsets : 0)) + 2 * write_heads * width;
    }

    index_t gates() const { return lstm ? 4 * units : units; }
    // What a layer sees: layer 0 the last reads, its own last units (lstm), the input; the others the layer below and
    // their own last units.
    index_t seen(index_t layer) const {
        return layer > 0 ? 2 * units : reads + (lstm ? units : 0) + inputs;
    }
    index_t own_units(index_t layer) const { return layer > 0 ? units : reads; }  // where a layer's own units stand
    index_t inputs_at() const { return reads + (lstm ? units : 0); }
};

// Where each head's part of the head layer's outputs begins.
struct Parts {
    index_t key, strength, gate, shifts, sharpening, erase, add;

    explicit Parts(const Sizes& s) {
        key = 0;
        strength = key + s.heads * s.width;
        gate = strength + s.heads;
        shifts = gate + (s.location ? s.heads : 0);
        sharpening = shifts + s.heads * s.offsets;
        erase = sharpening + (s.location ? s.heads : 0);
        add = erase + s.write_heads * s.width;
    }
};

// Hands out pieces of a buffer one after the other; with no buffer, only counts.
template <class Real>
struct Carver {
    Real* base;
    index_t taken = 0;

    Real* take(index_t count) {
        Real* piece = base ? base + taken : nullptr;
        taken += padded(count);
        return piece;
    }
};

// A matrix whose rows belong to (step, sequence) pairs.
template <class Real>
struct Table {
    Real* base;
    index_t stride;

    Real* row(index_t number) const { return base + number * stride; }
};

constexpr index_t MOST_LAYERS = 64;

// The memory is kept once in so many steps; the backward pass writes the steps between anew.
constexpr index_t KEPT_ONCE_IN = 8;

constexpr index_t memories_kept(index_t steps) { return (steps + KEPT_ONCE_IN - 1) / KEPT_ONCE_IN; }

// One record for every step of every sequence: what the step computed, and the state after it. The states before the
// first step have records too, with nothing else in them. All of a record lies together, so that the next one can be
// fetched while this one is worked on; each table below is a field of it.
template <class Real>
struct Records {
    Table<Real> weightings;              // of the state: heads x N
    Table<Real> inverse_norm;            // of the state: 1 / max(|M(i)|, floor), N
    Table<Real> cell;                    // of the state: layers x D
    Table<Real> seen[MOST_LAYERS];       // a layer's inputs
    Table<Real> gates[MOST_LAYERS];      // i, f, z, o after their activations; the feedforward layer's units
    Table<Real> cell_tanh[MOST_LAYERS];  // tanh(c)
    Table<Real> shown;                   // what the read-out sees: reads, top units
    Table<Real> parameters;              // what the heads are told
    Table<Real> slopes;                  // of their activations and clips; first, the head layer's outputs
    Table<Real> inverse_key_norm;        // heads
    Table<Real> cosine;                  // heads x N
    Table<Real> content;                 // heads x N: w^c
    Table<Real> log_shifted;             // heads x N: log of w~ over its largest
    Table<Real> raw_output;              // y before its clip

    Table<Real> memory;  // kept memories: W rows of N slots, so that slots are neighbours

    Records(const Sizes& s, index_t memories, index_t records, Carver<Real>& carver) {
        Carver<Real> fields{nullptr};
        const auto field = [&](Table<Real>& table, index_t count) {
            table.stride = fields.taken;  // for now: where it begins
            fields.take(count);
        };
        field(weightings, s.heads * s.slots_padded);
        field(inverse_norm, s.slots_padded);
        field(cell, s.lstm ? s.layers * s.units : 0);
        for (index_t layer = 0; layer < s.layers; ++layer) {
            field(seen[layer], s.seen(layer));
            field(gates[layer], s.gates());
            field(cell_tanh[layer], s.lstm ? s.units : 0);
        }
        field(shown, s.reads + s.units);
        field(parameters, s.parameters);
        field(slopes, s.parameters);
        field(inverse_key_norm, s.heads);
        field(cosine, s.heads * s.slots_padded);
        field(content, s.location ? s.heads * s.slots_padded : 0);
        field(log_shifted, s.location ? s.heads * s.slots_padded : 0);
        field(raw_output, s.outputs);
        // An odd number of cache lines, so that rows do not fall on one another in the cache.
        const index_t size = fields.taken | ROW_MULTIPLE;
        Real* base = carver.take(records * size);
        const auto place = [&](Table<Real>& table) { table = {base ? base + table.stride : nullptr, size}; };
        for (Table<Real>* table : {&weightings, &inverse_norm, &cell, &shown, &parameters, &slopes, &inverse_key_norm,
                                   &cosine, &content, &log_shifted, &raw_output}) {
            place(*table);
        }
        for (index_t layer = 0; layer < s.layers; ++layer) {
            place(seen[layer]);
            place(gates[layer]);
            place(cell_tanh[layer]);
        }
        carver.take(ROW_MULTIPLE);  // vectors may read past the last row
        memory = {carver.take(memories * padded(s.memory)), padded(s.memory)};
    }

    // For every step, to be kept for a backward pass.
    static Records of_all_steps(const Sizes& s, Carver<Real>& carver) {
        return Records(s, memories_kept(s.steps) * s.sequences, (s.steps + 1) * s.sequences, carver);
    }

    // For the step at hand, and the one before it.
    static Records of_one_step(const Sizes& s, Carver<Real>& carver) { return Records(s, 0, 2 * s.sequences, carver); }

    // Ask for a record to be brought near, to be read or (FOR_WRITING = 1) written.
    template <int FOR_WRITING>
    void fetch(index_t row) const {
        const Real* record = weightings.row(row);
        constexpr index_t line = 64 / sizeof(Real);
        for (index_t i = 0; i < weightings.stride; i += line) __builtin_prefetch(record + i, FOR_WRITING, 2);
    }
};

}  // namespace
