// What machines share of their heads: what heads are told, and where they find a key's like.
#pragma once

#include "native/memory.h"

namespace {

// Calls work(first slot, slots from there on) for every vector of slots; the second is below LANES in the last ones.
template <class Real, class Work>
ALWAYS_INLINE void for_slots(const Sizes& s, const Work& work) {
    for (index_t slot = 0; slot < s.slots_padded; slot += LANES<Real>) work(slot, s.slots - slot);
}

template <class Real>
ALWAYS_INLINE Vector<Real> clipped(Vector<Real> value, Real clip) {
    return smaller<Real>(spread(clip), larger<Real>(spread(-clip), value));
}

// A softmax over each group of so many neighbouring numbers, in place; and its way back.
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
void directions(const Sizes& s, index_t heads, const Real* keys, Real* direction, Real* inverse_norm) {
    constexpr Real floor = NORM_FLOOR<Real> * NORM_FLOOR<Real>;
    for (index_t head = 0; head < heads; ++head) {
        Vector<Real> squares = {};
        for (index_t i = 0; i < s.width; i += LANES<Real>) {
            const Vector<Real> key = load_first(keys + head * s.width + i, s.width - i);
            squares += key * key;
        }
        const Real square = sum_of_lanes<Real>(squares);
        inverse_norm[head] = Real(1) / Real(__builtin_sqrt(square < floor ? floor : square));
        if (!(square <= HUGE_SQUARE<Real>)) inverse_norm[head] = inverse_norm_of_huge(s.width, keys + head * s.width, 1);
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

#define EACH_HEAD _Pragma("GCC unroll 4") for (int h = 0; h < HEADS; ++h)

// From the cosines to w^c = softmax_i(beta * cos(i)), still to be multiplied with `scale`.
template <class Real, int HEADS, class Head>
ALWAYS_INLINE void address_by_content(const Sizes& s, const Head* head, Real* const* content, Real* scale) {
    const Real lowest = -__builtin_inf();
    Vector<Real> largest[HEADS], sums[HEADS] = {};
    Real best[HEADS];
    EACH_HEAD largest[h] = spread(lowest);
    for_slots<Real>(s, [&](index_t slot, index_t left) {
        EACH_HEAD largest[h] = larger<Real>(largest[h], first_lanes(load(head[h].cosine + slot), left, lowest));
    });
    EACH_HEAD best[h] = largest_of_lanes<Real>(largest[h]);
    for_slots<Real>(s, [&](index_t slot, index_t left) {
        EACH_HEAD {
            const Vector<Real> score = head[h].strength * (load(head[h].cosine + slot) - best[h]);
            const Vector<Real> power = first_lanes(exp_below_zero<Real>(score), left, Real(0));
            sums[h] += power;
            store(content[h] + slot, power);
        }
    });
    EACH_HEAD scale[h] = Real(1) / sum_of_lanes<Real>(sums[h]);
}

// The way back: from the gradient of w^c (`d[h].cosine` on entry), and the sums of its products with w^c, to those of the
// cosines and of beta.
template <class Real, int HEADS, class Head, class Gradients>
ALWAYS_INLINE void address_by_content_backward(
    const Sizes& s, const Head* head, const Real* const* content, const Vector<Real>* sums, const Gradients* d) {
    Real mean[HEADS];
    Vector<Real> d_strength[HEADS] = {};
    EACH_HEAD mean[h] = sum_of_lanes<Real>(sums[h]);
    for_slots<Real>(s, [&](index_t slot, index_t) {
        EACH_HEAD {
            const Vector<Real> d_score = load(content[h] + slot) * (load(d[h].cosine + slot) - mean[h]);
            d_strength[h] += d_score * load(head[h].cosine + slot);
            store(d[h].cosine + slot, head[h].strength * d_score);
        }
    });
    EACH_HEAD *d[h].strength = sum_of_lanes<Real>(d_strength[h]);
}

// Room for the way back through the cosines of so many heads.
template <class Real>
struct ComparisonRoom {
    Real *direction, *d_cosine, *pull, *partial_direction, *d_directions;

    void take(const Sizes& s, index_t heads, Carver<Real>& carver) {
        direction = carver.take(heads * s.width);
        d_cosine = carver.take(heads * s.slots_padded);
        pull = carver.take(s.slots_padded);
        partial_direction = carver.take(heads * s.width * LANES<Real>);
        d_directions = carver.take(heads * s.width);
    }
};

// An inverse norm below it is that of a row or a key, and not of the floor.
template <class Real>
constexpr Real FLOORED = Real(1) / NORM_FLOOR<Real> * (1 - 4 * (sizeof(Real) == 4 ? Real(0x1p-24) : Real(0x1p-53)));

// compare_backward for rows of one number: their cosine is a sign, and its gradient 0 to the last digit, but for the floor.
template <class Real>
void compare_signs_backward(
    const Sizes& s, index_t heads, const Real* memory, const Real* inverse_norm, const Real* keys,
    const Real* inverse_key_norm, const ComparisonRoom<Real>& room, Real* d_memory, Real* d_keys) {
    for (index_t head = 0; head < heads; ++head) {
        const Real direction = keys[head] * inverse_key_norm[head];
        Real sum = 0;
        for (index_t slot = 0; slot < s.slots; ++slot) {
            const Real d = room.d_cosine[head * s.slots_padded + slot] * inverse_norm[slot];
            if (!(inverse_norm[slot] < FLOORED<Real>)) d_memory[slot] += d * direction;
            sum += d * memory[slot];
        }
        d_keys[head] = inverse_key_norm[head] < FLOORED<Real> ? Real(0) : sum * inverse_key_norm[head];
    }
}

// Backward of the cosines between keys and rows; their gradient is in room.d_cosine. That of the memory is added to.
template <class Real>
void compare_backward(
    const Sizes& s, index_t heads, const Real* memory, const Real* inverse_norm, const Real* cosine, const Real* keys,
    const Real* inverse_key_norm, const ComparisonRoom<Real>& room, Real* d_memory, Real* d_keys) {
    if (s.width == 1) {
        return compare_signs_backward(s, heads, memory, inverse_norm, keys, inverse_key_norm, room, d_memory, d_keys);
    }
    for_slots<Real>(s, [&](index_t slot, index_t) {
        const Vector<Real> inverse = load(inverse_norm + slot);
        Vector<Real> sum = {};
        for (index_t head = 0; head < heads; ++head) {
            Real* d = room.d_cosine + head * s.slots_padded + slot;
            sum -= load(d) * load(cosine + head * s.slots_padded + slot);
            store(d, load(d) * inverse);
        }
        const Vector<Real> zero = {};
        store(room.pull + slot, inverse < FLOORED<Real> ? sum * inverse * inverse : zero);
    });
    scale_keys(s, heads, keys, inverse_key_norm, room.direction);
    cosines_backward(s, heads, memory, d_memory, room.direction, room.d_cosine, room.pull, room.partial_direction);
    add_across_lanes(room.partial_direction, heads * s.width, room.d_directions);
    for (index_t head = 0; head < heads; ++head) {
        const Real *direction = room.direction + head * s.width, *sums = room.d_directions + head * s.width;
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
