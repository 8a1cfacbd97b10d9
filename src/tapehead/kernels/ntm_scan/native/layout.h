// Where everything of the Neural Turing Machine lies.
#pragma once

#include "native/layout.h"
#include "ntm_scan/native/call.h"

namespace {

struct NTMSizes : Sizes {
    index_t reach, heads, offsets;
    bool location;

    explicit NTMSizes(const NTMCall& call) : Sizes(call), reach(call.options.reach) {
        location = reach >= 0;
        heads = read_heads + write_heads;
        offsets = location ? 2 * reach + 1 : 0;
        parameters = heads * (width + 1 + (location ? 2 + offsets : 0)) + 2 * write_heads * width;
    }
};

// Where each head's part of the head layer's outputs begins.
struct Parts {
    index_t key, strength, gate, shifts, sharpening, erase, add;

    explicit Parts(const NTMSizes& s) {
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

    Table<Real> memory;  // kept memories: W rows of N slots, so that slots are neighbours

    NTMRecords(const NTMSizes& s, index_t memories, index_t records, Carver<Real>& carver) {
        place_records<Real>(s, records, carver, *this);
        memory = {carver.take(memories * padded(s.memory)), padded(s.memory)};
    }

    template <class Field>
    void lay(const NTMSizes& s, const Field& field) {
        field(weightings, s.heads * s.slots_padded);
        field(inverse_norm, s.slots_padded);
        ControllerRecords<Real>::lay(s, field);
        field(inverse_key_norm, s.heads);
        field(cosine, s.heads * s.slots_padded);
        field(content, s.location ? s.heads * s.slots_padded : 0);
        field(log_shifted, s.location ? s.heads * s.slots_padded : 0);
    }

    // For every step, to be kept for a backward pass.
    static NTMRecords of_all_steps(const NTMSizes& s, Carver<Real>& carver) {
        return NTMRecords(s, memories_kept(s.steps) * s.sequences, (s.steps + 1) * s.sequences, carver);
    }

    // For the step at hand, and the one before it.
    static NTMRecords of_one_step(const NTMSizes& s, Carver<Real>& carver) {
        return NTMRecords(s, 0, 2 * s.sequences, carver);
    }
};

}  // namespace
