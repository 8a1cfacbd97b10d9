// The heads' parameters ("Interface parameters"), and where the heads find what is like a key.
#pragma once

#include "dnc_scan/src/memory.h"

namespace {

template <class Real>
constexpr Real MASK_FLOOR = Real(0.1);

// From the interface layer's outputs, clipped: strengths and sharpness = 1 + softplus, gates and erase = sigmoid, modes =
// softmax, masks = 0.1 + 0.9 sigmoid, keys and what is added as they are.
//
// `slopes` gets what a parameter's gradient is multiplied with to give its output's, zero where the clip holds; of the
// modes, whose softmax mixes them, only that zero, or one.
template <class Real>
void interface_parameters(
    const DNCSizes& s, const ParameterOffsets& at, const Real* raw, Real clip, Real* parameters, Real* slopes) {
    using A = Activations<Real>;
    const auto map = [&](index_t first, index_t past, const auto& function) {
        activate(first, past, raw, clip, parameters, slopes, function);
    };
    const auto oneplus = [](Vector<Real> x, Vector<Real>& slope) { return softplus<Real>(x, slope) + Real(1); };
    const auto mask = [](Vector<Real> x, Vector<Real>& slope) {
        const Vector<Real> y = sigmoid<Real>(x);
        slope = (1 - MASK_FLOOR<Real>)*y * (Real(1) - y);
        return MASK_FLOOR<Real> + (1 - MASK_FLOOR<Real>)*y;
    };
    map(at.read_key, at.read_strength, A::identity);
    map(at.read_strength, at.write_key, oneplus);
    map(at.write_key, at.write_strength, A::identity);
    map(at.write_strength, at.erase, oneplus);
    map(at.erase, at.add, A::sigmoid_);
    map(at.add, at.free_gate, A::identity);
    map(at.free_gate, at.mode, A::sigmoid_);
    map(at.mode, at.read_mask, A::identity);
    softmax_of_groups(s.read_heads, s.modes, parameters + at.mode);
    map(at.read_mask, at.forward_sharpness, mask);
    map(at.forward_sharpness, s.parameters, oneplus);
}

// Turns the gradient of the parameters into that of the interface layer's outputs, in place.
template <class Real>
void interface_parameters_backward(
    const DNCSizes& s, const ParameterOffsets& at, const Real* parameters, const Real* slopes, Real* gradient) {
    softmax_of_groups_backward(s.read_heads, s.modes, parameters + at.mode, gradient + at.mode);
    for (index_t i = 0; i < s.parameters; i += LANES<Real>) {  // rows are padded
        store(gradient + i, load(gradient + i) * load(slopes + i));
    }
}

// What the heads of one kind, all that read or all that write, look for; masks may be null.
template <class Real>
struct Query {
    index_t heads;
    const Real *keys, *strengths, *masks;
};

// And the gradients of that.
template <class Real>
struct QueryGradients {
    Real *keys, *strengths, *masks;
};

// One head as address_by_content takes it.
template <class Real>
struct HeadTables {
    Real strength;
    const Real* cosine;
};
template <class Real>
struct HeadGradients {
    Real *strength, *cosine;
};

// c = softmax_i(beta * cos(k, M(i))) of every head. `inverse_norm` is of the whole memory; masked, each head has its own.
template <class Real>
void query_memory(
    const DNCSizes& s, const Query<Real>& query, const Real* memory, const Real* inverse_norm,
    const ContentRecords<Real>& records, index_t row, Real* direction, Real* squares) {
    Real *cosine = records.cosine.row(row), *content = records.content.row(row);
    Real* inverse_key_norm = records.inverse_key_norm.row(row);
    if (query.masks) {
        for (index_t head = 0; head < query.heads; ++head) {
            const Real* mask = query.masks + head * s.width;
            Real* own_inverse = records.inverse_norm.row(row) + head * s.slots_padded;
            inverse_key_norm[head] = normalize_masked_key(s.width, query.keys + head * s.width, mask, direction);
            masked_inverse_norms(s, memory, mask, squares, own_inverse);
            cosines(s, 1, memory, own_inverse, direction, cosine + head * s.slots_padded);
        }
    } else {
        normalize_keys(s, query.heads, query.keys, direction, inverse_key_norm);
        cosines(s, query.heads, memory, inverse_norm, direction, cosine);
    }
    for_head_groups(query.heads, [&](index_t first, auto heads) {
        constexpr int HEADS = decltype(heads)::value;
        HeadTables<Real> tables[HEADS];
        Real *own[HEADS], scale[HEADS];
        FOR_EACH_HEAD tables[h] = {query.strengths[first + h], cosine + (first + h) * s.slots_padded};
        FOR_EACH_HEAD own[h] = content + (first + h) * s.slots_padded;
        address_by_content<Real, HEADS>(s, tables, own, scale);
        for_slots<Real>(
            s, [&](index_t slot, index_t) { FOR_EACH_HEAD store(own[h] + slot, load(own[h] + slot) * scale[h]); });
    });
}

// Backward of `find`; the gradient of c is in workspace.d_cosine. That of the memory is added to.
template <class Real>
void query_memory_backward(
    const DNCSizes& s, const Query<Real>& query, const Real* memory, const Real* inverse_norm,
    const ContentRecords<Real>& records, index_t row, const CosineWorkspace<Real>& workspace, Real* d_memory,
    const QueryGradients<Real>& d) {
    Real *cosine = records.cosine.row(row), *content = records.content.row(row);
    const Real* inverse_key_norm = records.inverse_key_norm.row(row);
    for_head_groups(query.heads, [&](index_t first, auto heads) {
        constexpr int HEADS = decltype(heads)::value;
        HeadTables<Real> tables[HEADS];
        HeadGradients<Real> gradients[HEADS];
        const Real* own[HEADS];
        Vector<Real> sums[HEADS] = {};
        FOR_EACH_HEAD tables[h] = {query.strengths[first + h], cosine + (first + h) * s.slots_padded};
        FOR_EACH_HEAD gradients[h] = {d.strengths + first + h, workspace.d_cosine + (first + h) * s.slots_padded};
        FOR_EACH_HEAD own[h] = content + (first + h) * s.slots_padded;
        for_slots<Real>(s, [&](index_t slot, index_t) {
            FOR_EACH_HEAD sums[h] += load(gradients[h].cosine + slot) * load(own[h] + slot);
        });
        address_by_content_backward<Real, HEADS>(s, tables, own, sums, gradients);
    });
    if (!query.masks) {
        return compare_backward(
            s, query.heads, memory, inverse_norm, cosine, query.keys, inverse_key_norm, workspace, d_memory, d.keys);
    }
    for (index_t head = 0; head < query.heads; ++head) {
        const index_t own = head * s.width, slots = head * s.slots_padded;
        compare_masked_backward(
            s, memory, records.inverse_norm.row(row) + slots, cosine + slots, query.keys + own, query.masks + own,
            inverse_key_norm[head], workspace.d_cosine + slots, workspace.pull, d_memory, d.keys + own, d.masks + own);
    }
}

}  // namespace
