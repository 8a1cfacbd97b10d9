// What models share of their heads: parameters, and where a head finds what is like its key.
#pragma once

#include "cpp/src/memory.h"

namespace {

// Calls work(first slot, slots from there on) for every vector of slots; the second is below LANES in the last ones.
template <class Real, class Work>
ALWAYS_INLINE void for_slots(const Sizes& s, const Work& work) {
    for (index_t slot = 0; slot < s.slots_padded; slot += LANES<Real>) work(slot, s.slots - slot);
}

template <class Real>
ALWAYS_INLINE Vector<Real> clipped(Vector<Real> value, Real clip) {
    return min<Real>(broadcast(clip), max<Real>(broadcast(-clip), value));
}

// From the head layer's outputs number `first` to `past`, clipped, to the heads' parameters. `slopes` gets what a
// parameter's gradient is multiplied with to give its output's: the slope of FUNCTION, zero where the clip holds.
template <class Real, class Function>
ALWAYS_INLINE void activate(
    index_t first, index_t past, const Real* raw, Real clip, Real* parameters, Real* slopes, const Function& function) {
    for (index_t i = first; i < past; i += LANES<Real>) {
        const Vector<Real> x = load_first(raw + i, past - i), bounded = clipped(x, clip), zero = {};
        Vector<Real> slope = broadcast(Real(1));
        store_first(parameters + i, function(bounded, slope), past - i);
        store_first(slopes + i, bounded == x ? slope : zero, past - i);
    }
}

// What `activate` takes: functions of a vector that also give their slope, which is 1 on entry.
template <class Real>
struct Activations {
    static constexpr auto identity = [](Vector<Real> x, Vector<Real>&) { return x; };
    static constexpr auto tanh_ = [](Vector<Real> x, Vector<Real>& slope) {
        const Vector<Real> y = tanh<Real>(x);
        slope = Real(1) - y * y;
        return y;
    };
    static constexpr auto sigmoid_ = [](Vector<Real> x, Vector<Real>& slope) {
        const Vector<Real> y = sigmoid<Real>(x);
        slope = y * (Real(1) - y);
        return y;
    };
    static constexpr auto softplus_ = [](Vector<Real> x, Vector<Real>& slope) { return softplus<Real>(x, slope); };
};

// A softmax over each group of so many neighboring numbers, in place; and its backward pass.
template <class Real>
void softmax_of_groups(index_t groups, index_t size, Real* values) {
    for (index_t group = 0; group < groups; ++group) {
        Real* own = values + group * size;
        Real largest = own[0];
        for (index_t i = 1; i < size; ++i) largest = own[i] > largest ? own[i] : largest;
        for (index_t i = 0; i < size; ++i) own[i] -= largest;
    }
    const index_t count = groups * size;
    for (index_t i = 0; i < count; i += LANES<Real>) {
        store_first(values + i, exp_below_zero<Real>(load_first(values + i, count - i)), count - i);
    }
    for (index_t group = 0; group < groups; ++group) {
        Real* own = values + group * size;
        Real sum = 0;
        for (index_t i = 0; i < size; ++i) sum += own[i];
        for (index_t i = 0; i < size; ++i) own[i] /= sum;
    }
}

template <class Real>
void softmax_of_groups_backward(index_t groups, index_t size, const Real* values, Real* gradient) {
    for (index_t group = 0; group < groups; ++group) {
        const Real* own = values + group * size;
        Real *d = gradient + group * size, mean = 0;
        for (index_t i = 0; i < size; ++i) mean += d[i] * own[i];
        for (index_t i = 0; i < size; ++i) d[i] = own[i] * (d[i] - mean);
    }
}

// k / max(|k|, floor) of every head, and 1 / max(|k|, floor).
template <class Real>
void normalize_keys(const Sizes& s, index_t heads, const Real* keys, Real* direction, Real* inverse_norm) {
    constexpr Real floor = NORM_FLOOR<Real> * NORM_FLOOR<Real>;
    for (index_t head = 0; head < heads; ++head) {
        Vector<Real> squares = {};
        for (index_t i = 0; i < s.width; i += LANES<Real>) {
            const Vector<Real> key = load_first(keys + head * s.width + i, s.width - i);
            squares += key * key;
        }
        const Real square = sum_of_lanes<Real>(squares);
        inverse_norm[head] = Real(1) / Real(__builtin_sqrt(square < floor ? floor : square));
        if (!(square <= LARGE_SQUARE<Real>))
            inverse_norm[head] = inverse_norm_of_large(s.width, keys + head * s.width, 1);
    }
    scale_keys(s, heads, keys, inverse_norm, direction);
}

template <class Real>
void scale_keys(const Sizes& s, index_t heads, const Real* keys, const Real* inverse_norm, Real* direction) {
    for (index_t head = 0; head < heads; ++head) {
        for (index_t i = 0; i < s.width; i += LANES<Real>) {
            const index_t at = head * s.width + i, left = s.width - i;
            store_first(direction + at, load_first(keys + at, left) * inverse_norm[head], left);
        }
    }
}

#define FOR_EACH_HEAD _Pragma("GCC unroll 4") for (int h = 0; h < HEADS; ++h)

// From the cosines to w^c = softmax_i(beta * cos(i)), still to be multiplied with `scale`.
template <class Real, int HEADS, class Head>
ALWAYS_INLINE void address_by_content(const Sizes& s, const Head* head, Real* const* content, Real* scale) {
    const Real lowest = -__builtin_inf();
    Vector<Real> largest[HEADS], sums[HEADS] = {};
    Real best[HEADS];
    FOR_EACH_HEAD largest[h] = broadcast(lowest);
    for_slots<Real>(s, [&](index_t slot, index_t left) {
        FOR_EACH_HEAD largest[h] = max<Real>(largest[h], first_lanes(load(head[h].cosine + slot), left, lowest));
    });
    FOR_EACH_HEAD best[h] = max_of_lanes<Real>(largest[h]);
    for_slots<Real>(s, [&](index_t slot, index_t left) {
        FOR_EACH_HEAD {
            const Vector<Real> score = head[h].strength * (load(head[h].cosine + slot) - best[h]);
            const Vector<Real> power = first_lanes(exp_below_zero<Real>(score), left, Real(0));
            sums[h] += power;
            store(content[h] + slot, power);
        }
    });
    FOR_EACH_HEAD scale[h] = Real(1) / sum_of_lanes<Real>(sums[h]);
}

// The backward pass: from the gradient of w^c (`d[h].cosine` on entry), and the sums of its products with w^c, to those of the
// cosines and of beta.
template <class Real, int HEADS, class Head, class Gradients>
ALWAYS_INLINE void address_by_content_backward(
    const Sizes& s, const Head* head, const Real* const* content, const Vector<Real>* sums, const Gradients* d) {
    Real mean[HEADS];
    Vector<Real> d_strength[HEADS] = {};
    FOR_EACH_HEAD mean[h] = sum_of_lanes<Real>(sums[h]);
    for_slots<Real>(s, [&](index_t slot, index_t) {
        FOR_EACH_HEAD {
            const Vector<Real> d_score = load(content[h] + slot) * (load(d[h].cosine + slot) - mean[h]);
            d_strength[h] += d_score * load(head[h].cosine + slot);
            store(d[h].cosine + slot, head[h].strength * d_score);
        }
    });
    FOR_EACH_HEAD* d[h].strength = sum_of_lanes<Real>(d_strength[h]);
}

// Memory for the backward pass of the cosines of so many heads.
template <class Real>
struct CosineWorkspace {
    Real *direction, *d_cosine, *pull, *partial_direction, *d_directions;

    void allocate(const Sizes& s, index_t heads, Arena<Real>& arena) {
        direction = arena.allocate(heads * s.width);
        d_cosine = arena.allocate(heads * s.slots_padded);
        pull = arena.allocate(s.slots_padded);
        partial_direction = arena.allocate(heads * s.width * LANES<Real>);
        d_directions = arena.allocate(heads * s.width);
    }
};

// An inverse norm below it is that of a row or a key, and not of the floor.
template <class Real>
constexpr Real FLOORED = Real(1) / NORM_FLOOR<Real> * (1 - 4 * (sizeof(Real) == 4 ? Real(0x1p-24) : Real(0x1p-53)));

// compare_backward for rows of one number: their cosine is a sign, and its gradient 0 to the last digit, but for the floor.
template <class Real>
void compare_signs_backward(
    const Sizes& s, index_t heads, const Real* memory, const Real* inverse_norm, const Real* keys,
    const Real* inverse_key_norm, const CosineWorkspace<Real>& workspace, Real* d_memory, Real* d_keys) {
    for (index_t head = 0; head < heads; ++head) {
        const Real direction = keys[head] * inverse_key_norm[head];
        Real sum = 0;
        for (index_t slot = 0; slot < s.slots; ++slot) {
            const Real d = workspace.d_cosine[head * s.slots_padded + slot] * inverse_norm[slot];
            if (!(inverse_norm[slot] < FLOORED<Real>)) d_memory[slot] += d * direction;
            sum += d * memory[slot];
        }
        d_keys[head] = inverse_key_norm[head] < FLOORED<Real> ? Real(0) : sum * inverse_key_norm[head];
    }
}

// Backward of the cosines between keys and rows; their gradient is in workspace.d_cosine. That of the memory is added to.
template <class Real>
void compare_backward(
    const Sizes& s, index_t heads, const Real* memory, const Real* inverse_norm, const Real* cosine, const Real* keys,
    const Real* inverse_key_norm, const CosineWorkspace<Real>& workspace, Real* d_memory, Real* d_keys) {
    if (s.width == 1) {
        return compare_signs_backward(
            s, heads, memory, inverse_norm, keys, inverse_key_norm, workspace, d_memory, d_keys);
    }
    for_slots<Real>(s, [&](index_t slot, index_t) {
        const Vector<Real> inverse = load(inverse_norm + slot);
        Vector<Real> sum = {};
        for (index_t head = 0; head < heads; ++head) {
            Real* d = workspace.d_cosine + head * s.slots_padded + slot;
            sum -= load(d) * load(cosine + head * s.slots_padded + slot);
            store(d, load(d) * inverse);
        }
        const Vector<Real> zero = {};
        store(workspace.pull + slot, inverse < FLOORED<Real> ? sum * inverse * inverse : zero);
    });
    scale_keys(s, heads, keys, inverse_key_norm, workspace.direction);
    cosines_backward(
        s, heads, memory, d_memory, workspace.direction, workspace.d_cosine, workspace.pull,
        workspace.partial_direction);
    add_across_lanes(workspace.partial_direction, heads * s.width, workspace.d_directions);
    for (index_t head = 0; head < heads; ++head) {
        const Real *direction = workspace.direction + head * s.width, *sums = workspace.d_directions + head * s.width;
        Real* d_key = d_keys + head * s.width;
        Vector<Real> products = {};
        for (index_t w = 0; w < s.width; w += LANES<Real>) {
            products += load_first(direction + w, s.width - w) * load_first(sums + w, s.width - w);
        }
        const Real along = inverse_key_norm[head] < FLOORED<Real> ? sum_of_lanes<Real>(products) : Real(0);
        for (index_t w = 0; w < s.width; w += LANES<Real>) {
            const index_t left = s.width - w;
            const Vector<Real> across = load_first(sums + w, left) - along * load_first(direction + w, left);
            store_first(d_key + w, across * inverse_key_norm[head], left);
        }
    }
}

}  // namespace
