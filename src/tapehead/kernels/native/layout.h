// Where everything lies: in the workspace that a forward pass keeps for its backward pass, and in the scratch room.
#pragma once

#include "native/call.h"
#include "native/products.h"

namespace {

// The sizes that every machine has, and what follows from them; a machine adds its own.
struct Sizes {
    index_t steps, sequences, inputs, outputs, slots, width, read_heads, write_heads, units, layers;
    index_t slots_padded, reads, memory;
    index_t parameters = 0;  // what the heads are told
    bool lstm;

    template <class Call>
    explicit Sizes(const Call& call)
        : steps(call.steps), sequences(call.sequences), inputs(call.inputs), outputs(call.outputs), slots(call.slots),
          width(call.width), read_heads(call.read_heads), write_heads(call.write_heads), units(call.units),
          layers(call.layers) {
        lstm = layers > 0;
        if (!lstm) layers = 1;
        slots_padded = padded(slots);
        reads = read_heads * width;
        memory = width * slots_padded;
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

// What every machine's record of a step holds, beside its own fields.
//
// There is one record for every step of every sequence: what the step computed, and the state after it. The states before
// the first step have records too, with nothing else in them. All of a record lies together, so that the next one can be
// fetched while this one is worked on; each table is a field of it.
template <class Real>
struct ControllerRecords {
    Table<Real> cell;                    // of the state: layers x D
    Table<Real> seen[MOST_LAYERS];       // a layer's inputs
    Table<Real> gates[MOST_LAYERS];      // i, f, z, o after their activations; the feedforward layer's units
    Table<Real> cell_tanh[MOST_LAYERS];  // tanh(c)
    Table<Real> shown;                   // what the read-out sees: reads, top units
    Table<Real> parameters;              // what the heads are told
    Table<Real> slopes;                  // of their activations and clips; first, the head layer's outputs
    Table<Real> raw_output;              // y before its clip

    Table<Real> whole;  // the record itself

    // Says of every field how many numbers it has.
    template <class Field>
    void lay(const Sizes& s, const Field& field) {
        field(cell, s.lstm ? s.layers * s.units : 0);
        for (index_t layer = 0; layer < s.layers; ++layer) {
            field(seen[layer], s.seen(layer));
            field(gates[layer], s.gates());
            field(cell_tanh[layer], s.lstm ? s.units : 0);
        }
        field(shown, s.reads + s.units);
        field(parameters, s.parameters);
        field(slopes, s.parameters);
        field(raw_output, s.outputs);
    }

    // Ask for a record to be brought near, to be read or (FOR_WRITING = 1) written.
    template <int FOR_WRITING>
    void fetch(index_t row) const {
        const Real* record = whole.row(row);
        constexpr index_t line = 64 / sizeof(Real);
        for (index_t i = 0; i < whole.stride; i += line) __builtin_prefetch(record + i, FOR_WRITING, 2);
    }
};

// Places all fields of so many records: `records.lay` names them.
template <class Real, class Sizes, class Records>
void place_records(const Sizes& s, index_t count, Carver<Real>& carver, Records& records) {
    Carver<Real> fields{nullptr};
    records.lay(s, [&](Table<Real>&, index_t numbers) { fields.take(numbers); });
    // An odd number of cache lines (in double, of pairs of them), so that rows do not fall on one another in the cache.
    const index_t size = fields.taken | ROW_MULTIPLE;
    Real* base = carver.take(count * size);
    records.whole = {base, size};
    index_t place = 0;
    records.lay(s, [&](Table<Real>& table, index_t numbers) {
        table = {base ? base + place : nullptr, size};
        place += padded(numbers);
    });
    carver.take(ROW_MULTIPLE);  // vectors may read past the last row
}

// The memory is kept once in so many steps; the backward pass writes the steps between anew.
constexpr index_t KEPT_ONCE_IN = 8;

constexpr index_t memories_kept(index_t steps) { return (steps + KEPT_ONCE_IN - 1) / KEPT_ONCE_IN; }

}  // namespace
