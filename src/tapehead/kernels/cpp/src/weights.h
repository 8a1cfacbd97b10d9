// Weights as a caller has them, and how they and rows of numbers are laid out for the scan.
#pragma once

#include <array>

#include "cpp/src/layout.h"

namespace {

// The weights as their tensors have them, each in slices that stand together in the input of a layer, or of the
// read-out.
template <class Real>
struct Weights {
    const Real* const* tensors;
    const Sizes& s;

    std::array<Slice<Real>, 3> layer(index_t number) const {
        const Real* const* own = tensors + (s.lstm ? 3 : 2) * number;
        const Slice<Real> units = {own[1], s.units, s.own_units(number), s.lstm ? s.units : 0};
        if (number > 0) return {Slice<Real>{own[0], s.units, 0, s.units}, units, Slice<Real>{own[0], 0, 0, 0}};
        const index_t stride = s.inputs + s.reads;
        return {
            Slice<Real>{own[0] + s.inputs, stride, 0, s.reads}, units,
            Slice<Real>{own[0], stride, s.inputs_at(), s.inputs}};
    }
    const Real* layer_bias(index_t number) const { return s.lstm ? tensors[3 * number + 2] : tensors[1]; }
    const Real* const* after_layers() const { return tensors + (s.lstm ? 3 * s.layers : 2); }
    Slice<Real> head() const { return {after_layers()[0], s.units, 0, s.units}; }
    const Real* head_bias() const { return after_layers()[1]; }
    std::array<Slice<Real>, 2> output() const {
        const Real* tensor = after_layers()[2];
        const index_t stride = s.units + s.reads;
        return {Slice<Real>{tensor + s.units, stride, 0, s.reads}, Slice<Real>{tensor, stride, s.reads, s.units}};
    }
    const Real* output_bias() const { return after_layers()[3]; }
};

template <class Real>
void copy(index_t count, const Real* from, Real* to) {
    std::memcpy(to, from, count * sizeof(Real));
}

template <class Real>
void add(index_t count, const Real* from, Real* to) {
    for (index_t i = 0; i < count; ++i) to[i] += from[i];
}

template <class Real>
void clear(index_t count, Real* to) {
    for (index_t i = 0; i < count; ++i) to[i] = 0;
}

// (heads, N) to rows of padded N and back.
template <class Real>
void load_slots(const Sizes& s, index_t heads, const Real* from, Real* to) {
    for (index_t head = 0; head < heads; ++head) {
        copy(s.slots, from + head * s.slots, to + head * s.slots_padded);
        clear(s.slots_padded - s.slots, to + head * s.slots_padded + s.slots);
    }
}

template <class Real>
void store_slots(const Sizes& s, index_t heads, const Real* from, Real* to) {
    for (index_t head = 0; head < heads; ++head) copy(s.slots, from + head * s.slots_padded, to + head * s.slots);
}

template <class Real>
const Real* cast(const void* pointer) {
    return static_cast<const Real*>(pointer);
}

template <class Real>
Real* cast(void* pointer) {
    return static_cast<Real*>(pointer);
}

template <class Real>
const Real* initial_row(const Rows& rows, index_t sequence) {
    return cast<Real>(rows.data) + sequence * rows.stride;
}

}  // namespace
