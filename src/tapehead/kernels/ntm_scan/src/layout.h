// Where everything of the Neural Turing Machine lies.
#pragma once

#include "cpp/src/layout.h"
#include "ntm_scan/src/call.h"

namespace {

struct NTMSizes : Sizes {
    index_t shift_range, heads, offsets;
    bool location;

    explicit NTMSizes(const NTMCall& call) : Sizes(call), shift_range(call.options.shift_range) {
        location = shift_range >= 0;
        heads = read_heads + write_heads;
        offsets = location ? 2 * shift_range + 1 : 0;
        parameters = heads * (width + 1 + (location ? 2 + offsets : 0)) + 2 * write_heads * width;
    }
};

// Where each head's part of the head layer's outputs begins.
struct ParameterOffsets {
    index_t key, strength, gate, shifts, sharpening, erase, add;

    explicit ParameterOffsets(const NTMSizes& s) {
        key = 0;
        strength = key + s.heads * s.width;
        gate = strength + s.heads;
        shifts = gate + (s.location ? s.heads : 0);
        sharpening = shifts + s.heads * s.offsets;
        erase = sharpening + (s.location ? s.heads : 0);
        add = erase + s.write_heads * s.width;
    }
};

template <class Real>
struct NTMRecords : ControllerRecords<Real> {
    Table<Real> weightings;        // of the state: heads x N
    Table<Real> inverse_norm;      // of the state: 1 / max(|M(i)|, floor), N
    Table<Real> inverse_key_norm;  // heads
    Table<Real> cosine;            // heads x N
    Table<Real> content;           // heads x N: w^c
    Table<Real> log_shifted;       // heads x N: log of w~ over its largest

    Table<Real> saved_memory;  // at checkpoints: W rows of N slots, so that slots are neighbors

    template <class Field>
    void for_each_field(const NTMSizes& s, const Field& field) {
        field(weightings, s.heads * s.slots_padded);
        field(inverse_norm, s.slots_padded);
        ControllerRecords<Real>::for_each_field(s, field);
        field(inverse_key_norm, s.heads);
        field(cosine, s.heads * s.slots_padded);
        field(content, s.location ? s.heads * s.slots_padded : 0);
        field(log_shifted, s.location ? s.heads * s.slots_padded : 0);
    }

    template <class Field>
    void for_each_checkpoint(const NTMSizes& s, const Field& field) {
        field(saved_memory, s.memory);
    }
};

}  // namespace
