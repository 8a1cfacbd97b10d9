// Where everything of the Differentiable Neural Computer lies.
#pragma once

#include "dnc_scan/src/call.h"
#include "cpp/src/layout.h"

namespace {

struct DNCSizes : Sizes {
    bool masked, deallocate, sharpen;
    index_t sparse;
    index_t modes;                    // ways in which a read head can read: 2 H + 1
    index_t read_slots, write_slots;  // R x N and H x N, padded
    index_t followed;                 // R x H x N, padded
    index_t matrix, links;            // N x N and H x N x N, their rows padded

    explicit DNCSizes(const DNCCall& call)
        : Sizes(call),
          masked(call.options.masked_content),
          deallocate(call.options.deallocate),
          sharpen(call.options.sharpen_links),
          sparse(call.options.sparse_links) {
        modes = 2 * write_heads + 1;
        read_slots = read_heads * slots_padded;
        write_slots = write_heads * slots_padded;
        followed = read_heads * write_slots;
        matrix = slots * slots_padded;
        links = write_heads * matrix;
        const index_t heads = read_heads + write_heads;
        parameters = heads * (width + 1) + 2 * write_heads * width + read_heads + 2 * write_heads + read_heads * modes +
                     (masked ? heads * width : 0) + (sharpen ? 2 * read_heads * write_heads : 0);
    }
};

// Where each part of the interface layer's outputs begins.
struct ParameterOffsets {
    index_t read_key, read_strength, write_key, write_strength, erase, add, free_gate, allocation_gate, write_gate,
        mode, read_mask, write_mask, forward_sharpness, backward_sharpness;

    explicit ParameterOffsets(const DNCSizes& s) {
        read_key = 0;
        read_strength = read_key + s.reads;
        write_key = read_strength + s.read_heads;
        write_strength = write_key + s.write_heads * s.width;
        erase = write_strength + s.write_heads;
        add = erase + s.write_heads * s.width;
        free_gate = add + s.write_heads * s.width;
        allocation_gate = free_gate + s.read_heads;
        write_gate = allocation_gate + s.write_heads;
        mode = write_gate + s.write_heads;
        read_mask = mode + s.read_heads * s.modes;
        write_mask = read_mask + (s.masked ? s.reads : 0);
        forward_sharpness = write_mask + (s.masked ? s.write_heads * s.width : 0);
        backward_sharpness = forward_sharpness + (s.sharpen ? s.read_heads * s.write_heads : 0);
    }
};

// What is recorded of the content addressing of some heads.
template <class Real>
struct ContentRecords {
    Table<Real> inverse_key_norm;  // heads
    Table<Real> inverse_norm;      // masked: heads x N
    Table<Real> cosine;            // heads x N
    Table<Real> content;           // heads x N: c

    template <class Field>
    void for_each_field(const DNCSizes& s, index_t heads, const Field& field) {
        field(inverse_key_norm, heads);
        field(inverse_norm, s.masked ? heads * s.slots_padded : 0);
        field(cosine, heads * s.slots_padded);
        field(content, heads * s.slots_padded);
    }
};

// What is recorded of the links that the read heads followed, forward or backward.
template <class Real>
struct FollowedRecords {
    Table<Real> followed;   // R x H x N: f or b
    Table<Real> logarithm;  // sharpened: of f + 1e-6, over its largest
    Table<Real> sharpened;  // sharpened: what is used in its place

    template <class Field>
    void for_each_field(const DNCSizes& s, const Field& field) {
        field(followed, s.followed);
        field(logarithm, s.sharpen ? s.followed : 0);
        field(sharpened, s.sharpen ? s.followed : 0);
    }
    const Table<Real>& used(const DNCSizes& s) const { return s.sharpen ? sharpened : followed; }
};

template <class Real>
struct DNCRecords : ControllerRecords<Real> {
    Table<Real> usage;         // of the state, as those down to inverse_norm: N
    Table<Real> reading;       // w^r, R x N
    Table<Real> writing;       // w^w, H x N
    Table<Real> precedence;    // H x N
    Table<Real> inverse_norm;  // 1 / max(|M(i)|, floor), N
    Table<Real> retained;      // psi, N
    Table<Real> allocated;     // a, H x N
    Table<Real> order;         // phi of every write head, H x N, as integers
    Table<Real> linked_to;     // sparse: 1 where a link is made to this slot, else 0; H x N
    Table<Real> linked_of;     // and from it
    ContentRecords<Real> write_content, read_content;
    FollowedRecords<Real> forward, backward;

    Table<Real> saved_memory;  // at checkpoints: W rows of N slots, so that slots are neighbors
    Table<Real> saved_links;   // with the memory

    template <class Field>
    void for_each_field(const DNCSizes& s, const Field& field) {
        field(usage, s.slots_padded);
        field(reading, s.read_slots);
        field(writing, s.write_slots);
        field(precedence, s.write_slots);
        field(inverse_norm, s.slots_padded);
        ControllerRecords<Real>::for_each_field(s, field);
        field(retained, s.slots_padded);
        field(allocated, s.write_slots);
        field(order, s.write_slots);
        field(linked_to, s.sparse ? s.write_slots : 0);
        field(linked_of, s.sparse ? s.write_slots : 0);
        write_content.for_each_field(s, s.write_heads, field);
        read_content.for_each_field(s, s.read_heads, field);
        forward.for_each_field(s, field);
        backward.for_each_field(s, field);
    }

    template <class Field>
    void for_each_checkpoint(const DNCSizes& s, const Field& field) {
        field(saved_memory, s.memory);
        field(saved_links, s.links);
    }
};

}  // namespace
